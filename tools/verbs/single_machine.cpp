#include "tools/verbs/single_machine.h"

#include "mesh/setup/lock_holder.h"

#include <algorithm>
#include <filesystem>

namespace ctys::tools {

std::string agent_role(std::string_view name) {
    return name.empty() ? std::string{"agent"} : fmt::format("agent-{}", name);
}

std::vector<RoleProcess> running_roles(const setup::Directories& directories) {
    std::vector<RoleProcess> found;
    std::error_code error;
    std::filesystem::directory_iterator entries(directories.runtime, error);
    for (; !error && entries != std::filesystem::directory_iterator{}; entries.increment(error)) {
        const auto role = entries->path().filename().string();
        if (role != "broker" && role != "agent" && !role.starts_with("agent-")) continue;
        if (const auto pid = setup::lock_holder((entries->path() / "lock").string()))
            found.push_back({.role = role, .pid = *pid});
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return a.role < b.role; // "agent..." before "broker"
    });
    return found;
}

} // namespace ctys::tools
