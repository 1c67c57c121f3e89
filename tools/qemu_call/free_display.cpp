#include "tools/qemu_call/free_display.h"

#include "mesh/qemu/vnc.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ctys::call {

FreeDisplay::~FreeDisplay() {
    if (socket_ >= 0) ::close(socket_);
}

Result<std::uint32_t> FreeDisplay::take(std::uint32_t first, std::uint32_t last) {
    for (auto display = first; display <= last; ++display) {
        const int one = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(qemu::vnc_base_port + display));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        // Without SO_REUSEADDR whoever has the port is in the way, also one that is only kept.
        if (one >= 0 && ::bind(one, generic, sizeof address) == 0) {
            const int on = 1;
            ::setsockopt(one, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            if (socket_ >= 0) ::close(socket_);
            socket_ = one;
            return display;
        }
        const int why = errno;
        if (one >= 0) ::close(one);
        if (one < 0 || (why != EADDRINUSE && why != EACCES)) {
            return fail(ErrorCode::Failed,
                        fmt::format("look for a free VNC display: {}", std::strerror(why)));
        }
    }
    return fail(ErrorCode::Failed, fmt::format("no VNC display of {} to {} is free", first, last));
}

} // namespace ctys::call
