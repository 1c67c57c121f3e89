#include "mesh/setup/notify.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace ctys::setup {

namespace {

std::string take(const char* name) {
    const char* value = ::getenv(name);
    std::string taken = value == nullptr ? "" : value;
    ::unsetenv(name);
    return taken;
}

std::optional<std::int64_t> number(const std::string& text) {
    std::int64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [at, code] = std::from_chars(text.data(), end, value);
    if (code != std::errc{} || at != end || value <= 0) return std::nullopt;
    return value;
}

} // namespace

ServiceNotifier ServiceNotifier::take_from_environment() {
    auto address = take("NOTIFY_SOCKET");
    const auto microseconds = number(take("WATCHDOG_USEC"));
    const auto pid = take("WATCHDOG_PID");
    // WATCHDOG_PID names another process where a wrapper was started first.
    const bool for_us = pid.empty() || number(pid) == std::int64_t{::getpid()};
    std::optional<Duration> watchdog;
    if (microseconds && for_us) watchdog = Duration{*microseconds};
    return ServiceNotifier(std::move(address), watchdog);
}

Status ServiceNotifier::status(std::string_view text) const {
    return send("STATUS=" + printable(text));
}

Status ServiceNotifier::extend_timeout(Duration span) const {
    return send(fmt::format("EXTEND_TIMEOUT_USEC={}", std::max<std::int64_t>(span.count(), 0)));
}

Status ServiceNotifier::send(std::string_view message) const {
    if (address_.empty()) return {};
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (address_.size() >= sizeof(to.sun_path)) {
        return fail(ErrorCode::Usage, "NOTIFY_SOCKET is too long for a socket");
    }
    std::copy(address_.begin(), address_.end(), to.sun_path);
    // An abstract name begins with NUL and has exactly the given length (unix(7)).
    if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());

    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket < 0) return fail(ErrorCode::Failed, std::strerror(errno));
    const auto sent = ::sendto(socket,
                               message.data(),
                               message.size(),
                               MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&to),
                               length);
    const int code = errno;
    ::close(socket);
    if (sent >= 0) return {};
    return fail(code == EAGAIN ? ErrorCode::Overloaded : ErrorCode::Unreachable,
                fmt::format("tell the service manager {}: {}", message, std::strerror(code)));
}

} // namespace ctys::setup
