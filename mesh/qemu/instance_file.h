#pragma once

#include "mesh/core/error.h"
#include "mesh/core/id.h"
#include "mesh/core/time.h"
#include "mesh/core/uuid.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace ctys::qemu {

/// How a child process ended, as waitpid told its parent.
struct ExitStatus {
    int code = -1;  ///< exit code; -1 when a signal ended it
    int signal = 0; ///< 0 when it exited

    bool operator==(const ExitStatus&) const = default;
};

/// The shim's file "exit": there exactly when QEMU has ended and the shim lived to see it.
struct ExitFile {
    ExitStatus status;
    WallTime at;
    std::int64_t monotonic_us = 0; ///< CLOCK_MONOTONIC of this boot

    bool operator==(const ExitFile&) const = default;
};
[[nodiscard]] std::string to_text(const ExitFile& file);
/// Errors: Malformed.
[[nodiscard]] Result<ExitFile> parse_exit_file(std::string_view text);

/// The shim's file "instance": written once QEMU has been started, never changed.
struct InstanceFacts {
    std::string label;
    Uuid uuid;          ///< zero: none configured
    std::string config; ///< absolute path
    std::uint32_t shim_pid = 0;
    std::uint32_t qemu_pid = 0;
    std::uint64_t start_ticks = 0; ///< of QEMU: field 22 of /proc/PID/stat
    std::uint64_t argv_digest = 0; ///< digest() of the arguments, each followed by a NUL
    ActionId action;               ///< of the start; none when started by hand
    std::uint64_t token = 0;       ///< fencing token of the lease; 0 without one
    std::string arch;              ///< of its command line, as the next two; empty: not told
    std::uint32_t vcpus = 0;       ///< 0: not told
    std::uint64_t memory_mb = 0;   ///< 0: not told
    bool resumes = false;          ///< it loads the state that a suspend has saved

    bool operator==(const InstanceFacts&) const = default;
};
[[nodiscard]] std::string to_text(const InstanceFacts& facts);
/// Unknown keys are skipped, so that a newer shim's file can be read. Errors: Malformed.
[[nodiscard]] Result<InstanceFacts> parse_instance_file(std::string_view text);

} // namespace ctys::qemu
