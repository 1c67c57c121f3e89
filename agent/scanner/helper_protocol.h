#pragma once

#include "agent/scanner/marker.h"
#include "mesh/core/vm.h"
#include "mesh/qemu/further_text.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// What the agent and the scan helper of one pool say to each other, over one stream socket that
/// is the helper's standard output. Frames are a length and a body (frame.h); both programs are of
/// one build, so a version that differs ends the helper.
namespace ctys::agent {

constexpr std::uint16_t helper_protocol_version = 2;
/// Larger configurations are found, but not read: the original's have 5 to 10 KiB.
constexpr std::size_t max_config_bytes = 1024 * 1024;
/// The magic has to stand in this much of the file.
constexpr std::size_t max_magic_bytes = 64 * 1024;
constexpr std::size_t max_path_bytes = 4096;
constexpr std::size_t max_wrappers = 16;

/// Part of a pool that a scan covers. `below` is relative to the pool's root, empty for the root.
struct ScanScope {
    std::string below;
    bool recursive = true; ///< false: only the files directly in the directory

    bool operator==(const ScanScope&) const = default;
};

// Agent to helper. Every command is answered by one CommandDone, in order.
struct ScanPool {
    /// A root without a marker gets one. Not so once a marker was seen there: then the mount is
    /// missing, and a marker must not be written into the empty mount point.
    bool may_mark = false;
    bool watch = true; ///< keep inotify watches on local file systems

    bool operator==(const ScanPool&) const = default;
};
struct ScanDirectory {
    std::string below;

    bool operator==(const ScanDirectory&) const = default;
};
enum class ProofStep : std::uint8_t {
    Write = 1, ///< puts the nonce below the marker
    Read = 2,  ///< looks for it: CommandDone::found
    Remove = 3
};
struct Prove {
    ProofStep step = ProofStep::Read;
    NonceId nonce;

    bool operator==(const Prove&) const = default;
};
/// Touches the root, so that a mount that hangs is noticed while nothing changes.
struct Ping {
    bool operator==(const Ping&) const = default;
};
struct HelperCommand {
    std::uint32_t id = 0;
    std::variant<ScanPool, ScanDirectory, Prove, Ping> body;

    bool operator==(const HelperCommand&) const = default;
};

// Helper to agent. A scan, asked for or begun by the helper after changes, is one ScanBegun, any
// number of the others, and one ScanEnded; scans never overlap.
struct HelperHello {
    std::uint16_t version = helper_protocol_version;

    bool operator==(const HelperHello&) const = default;
};
struct ScanBegun {
    ScanScope scope;

    bool operator==(const ScanBegun&) const = default;
};
struct MountFacts {
    std::string filesystem;
    std::string source;
    std::string root; ///< of the mount within its file system
    std::string super_options;
    bool network = false;
    bool read_only = false;

    bool operator==(const MountFacts&) const = default;
};
/// The pool's own state, once per scan before anything is found.
struct PoolFacts {
    MountFacts mount;
    MarkerFacts marker;        ///< id none: there is none
    std::string marker_reason; ///< why not
    std::uint64_t root_inode = 0;

    bool operator==(const PoolFacts&) const = default;
};
/// A marker below the root: what lies below it belongs to it.
struct NestedMarker {
    std::string below; ///< directory that holds it
    MarkerFacts marker;
    MountFacts mount;

    bool operator==(const NestedMarker&) const = default;
};
struct FoundWrapper {
    std::string name;
    std::uint32_t mode = 0; ///< permission bits
    std::uint32_t uid = 0;
    bool regular = true; ///< false: a link or worse

    bool operator==(const FoundWrapper&) const = default;
};
/// A configuration with the magic of QEMU.
struct FoundFile {
    std::string below; ///< of the file, relative to the pool's root
    StorageIdentity storage;
    std::uint64_t digest = 0; ///< of the whole text, with further ones; of what was read where
                              ///< `problem` is set
    std::uint64_t size = 0;   ///< bytes
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t mode = 0;
    std::uint32_t directory_mode = 0;
    bool ignored = false; ///< MAGICID-IGNORE or MAGICID-NOENUM
    std::string problem;  ///< why there is no text: too large, NULs
    std::vector<FoundWrapper> wrappers;
    std::string text;
    std::vector<qemu::FurtherText> further; ///< of files beside it that complete it

    bool operator==(const FoundFile&) const = default;
};
enum class RemarkKind : std::uint8_t {
    Unreadable = 1,  ///< what is known below it is not confirmed and not gone
    LinkLoop = 2,    ///< a link that leads to a directory above it
    LinkSkipped = 3, ///< a configuration that is a link
    TooDeep = 4,
    OtherMount = 5, ///< a network file system below a pool: to be a pool of its own
    BadName = 6,    ///< no UTF-8
    TooMany = 7,    ///< entries in one directory
};
struct ScanRemark {
    RemarkKind kind = RemarkKind::Unreadable;
    std::string below;
    std::string text;

    bool operator==(const ScanRemark&) const = default;
};
/// Something moved: resets the deadline, says nothing else.
struct Progress {
    std::uint64_t directories = 0;

    bool operator==(const Progress&) const = default;
};
struct ScanEnded {
    ScanScope scope;
    std::string root_problem; ///< not empty: the root could not be read, nothing was looked at
    std::uint64_t directories = 0;
    std::uint64_t files = 0;
    bool watching = false;      ///< changes are reported as they happen
    std::string polling_reason; ///< why not

    bool operator==(const ScanEnded&) const = default;
};
struct CommandDone {
    std::uint32_t id = 0;
    bool found = false;
    std::string problem; ///< not empty: it failed

    bool operator==(const CommandDone&) const = default;
};
using HelperReport = std::variant<HelperHello,
                                  ScanBegun,
                                  PoolFacts,
                                  NestedMarker,
                                  FoundFile,
                                  ScanRemark,
                                  Progress,
                                  ScanEnded,
                                  CommandDone>;

/// A whole frame, with its length.
[[nodiscard]] std::string encode(const HelperCommand& command);
[[nodiscard]] std::string encode(const HelperReport& report);
/// Of the body of one frame. Errors: Malformed.
[[nodiscard]] Result<HelperCommand> decode_command(std::string_view body);
[[nodiscard]] Result<HelperReport> decode_report(std::string_view body);

} // namespace ctys::agent
