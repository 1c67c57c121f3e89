#include "tools/setup_vde/switch_files.h"

#include "mesh/core/text.h"
#include "mesh/qemu/command_line.h"
#include "tools/qemu_call/file_error.h"
#include "tools/setup_vde/as_user.h"
#include "tools/setup_vde/management.h"
#include "tools/setup_vde/processes.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>

namespace ctys::vde {

namespace {

enum class Kind { Absent, Folder, Socket, Other };

struct Place {
    Kind kind = Kind::Absent;
    std::string why; ///< it cannot be of a switch of this user; empty: it can
};

// Links are not followed: only what its owner has put there himself is a switch of his.
Place look_at(const std::string& path, Kind wanted, const Account& account) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return {};
        return {Kind::Other, fmt::format("{}: {}", printable(path), std::strerror(errno))};
    }
    const auto kind = S_ISDIR(status.st_mode)    ? Kind::Folder
                      : S_ISSOCK(status.st_mode) ? Kind::Socket
                                                 : Kind::Other;
    if (kind != wanted) {
        return {kind,
                fmt::format("{} is there and no {}",
                            printable(path),
                            wanted == Kind::Folder ? "folder of a switch" : "socket")};
    }
    if (status.st_uid == account.uid) return {kind, {}};
    return {kind,
            fmt::format(
                "{} belongs to user {}, not to {}", printable(path), status.st_uid, account.name)};
}

Switch strange(std::string why) {
    return {.state = SwitchState::Strange, .why = std::move(why)};
}

Switch hung(std::string why, pid_t pid) {
    Switch out{.state = SwitchState::Hung, .why = std::move(why)};
    out.info.pid = static_cast<std::uint32_t>(pid);
    return out;
}

// The label of the VM, where a client is one of this machine's processes.
void name_clients(std::vector<Port>& ports) {
    for (auto& port : ports) {
        for (auto& endpoint : port.endpoints) {
            if (endpoint.pid == 0) continue;
            const auto argv = command_line_of(static_cast<pid_t>(endpoint.pid));
            const auto name = argv.empty() ? std::string{} : qemu::parse(argv).name;
            if (!name.empty())
                endpoint.text = fmt::format("{} ({})", printable(name, 64), endpoint.text);
        }
    }
}

Result<Switch> ask(const std::string& path) {
    auto management = Management::open(path);
    if (!management) return tl::unexpected(management.error());
    const auto info = management->ask("showinfo");
    if (!info) return tl::unexpected(info.error());
    const auto ports = management->ask("port/allprint");
    if (!ports) return tl::unexpected(ports.error());
    return Switch{
        .state = SwitchState::Answers, .info = parse_info(*info), .ports = parse_ports(*ports)};
}

Switch without_answer(const qemu::VdePaths& paths, const Account& account, const Error& error) {
    const auto& [data, management] = paths;
    const auto own = ::geteuid();
    if (error.code == ErrorCode::Refused && own != 0 && own != account.uid) {
        return strange(fmt::format(
            "whether the switch of {} works only {} and root may ask", account.name, account.name));
    }
    if (const auto pid = find_switch_process(data, account.uid); pid != 0) {
        return hung(
            fmt::format(
                "the switch of {} (pid {}) does not answer: {}", account.name, pid, error.message),
            pid);
    }
    if (error.code == ErrorCode::Refused) return strange(error.message);
    const bool heard = !is_silent(data + "/ctl");
    const bool silent = error.code == ErrorCode::NotFound || error.code == ErrorCode::Conflict;
    if (!heard && silent) return {.state = SwitchState::Dead};
    return strange(fmt::format("somebody listens at {}, and it is no vde_switch of {}: {}",
                               printable(heard ? data : management),
                               account.name,
                               error.message));
}

struct Inside {
    std::vector<std::string> sockets;
    bool others = false; ///< something that no switch has made
};

Inside look_into(const std::string& data) {
    struct Close {
        void operator()(DIR* folder) const { ::closedir(folder); }
    };
    const int folder = ::open(data.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    Inside inside;
    if (folder < 0) return inside;
    const std::unique_ptr<DIR, Close> open{::fdopendir(folder)};
    while (const dirent* entry = open ? ::readdir(open.get()) : nullptr) {
        const std::string name{static_cast<const char*>(entry->d_name)};
        struct stat status {};
        if (name == "." || name == "..") continue;
        if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISSOCK(status.st_mode)) {
            inside.sockets.push_back(name);
        } else {
            inside.others = true;
        }
    }
    std::sort(inside.sockets.begin(), inside.sockets.end());
    return inside;
}

} // namespace

Switch look_at_switch(const qemu::VdePaths& paths, const Account& account) {
    const AsUser as_user{account.uid, account.gid};
    const auto data = look_at(paths.data, Kind::Folder, account);
    const auto management = look_at(paths.management, Kind::Socket, account);
    for (const auto& place : {data, management}) {
        if (!place.why.empty()) return strange(place.why);
    }
    if (data.kind == Kind::Absent && management.kind == Kind::Absent) {
        const auto pid = find_switch_process(paths.data, account.uid);
        if (pid == 0) return {};
        return hung(fmt::format("the switch of {} runs (pid {}), and its sockets are gone",
                                account.name,
                                pid),
                    pid);
    }
    auto asked = ask(paths.management);
    if (!asked) return without_answer(paths, account, asked.error());
    name_clients(asked->ports);
    return std::move(*asked);
}

Status remove_switch_files(const qemu::VdePaths& paths, const Account& account) {
    const AsUser as_user{account.uid, account.gid};
    const auto& [data, management] = paths;
    for (const auto& path : {data + "/ctl", management}) {
        if (!is_silent(path)) {
            return fail(ErrorCode::Conflict,
                        fmt::format("somebody listens at {}", printable(path)));
        }
    }
    const auto [sockets, others] = look_into(data);
    if (others) {
        return fail(ErrorCode::Conflict,
                    fmt::format("{} holds files that are not of a switch", printable(data)));
    }
    for (const auto& name : sockets) {
        const auto path = fmt::format("{}/{}", data, name);
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) return call::file_error("remove", path);
    }
    if (::rmdir(data.c_str()) != 0 && errno != ENOENT) return call::file_error("remove", data);
    if (look_at(management, Kind::Socket, account).kind == Kind::Socket &&
        ::unlink(management.c_str()) != 0 && errno != ENOENT)
        return call::file_error("remove", management);
    return {};
}

std::vector<std::string> sockets_of_switch(const std::string& data) {
    return look_into(data).sockets;
}

} // namespace ctys::vde
