#include "tools/qemu_call/local_socket.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace ctys::call {

namespace {

std::optional<sockaddr_un> address_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return std::nullopt;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

} // namespace

Result<int> listen_at(const std::string& path) {
    const auto address = address_at(path);
    if (!address) return fail(ErrorCode::Failed, "the path of a socket is too long: " + path);
    ::unlink(path.c_str());
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const auto* generic = reinterpret_cast<const sockaddr*>(&*address);
    if (listener < 0 || ::bind(listener, generic, sizeof *address) != 0 ||
        ::listen(listener, 8) != 0) {
        const auto why = fmt::format("cannot listen at {}: {}", path, std::strerror(errno));
        if (listener >= 0) ::close(listener);
        return fail(ErrorCode::Failed, why);
    }
    return listener;
}

bool somebody_listens_at(const std::string& path) {
    const auto address = address_at(path);
    if (!address) return false;
    const int caller = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (caller < 0) return false;
    const auto* generic = reinterpret_cast<const sockaddr*>(&*address);
    // EAGAIN: its queue is full.
    const bool listens = ::connect(caller, generic, sizeof *address) == 0 || errno == EAGAIN;
    ::close(caller);
    return listens;
}

int accept_one(int listener) {
    return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

pid_t peer_of(int connection) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

bool has_ended(ssize_t count) {
    return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

} // namespace ctys::call
