#pragma once

#include "tools/qemu_call/request.h"

#include <string>
#include <vector>

namespace ctys::call {

/// Looks at this machine: images, binary, accelerator. Makes `request.plan` final (binary as
/// absolute path, accelerator resolved) and returns all problems, those of the request first.
/// `notes` receives sentences that do not keep the VM from starting.
[[nodiscard]] std::vector<Problem> check(Request& request, std::vector<std::string>& notes);

/// True when the file lies on a file system that other machines may mount as well.
[[nodiscard]] bool is_on_shared_storage(const std::string& path);

} // namespace ctys::call
