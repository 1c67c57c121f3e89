#pragma once

#include "mesh/setup/directories.h"
#include "tools/verbs/session.h"

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace ctys::tools {

/// One of the two processes of a single-machine mesh.
struct RoleProcess {
    std::string role; ///< "broker", "agent", "agent-NAME": its folder in both directories
    pid_t pid = 0;

    bool operator==(const RoleProcess&) const = default;
};

/// Who holds the locks below these directories: agents first, the broker last, which is the order
/// to end them in.
[[nodiscard]] std::vector<RoleProcess> running_roles(const setup::Directories& directories);
[[nodiscard]] std::string agent_role(std::string_view name);

} // namespace ctys::tools
