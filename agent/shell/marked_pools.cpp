#include "agent/shell/marked_pools.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>

namespace ctys::agent {

MarkedPools MarkedPools::load(std::string path) {
    MarkedPools out;
    std::ifstream file{path};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('/')) out.roots_.insert(line);
    }
    out.path_ = std::move(path);
    return out;
}

Status MarkedPools::set(const std::string& root, bool marked) {
    // A line break in a root would make two of one; such a root is not kept.
    if (root.find('\n') != std::string::npos) return {};
    if (marked ? !roots_.insert(root).second : roots_.erase(root) == 0) return {};
    const auto fresh = path_ + ".new";
    std::ofstream file{fresh, std::ios::trunc};
    for (const auto& each : roots_)
        file << each << '\n';
    file.close();
    if (!file || std::rename(fresh.c_str(), path_.c_str()) != 0)
        return fail(ErrorCode::Storage, fmt::format("{} cannot be written", path_));
    return {};
}

} // namespace ctys::agent
