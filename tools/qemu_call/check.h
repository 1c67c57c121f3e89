#pragma once

#include "tools/qemu_call/request.h"

#include <string>
#include <vector>

namespace ctys::call {

/// Looks at this machine: images, binary, accelerator. Makes `request.plan` final (binary as
/// absolute path, accelerator resolved) and returns all problems, those of the request first.
/// `notes` receives sentences that do not keep the VM from starting.
[[nodiscard]] std::vector<Problem> check(Request& request, std::vector<std::string>& notes);

/// The files that this start would write, the target of an installation too.
[[nodiscard]] std::vector<std::string> written_files(const Request& request);

} // namespace ctys::call
