#include "mesh/setup/pool_file.h"

#include "mesh/core/text.h"
#include "mesh/setup/config.h"
#include "mesh/setup/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <unistd.h>

namespace ctys::setup {

namespace {

constexpr std::string_view preface =
    "# Pools of this agent beside those of its configuration, kept by `ctys pool add` and\n"
    "# `ctys pool trust`. Read when the agent starts, and again at SIGHUP.\n";

Status take(PoolEntry& entry, const Assignment& given) {
    const auto wrong = [&] {
        return fail(ErrorCode::Usage,
                    fmt::format("{}: a pool has a path and may have trust", given.origin));
    };
    const auto key = given.name.substr(given.name.rfind('.') + 1);
    if (key == "path") {
        const auto* path = std::get_if<std::string>(&given.value);
        if (path == nullptr || !path->starts_with('/')) return wrong();
        entry.root = *path;
    } else if (key == "trust") {
        const auto* trusted = std::get_if<bool>(&given.value);
        if (trusted == nullptr) return wrong();
        entry.trusted = *trusted;
    } else {
        return wrong();
    }
    return {};
}

Error os_failure(const std::string& path) {
    const bool refused = errno == EACCES || errno == EPERM || errno == EROFS;
    return {.code = refused ? ErrorCode::Refused : ErrorCode::Storage,
            .message = fmt::format("write {}: {}", path, std::strerror(errno))};
}

} // namespace

std::string pool_file(const std::string& agent_state) {
    return agent_state + "/pools.toml";
}

Result<std::vector<PoolEntry>> read_pool_file(const std::string& path) {
    auto read = read_config_file(path);
    if (!read && read.error().code == ErrorCode::NotFound) return std::vector<PoolEntry>{};
    if (!read) return tl::unexpected(read.error());
    std::map<std::string, PoolEntry> entries;
    for (const auto& given : *read) {
        const auto parts = split(given.name, '.');
        if (parts.size() != 3 || parts[0] != "pool") {
            return fail(ErrorCode::Usage,
                        fmt::format("{}: {} is no pool", given.origin, printable(given.name, 80)));
        }
        if (auto taken = take(entries[std::string{parts[1]}], given); !taken)
            return tl::unexpected(taken.error());
    }
    std::vector<PoolEntry> out;
    for (auto& [name, entry] : entries) {
        if (entry.root.empty())
            return fail(ErrorCode::Usage, fmt::format("{}: pool {} has no path", path, name));
        out.push_back(std::move(entry));
    }
    return out;
}

Status write_pool_file(const std::string& path, const std::vector<PoolEntry>& entries) {
    std::string text{preface};
    std::size_t number = 0;
    for (const auto& entry : entries) {
        if (!entry.root.starts_with('/') || printable(entry.root, entry.root.size()) != entry.root)
            return fail(ErrorCode::Usage,
                        fmt::format("pool {}: not a path", printable(entry.root)));
        // Numbers of one width keep their order when they are read back.
        text += fmt::format("\n[pool.{:04}]\npath = {}\n", ++number, toml_quoted(entry.root));
        if (entry.trusted) text += "trust = true\n";
    }
    const auto fresh = path + ".new";
    const int fd =
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return tl::unexpected(os_failure(fresh));
    const auto written = ::write(fd, text.data(), text.size());
    const bool whole = written == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    if (!whole) {
        auto failure = os_failure(fresh);
        ::close(fd);
        ::unlink(fresh.c_str());
        return tl::unexpected(std::move(failure));
    }
    ::close(fd);
    if (::rename(fresh.c_str(), path.c_str()) != 0) return tl::unexpected(os_failure(path));
    return {};
}

} // namespace ctys::setup
