using System.Collections.Frozen;

namespace VisualPriors.Data.Drawings;

/// <summary>
/// Which of the Unicode emoji become things that one can ask for, and under what name. Groups taken: animals and nature, food and
/// drink, travel and places, activities, objects. Left out are groups without a visible thing of their own (symbols, flags,
/// components), people and smileys (hundreds of near-duplicates, told apart by expression or skin tone alone), and the single
/// entries below.
/// </summary>
internal static class Vocabulary
{
    private static readonly FrozenSet<string> Categories = FrozenSet.Create(
        StringComparer.Ordinal, "Animals & Nature", "Food & Drink", "Travel & Places", "Activities", "Objects");

    /// <summary>Short names of entries that a person could not tell from a sibling, or that show a sign rather than a thing.</summary>
    private static readonly FrozenSet<string> LeftOut = FrozenSet.Create(
        StringComparer.Ordinal,
        // Moon phases and other skies that differ by a sliver.
        "new_moon", "waxing_crescent_moon", "first_quarter_moon", "moon", "waning_gibbous_moon", "last_quarter_moon",
        "waning_crescent_moon", "new_moon_with_face", "first_quarter_moon_with_face", "last_quarter_moon_with_face",
        "full_moon_with_face", "mostly_sunny", "barely_sunny", "partly_sunny_rain", "thunder_cloud_and_rain", "snowman_without_snow",
        "umbrella", "star2", "foggy", "fog", "city_sunset", "city_sunrise", "camping", "hotsprings",
        // Globes, and signs.
        "earth_africa", "earth_asia", "globe_with_meridians", "link", "e-mail", "incoming_envelope", "envelope_with_arrow",
        "calling", "no_bell", "mute", "speaker", "sound", "inbox_tray", "outbox_tray", "chart", "chart_with_downwards_trend",
        "white_flower", "low_battery", "construction", "label",
        // The same thing from the other side, in another state, of another currency.
        "mag_right", "hourglass_flowing_sand", "lock_with_ink_pen", "closed_lock_with_key", "unlock", "mailbox_closed",
        "mailbox_with_mail", "mailbox_with_no_mail", "yen", "euro", "pound", "second_place_medal", "third_place_medal",
        "first_place_medal", "airplane_departure", "airplane_arriving", "oncoming_bus", "oncoming_police_car", "oncoming_taxi",
        "oncoming_automobile", "metro", "station", "light_rail", "tram", "train", "railway_car", "trolleybus", "minibus",
        "mountain_railway", "suspension_railway", "aerial_tramway", "post_office", "love_hotel", "motorway", "vertical_traffic_light",
        "calendar", "spiral_calendar_pad", "minidisc", "dvd", "card_index_dividers", "card_file_box", "round_pushpin",
        "page_with_curl", "rolled_up_newspaper", "chains", "hammer_and_wrench", "ship", "shamrock", "notes",
        "hatched_chick", "guide_dog", "rice_scene", "camera_with_flash", "phone", "wood", "building_construction", "house_buildings");

    /// <summary>Names for entries whose given one is not what a person would call the picture, by short name.</summary>
    private static readonly FrozenDictionary<string, string> Names = new Dictionary<string, string>
    {
        ["earth_americas"] = "globe",
        ["mailbox"] = "mailbox",
        ["mag"] = "magnifying glass",
        ["hourglass"] = "hourglass",
        ["lock"] = "padlock",
        ["loud_sound"] = "speaker",
        ["dollar"] = "banknote",
        ["chart_with_upwards_trend"] = "line chart",
        ["umbrella_with_rain_drops"] = "umbrella",
        ["fried_egg"] = "fried egg",
        ["headphones"] = "headphones",
        ["cd"] = "compact disc",
        ["pinata"] = "pinata",
        ["thread"] = "spool of thread",
        ["yarn"] = "ball of yarn",
        ["golf"] = "golf flag",
        ["bowling"] = "bowling ball",
        ["tennis"] = "tennis racket",
        ["ice_hockey_stick_and_puck"] = "ice hockey stick",
        ["field_hockey_stick_and_ball"] = "field hockey stick",
        ["table_tennis_paddle_and_ball"] = "ping pong paddle",
        ["badminton_racquet_and_shuttlecock"] = "badminton racket",
        ["cricket_bat_and_ball"] = "cricket bat",
        ["lacrosse"] = "lacrosse stick",
        ["performing_arts"] = "theatre masks",
        ["wedding"] = "wedding chapel",
        ["coffee"] = "cup of coffee",
        ["mate_drink"] = "mate drink",
        ["car"] = "car",
        ["helmet_with_white_cross"] = "rescue helmet",
        ["zap"] = "lightning bolt",
        ["umbrella_on_ground"] = "parasol",
        ["rotating_light"] = "siren light",
        ["sun_with_face"] = "sun with a face",
        ["ocean"] = "ocean wave",
        ["frame_with_picture"] = "framed picture",
        ["dart"] = "dartboard",
        ["8ball"] = "billiard ball",
        ["mahjong"] = "mahjong tile",
        ["black_joker"] = "joker card",
        ["wind_blowing_face"] = "wind face",
        ["probing_cane"] = "white cane",
        ["house_with_garden"] = "house with a garden",
        ["traffic_light"] = "traffic light",
        ["running_shirt_with_sash"] = "running shirt",
        ["page_facing_up"] = "sheet of paper",
        ["memo"] = "notepad with pencil",
        ["curry"] = "curry and rice",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Subgroups for entries that the Unicode list files under what they belong to rather than what they are, by short name.</summary>
    private static readonly FrozenDictionary<string, string> Subcategories = new Dictionary<string, string>
    {
        ["bricks"] = "other-object",
        ["rock"] = "other-object",
        ["feather"] = "other-object",
        ["wing"] = "other-object",
        ["empty_nest"] = "other-object",
        ["nest_with_eggs"] = "other-object",
        ["feet"] = "other-object",
        ["spider_web"] = "other-object",
        ["shell"] = "other-object",
        ["pig_nose"] = "other-object",
        ["abacus"] = "office",
        ["compass"] = "tool",
        ["carousel_horse"] = "event",
        ["luggage"] = "household",
        ["bellhop_bell"] = "household",
        ["school_satchel"] = "household",
        ["shopping_bags"] = "household",
        ["folding_hand_fan"] = "household",
        ["gem"] = "other-object",
        ["lipstick"] = "household",
        ["hair_pick"] = "household",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Subgroup of an entry: ours, or the given one.</summary>
    public static string SubcategoryOf(string shortName, string subcategory) => Subcategories.GetValueOrDefault(shortName, subcategory);

    /// <summary>Whether an entry becomes a thing.</summary>
    /// <param name="category">Its group.</param>
    /// <param name="name">Its Unicode name, upper case.</param>
    /// <param name="shortName">Its short name.</param>
    public static bool Takes(string category, string name, string shortName) =>
        Categories.Contains(category)
        // Twenty-four drawings of one clock.
        && !name.StartsWith("CLOCK FACE", StringComparison.Ordinal)
        && !LeftOut.Contains(shortName);

    /// <summary>What a thing is called: one of ours, or the Unicode short name (CLDR) in plain lower-case ASCII.</summary>
    /// <returns>Null when the given name holds letters that have no plain form here.</returns>
    public static string? NameOf(string shortName, string commonName)
    {
        if (Names.TryGetValue(shortName, out var name))
        {
            return name;
        }

        var plain = commonName.Replace('’', '\'').ToLowerInvariant();
        return plain.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '-' or '\'') && plain.Length > 0 ? plain : null;
    }
}
