using System;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Writes a twin of a 64-bit little-endian ELF library in which one required symbol version of libstdc++ is weak; where the machine's
/// libstdc++ has the version (or the library does not ask for it) the twin is a plain copy. Compiled by MSBuild itself, see
/// WeakGlibcxx.targets.
/// </summary>
public class MarkVersionRequirementWeak : Task
{
    private const int SectionTypeVersionNeed = 0x6ffffffe; // SHT_GNU_verneed
    private const byte WeakFlag = 2; // VER_FLG_WEAK

    /// <summary>The library as the package has it.</summary>
    [Required]
    public string Source { get; set; }

    /// <summary>Where the twin goes.</summary>
    [Required]
    public string Destination { get; set; }

    /// <summary>Name of the version, such as <c>GLIBCXX_3.4.32</c>.</summary>
    [Required]
    public string Version { get; set; }

    /// <inheritdoc/>
    public override bool Execute()
    {
        byte[] image = File.ReadAllBytes(Source);
        if (!MachineHasVersion() && MarkWeak(image))
        {
            Log.LogMessage(MessageImportance.High, "{0}: {1} marked weak, for this machine's libstdc++ lacks it", Path.GetFileName(Source), Version);
        }

        // Written beside and renamed: an older twin may be linked into output folders, or be loaded by a running program.
        Directory.CreateDirectory(Path.GetDirectoryName(Destination));
        string temporary = Destination + ".partial";
        File.WriteAllBytes(temporary, image);
        File.Delete(Destination);
        File.Move(temporary, Destination);
        return true;
    }

    /// <summary>.NET itself runs on the machine's libstdc++: the one mapped into this process is the one that programs will get.</summary>
    private bool MachineHasVersion()
    {
        string library = File.Exists("/proc/self/maps")
            ? File.ReadLines("/proc/self/maps").Select(line => line.Substring(line.IndexOf('/') + 1))
                .FirstOrDefault(path => path.Contains("/libstdc++.so"))
            : null;
        return library == null || IndexOf(File.ReadAllBytes("/" + library), Encoding.ASCII.GetBytes(Version + "\0"), 0, int.MaxValue) >= 0;
    }

    private bool MarkWeak(byte[] image)
    {
        byte[] hash = BitConverter.GetBytes(ElfHash(Version));
        long sections = BitConverter.ToInt64(image, 0x28);
        int size = BitConverter.ToUInt16(image, 0x3a);
        int count = BitConverter.ToUInt16(image, 0x3c);
        for (int i = 0; i < count; i++)
        {
            int header = (int)(sections + (i * size));
            if (BitConverter.ToUInt32(image, header + 4) == SectionTypeVersionNeed)
            {
                int offset = (int)BitConverter.ToInt64(image, header + 0x18);
                int length = (int)BitConverter.ToInt64(image, header + 0x20);
                int need = IndexOf(image, hash, offset, offset + length);
                if (need >= 0)
                {
                    image[need + 4] |= WeakFlag; // Elf64_Vernaux: 4 bytes of hash, then the flags
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>The System V ABI's hash of a symbol's name.</summary>
    private static uint ElfHash(string name)
    {
        uint hash = 0;
        foreach (char c in name)
        {
            hash = (hash << 4) + c;
            uint high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }

        return hash;
    }

    private static int IndexOf(byte[] bytes, byte[] sought, int start, int end)
    {
        end = Math.Min(end, bytes.Length) - sought.Length;
        for (int i = start; i <= end; i++)
        {
            int k = 0;
            while (k < sought.Length && bytes[i + k] == sought[k])
            {
                k++;
            }

            if (k == sought.Length)
            {
                return i;
            }
        }

        return -1;
    }
}
