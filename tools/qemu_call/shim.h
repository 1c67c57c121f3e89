#pragma once

#include "mesh/core/error.h"
#include "mesh/qemu/assemble.h"
#include "mesh/qemu/instance_file.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ctys::call {

/// What TERM, INT and HUP to the parent of QEMU do. None is passed on as it is, since every one of
/// them would be a power cut for the guest.
enum class Signals : std::uint8_t {
    Ignored,  ///< an agent has started it, and ends it
    AskGuest, ///< a person has: see Foreground
};

/// Who looks at the console first.
enum class Seat : std::uint8_t {
    Nobody,
    Terminal, ///< standard input and output of this process
};

/// What else the parent of a QEMU does for it.
struct Parenthood {
    Signals signals = Signals::Ignored;
    Seat seat = Seat::Nobody;
    std::string console_link; ///< a name for its console, see console_link.h; empty: none
    bool needs_link = false;  ///< somebody has asked for it: without it nothing is started
};

/// Starts QEMU as a child in a session of its own and stays its parent: shares the console, keeps
/// the logs bounded, and writes the exit file when it has ended.
/// `facts` come with everything but the pids and the start time. The instance directory exists.
/// Errors: Failed, when QEMU could not be started at all.
[[nodiscard]] Result<qemu::ExitStatus> run_qemu(const std::vector<std::string>& argv,
                                                const qemu::InstanceFiles& files,
                                                qemu::InstanceFacts facts,
                                                const Parenthood& parenthood);

} // namespace ctys::call
