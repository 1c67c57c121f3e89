#pragma once

#include "mesh/core/error.h"
#include "mesh/qemu/assemble.h"
#include "mesh/qemu/instance_file.h"

#include <string>
#include <vector>

namespace ctys::call {

/// Starts QEMU as a child in a session of its own and stays its parent: shares the console, keeps
/// the logs bounded, and writes the exit file when it has ended. Signals to this process are not
/// passed on, since every one of them would be a power cut for the guest.
/// `facts` come with everything but the pids and the start time. The instance directory exists.
/// Errors: Failed, when QEMU could not be started at all.
[[nodiscard]] Result<qemu::ExitStatus> run_qemu(const std::vector<std::string>& argv,
                                                const qemu::InstanceFiles& files,
                                                qemu::InstanceFacts facts);

} // namespace ctys::call
