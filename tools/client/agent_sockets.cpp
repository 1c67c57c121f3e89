#include "tools/client/agent_sockets.h"

#include "mesh/setup/lock_holder.h"

#include <algorithm>
#include <filesystem>

namespace ctys::tools {

std::vector<bus::Endpoint> agent_sockets(const std::string& runtime) {
    constexpr std::size_t most = 64; // agents of one machine are a handful
    std::vector<std::string> paths;
    std::error_code failure;
    for (std::filesystem::directory_iterator at{runtime, failure}, end; !failure && at != end;
         at.increment(failure)) {
        const auto name = at->path().filename().string();
        const auto folder = at->path().string();
        if (!name.starts_with("agent") || paths.size() == most) continue;
        if (!setup::is_unheld(folder + "/lock")) paths.push_back(folder + "/agent.sock");
    }
    std::sort(paths.begin(), paths.end());
    std::vector<bus::Endpoint> found;
    for (const auto& path : paths) {
        std::error_code ignored;
        if (!std::filesystem::is_socket(path, ignored)) continue;
        if (auto endpoint = bus::Endpoint::ipc(path)) found.push_back(std::move(*endpoint));
    }
    return found;
}

} // namespace ctys::tools
