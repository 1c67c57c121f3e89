#include "tools/qemu_call/switch_check.h"

#include "mesh/core/shell_quoted.h"
#include "mesh/core/text.h"
#include "mesh/qemu/vde.h"

#include <cerrno>
#include <cstring>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace ctys::call {

namespace {

// 0, or why nobody can be reached there. A socket that refuses was left by a process that is dead.
int reach(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int one = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (one < 0) return errno;
    const int why = ::connect(one, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0
                        ? 0
                        : errno;
    ::close(one);
    return why == EAGAIN ? 0 : why; // somebody listens who has much to do
}

std::string why_unreachable(const std::string& path) {
    switch (const int why = reach(path)) {
    case 0:
        return {};
    case ENOENT:
        return fmt::format("there is no switch at {}", printable(path));
    case ECONNREFUSED:
        return fmt::format("the switch that was at {} is dead", printable(path));
    default:
        return fmt::format("{}: {}", printable(path), std::strerror(why));
    }
}

std::string why_not_attached(const std::string& data, bool own) {
    struct stat status {};
    if (::lstat(data.c_str(), &status) != 0 && errno == ENOENT)
        return fmt::format("there is no switch at {}", printable(data));
    // In a folder that everybody may write to, the name proves nothing.
    if (own && status.st_uid != ::geteuid() && status.st_uid != 0) {
        return fmt::format("{} belongs to another user, {}", printable(data), status.st_uid);
    }
    return why_unreachable(data + "/ctl");
}

} // namespace

std::string own_user() {
    const auto* entry = ::getpwuid(::geteuid());
    return entry == nullptr ? std::to_string(::geteuid()) : std::string{entry->pw_name};
}

std::vector<Problem> check_switch(const Request& request) {
    const auto& data = request.plan.vde_switch;
    if (data.empty()) return {};
    std::vector<std::string> call{"ctys-setupVDE", "-u", own_user()};
    if (!request.own_switch) call.insert(call.end(), {"-s", data});
    if (!request.vde_management.empty()) call.insert(call.end(), {"-S", request.vde_management});
    call.emplace_back("create");
    const auto advice = fmt::format("; as root: {}", shell_quoted(call));

    std::vector<Problem> problems;
    if (auto why = why_not_attached(data, request.own_switch); !why.empty())
        problems.push_back({"QEMUSOCK", why + advice});
    if (request.vde_management.empty()) return problems;
    if (auto why = why_unreachable(request.vde_management); !why.empty())
        problems.push_back({"QEMUMGMT", why + advice});
    return problems;
}

} // namespace ctys::call
