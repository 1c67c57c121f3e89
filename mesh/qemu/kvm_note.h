#pragma once

#include "mesh/core/error.h"
#include "mesh/core/id.h"
#include "mesh/qemu/qemu_version.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace ctys::qemu {

/// Which file it is and how it was, as stat(2) tells it. What has another one is another program.
struct FileStamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t changed_ns = 0; ///< its mtime

    bool operator==(const FileStamp&) const = default;
};
[[nodiscard]] FileStamp stamp_of(const struct stat& facts);

/// One qemu-system-* and its version, as it was when it told it.
struct EmulatorBuild {
    std::string path; ///< for people
    FileStamp stamp;
    QemuVersion version;

    bool operator==(const EmulatorBuild&) const = default;
};

/// What the agent of a machine has found out of KVM and of its emulators, for whoever assembles a
/// command line there: the file `kvm` in the runtime directory of the mesh. Pure.
struct KvmNote {
    BootId boot = {}; ///< in which it was found out; none: an older agent does not tell
    bool usable = false;
    std::string why;                        ///< a sentence about it
    std::vector<std::string> binaries;      ///< real paths of those that may use KVM
    std::vector<std::string> tried = {};    ///< and of those of them that have run a probe guest
    std::vector<EmulatorBuild> builds = {}; ///< at most 64

    bool operator==(const KvmNote&) const = default;
};

constexpr std::string_view kvm_note_file = "kvm";
constexpr std::size_t max_kvm_note_bytes = 64UL * 1024;

/// A line "usable" or "unusable", a line with the reason, "boot ID", a line per binary, "tried
/// PATH" for each that was, then a line per build: "build VERSION DEVICE INODE SIZE MTIME_NS PATH".
/// Builds that it has no room for are left out: they are asked.
[[nodiscard]] std::string to_text(const KvmNote& note);
/// Lines that it does not know are passed over, and so are those of builds by whoever knows none of
/// them. Errors: Malformed.
[[nodiscard]] Result<KvmNote> parse_kvm_note(std::string_view text);

/// Nothing for a file that is not noted, or has changed since.
[[nodiscard]] std::optional<QemuVersion> noted_version(const KvmNote& note, const FileStamp& stamp);

} // namespace ctys::qemu
