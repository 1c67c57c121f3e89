#include "tools/client/terminal.h"

#include "mesh/core/text.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <poll.h>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>

namespace ctys::tools {

namespace {

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string_view{} : std::string_view{value};
}

bool speaks_utf8() {
    for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const auto value = to_lower(variable(name));
        if (value.empty()) continue;
        return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
    }
    return false;
}

} // namespace

bool is_terminal(int fd) {
    return ::isatty(fd) == 1;
}

WallTime wall_now() {
    return WallTime{
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
            .count()};
}

long local_zone(std::int64_t unix_seconds) {
    const auto time = static_cast<std::time_t>(unix_seconds);
    std::tm local{};
    return ::localtime_r(&time, &local) == nullptr ? 0 : local.tm_gmtoff;
}

View view_of(int fd) {
    View view;
    view.now = wall_now();
    view.zone = local_zone;
    if (!is_terminal(fd)) return view;
    winsize size{};
    view.width = ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    view.colour = variable("NO_COLOR").empty() && variable("TERM") != "dumb";
    view.utf8 = speaks_utf8();
    return view;
}

Status write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) { // somebody made our output non-blocking: wait as if nobody had
            pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
            ::poll(&waiting, 1, /*timeout_ms=*/1000);
            continue;
        }
        if (errno == EPIPE) return fail(ErrorCode::Failed, "");
        return fail(ErrorCode::Failed, std::string{"cannot write: "} + std::strerror(errno));
    }
    return {};
}

} // namespace ctys::tools
