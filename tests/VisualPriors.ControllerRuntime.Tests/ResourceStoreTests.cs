using k8s.Models;

namespace VisualPriors.ControllerRuntime.Tests;

public sealed class ResourceStoreTests
{
    private readonly ResourceStore<V1ConfigMap> _store = new();

    [Fact]
    public void A_listing_brings_new_and_changed_objects_and_takes_those_it_lacks()
    {
        Assert.Equal(["Added a", "Added b"], Told(_store.Replace(Listing(10, At("a", 1), At("b", 2)))));
        Assert.Equal(["Modified b", "Added c", "Deleted a"], Told(_store.Replace(Listing(20, At("b", 12), At("c", 13)))));
    }

    [Fact]
    public void A_listing_that_tells_nothing_new_is_no_change()
    {
        _store.Replace(Listing(10, At("a", 1)));

        Assert.Empty(_store.Replace(Listing(20, At("a", 1))));
    }

    [Fact]
    public void A_listing_from_before_a_write_neither_overwrites_nor_removes_what_was_written()
    {
        _store.Replace(Listing(10, At("a", 5), At("b", 6)));
        _store.Written(At("a", 30));
        _store.Written(At("new", 31));

        Assert.Equal(["Deleted b"], Told(_store.Replace(Listing(20, At("a", 5)))));
        Assert.Equal("30", _store.Get(Name("a"))!.Metadata.ResourceVersion);
        Assert.NotNull(_store.Get(Name("new")));
    }

    [Fact]
    public void A_watch_event_from_before_a_write_changes_nothing()
    {
        _store.Replace(Listing(10, At("a", 5)));
        _store.Written(At("a", 30));

        Assert.Empty(_store.Changed(At("a", 20)));
        Assert.Empty(_store.Changed(At("a", 30)));
        Assert.Equal(["Modified a"], Told(_store.Changed(At("a", 40))));
    }

    [Fact]
    public void A_write_that_the_watch_has_passed_already_is_not_brought_back()
    {
        _store.Replace(Listing(10, At("a", 5)));
        _store.Changed(At("a", 20));
        _store.Deleted(At("a", 21));

        Assert.Empty(_store.Written(At("a", 20)));
        Assert.Null(_store.Get(Name("a")));
    }

    [Fact]
    public void A_write_outside_of_what_is_watched_leaves_when_the_watch_has_passed_it()
    {
        _store.Replace(Listing(10));
        Assert.Equal(["Added a"], Told(_store.Written(At("a", 20))));
        _store.Written(At("b", 22));

        Assert.Empty(_store.Watched(19));
        Assert.Equal(["Added other", "Deleted a"], Told(_store.Changed(At("other", 21))));
        Assert.Empty(_store.Changed(At("b", 22)));
        Assert.Empty(_store.Watched(100));
        Assert.NotNull(_store.Get(Name("b")));
    }

    [Fact]
    public void What_we_deleted_stays_deleted_whatever_the_watch_still_tells_of_it()
    {
        _store.Replace(Listing(10, At("a", 5)));
        Assert.Equal(["Deleted a"], Told(_store.WrittenDeleted(At("a", 5))));

        Assert.Empty(_store.Changed(At("a", 12)));
        Assert.Empty(_store.Replace(Listing(13, At("a", 12))));
        Assert.Empty(_store.Deleted(At("a", 14)));
        Assert.Null(_store.Get(Name("a")));
    }

    [Fact]
    public void One_of_the_same_name_that_came_after_our_delete_counts()
    {
        _store.Replace(Listing(10, At("a", 5)));
        _store.WrittenDeleted(At("a", 5));

        Assert.Equal(["Added a"], Told(_store.Written(At("a", 20, uid: "second"))));
        Assert.Empty(_store.Deleted(At("a", 15)));
        Assert.Equal("a-second", _store.Get(Name("a"))!.Metadata.Uid);
    }

    [Fact]
    public void An_object_deleted_and_created_again_unseen_is_two_objects()
    {
        _store.Replace(Listing(10, At("a", 5)));

        Assert.Equal(["Deleted a", "Added a"], Told(_store.Replace(Listing(20, At("a", 15, uid: "second")))));
    }

    [Fact]
    public void An_object_that_cannot_be_read_keeps_its_last_good_state()
    {
        _store.Replace(Listing(10, At("a", 5)));

        Assert.Empty(_store.Unreadable(new UnreadableObject(Name("a"), "12", new FormatException())));
        Assert.Empty(_store.Replace(Listing(20) with { Unreadable = [new UnreadableObject(Name("a"), "12", new FormatException())] }));
        Assert.NotNull(_store.Get(Name("a")));
        Assert.Equal(["Deleted a"], Told(_store.Deleted(At("a", 30))));
    }

    [Fact]
    public void Indexes_follow_the_objects()
    {
        _store.Indexes.Define("value", map => map.Data?.Values ?? []);
        _store.Replace(Listing(10, At("a", 5, value: "red"), At("b", 6, value: "red")));
        Assert.Equal(2, _store.ByIndex("value", "red").Count);

        _store.Changed(At("a", 11, value: "blue"));
        _store.Deleted(At("b", 12));

        Assert.Empty(_store.ByIndex("value", "red"));
        Assert.Equal("a", Assert.Single(_store.ByIndex("value", "blue")).Metadata.Name);
        Assert.Throws<ArgumentException>(() => _store.ByIndex("colour", "blue"));
    }

    private static ResourceListing<V1ConfigMap> Listing(int version, params V1ConfigMap[] items) =>
        new(items, [], version.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static NamespacedName Name(string name) => new("space", name);

    private static V1ConfigMap At(string name, int version, string uid = "first", string value = "1")
    {
        var map = Make.ConfigMap("space", name, value);
        map.Metadata.ResourceVersion = version.ToString(System.Globalization.CultureInfo.InvariantCulture);
        map.Metadata.Uid = $"{name}-{uid}";
        return map;
    }

    private static IEnumerable<string> Told(IEnumerable<ResourceChange<V1ConfigMap>> changes) =>
        changes.Select(change => $"{change.Type} {change.Entity.Metadata.Name}");
}
