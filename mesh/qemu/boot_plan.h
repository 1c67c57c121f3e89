#pragma once

#include "mesh/qemu/assemble.h"
#include "mesh/qemu/boot_mode.h"

#include <map>
#include <span>

namespace ctys::qemu {

/// What a configuration says of its media: variables by name, empty ones left out. Relative paths
/// are below `folder`, which is absolute.
struct MediaVariables {
    std::string folder;
    std::map<std::string, std::string, std::less<>> values;

    bool operator==(const MediaVariables&) const = default;
};
/// The variables that are looked at; HDDBOOTIMAGE and IMAGEFORMAT are VmPlan::boot already.
[[nodiscard]] std::span<const std::string_view> media_variables();

/// A file or device that has to be there before QEMU starts.
struct NeededFile {
    std::string key; ///< the variable or option that names it
    std::string path;
    bool written = false;

    bool operator==(const NeededFile&) const = default;
};

/// Where a guest gets installed to.
struct InstallTarget {
    std::string key; ///< the variable or option that names it
    std::string file;
    std::string format = "raw";
    std::uint64_t size = 0; ///< bytes of an image that INIT creates
    bool size_given = false;
    bool preallocated = false; ///< an image that is made takes all its room at once
    Stage stage = Stage::Keep;
    std::string custom;
    bool device_only = false; ///< a stick that the call has not named itself: never an image

    bool operator==(const InstallTarget&) const = default;
};

/// What one start boots, and what it needs for that.
struct BootDecision {
    VmPlan plan;
    std::vector<NeededFile> files; ///< of all its media but the target
    std::optional<InstallTarget> target;

    bool operator==(const BootDecision&) const = default;
};

/// Puts the medium of a boot mode into the plan of a configuration and puts it first. USB is a disk
/// (S-070), INSTALL a CD; the path of PXE is a file that QEMU's own TFTP serves with its folder.
/// The disk of the configuration stays, last as ever, unless a disk with a path of its own is
/// booted in its place. Errors: Usage, where nothing is named or the machine has no such drive,
/// with the variable or the option that would name it.
[[nodiscard]] Result<BootDecision>
decide_boot(VmPlan plan, const BootMode& mode, const MediaVariables& variables);

/// The same for an installation: its disks are the source, which is not written, and the target,
/// and nothing else of the configuration. A floppy target beside a floppy source is drive b.
/// Errors: as above, also where both are one file, or where what is installed would be thrown away.
[[nodiscard]] Result<BootDecision>
decide_install(VmPlan plan, const InstallMode& mode, const MediaVariables& variables);

/// Only the target: nothing is booted, and no source needs to be there. `files` has the source that
/// the installation would take, which is never the target.
[[nodiscard]] Result<BootDecision>
decide_storage(VmPlan plan, const InstallMode& mode, const MediaVariables& variables);

/// DEFAULTBOOTMODE, for a call without a mode: what it names is booted, but a disk without a path
/// is what is booted anyway. Errors: Usage, naming it.
[[nodiscard]] Result<BootDecision> decide_default_boot(VmPlan plan,
                                                       const MediaVariables& variables);

/// Replaces the parts of the kernel that are given. Errors: Usage without any kernel.
[[nodiscard]] Result<VmPlan>
decide_kernel(VmPlan plan, const KernelMode& mode, const MediaVariables& variables);

/// What a look at the target has shown.
struct TargetFacts {
    bool exists = false;
    bool device = false;        ///< a block device
    bool device_folder = false; ///< it would be below /dev, where nothing is made
    /// It holds nothing: an image of another format than raw has no data, else no byte of the first
    /// emptied_bytes is other than zero.
    bool blank = false;
    bool half_made = false;      ///< an INIT that rewrote it was cut short: it holds nothing of use
    std::uint64_t file_size = 0; ///< bytes of the file or device
    std::uint64_t size = 0;      ///< bytes that a guest would see

    bool operator==(const TargetFacts&) const = default;
};

/// How much of a target INIT empties: the 2,880 blocks of the original, the size of a floppy.
constexpr std::uint64_t emptied_bytes = 2880 * 512;

enum class Preparation {
    Nothing,
    Create,
    Fill, ///< a file without a byte becomes an image
    Empty
};

/// What has to be done to the target before QEMU starts. Errors: NotFound where there is none and
/// nothing may make one, Conflict where INIT would destroy what it holds and `force` is not given,
/// or another stage would take what is half made for finished, Usage for a file in place of a
/// stick.
[[nodiscard]] Result<Preparation>
decide_preparation(const InstallTarget& target, const TargetFacts& facts, bool force);

/// Bytes of the image that the preparation makes: one that is emptied keeps its size unless the
/// configuration tells one.
[[nodiscard]] std::uint64_t
size_of_preparation(const InstallTarget& target, const TargetFacts& facts, Preparation what);

} // namespace ctys::qemu
