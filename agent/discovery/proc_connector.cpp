#include "agent/discovery/proc_connector.h"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ctys::agent {
namespace {

constexpr std::size_t message_at = NLMSG_HDRLEN;
constexpr std::size_t event_at = message_at + sizeof(cn_msg);
constexpr std::size_t what_at = event_at + offsetof(proc_event, what);
constexpr std::size_t data_at = event_at + offsetof(proc_event, event_data);

/// Fields are host-endian and may be misaligned.
std::uint32_t u32(std::span<const std::byte> bytes, std::size_t at) {
    std::uint32_t out = 0;
    std::memcpy(&out, bytes.data() + at, sizeof out);
    return out;
}

Error socket_error(std::string_view what) {
    const bool refused = errno == EPERM || errno == EACCES;
    return {.code = refused ? ErrorCode::Refused : ErrorCode::Unsupported,
            .message = fmt::format("proc connector: {}: {}", what, std::strerror(errno))};
}

/// Lets only exec and exit of first threads through, so that a compile job with its thousands of
/// forks and threads does not wake the agent. BPF loads in network order, hence htonl.
Status attach_filter(int fd) {
    constexpr auto load = BPF_LD | BPF_W | BPF_ABS;
    constexpr auto equal = BPF_JMP | BPF_JEQ | BPF_K;
    constexpr auto equal_x = BPF_JMP | BPF_JEQ | BPF_X;
    const auto pid_at = static_cast<std::uint32_t>(data_at);
    // Jumps count from the next line: NONE to "accept", other kinds and other threads to "drop".
    std::array<sock_filter, 10> program{{
        {load, 0, 0, static_cast<std::uint32_t>(what_at)},
        {equal, 6, 0, htonl(proc_event::PROC_EVENT_NONE)},
        {equal, 1, 0, htonl(proc_event::PROC_EVENT_EXEC)},
        {equal, 0, 5, htonl(proc_event::PROC_EVENT_EXIT)},
        {load, 0, 0, pid_at},
        {BPF_MISC | BPF_TAX, 0, 0, 0},
        {load, 0, 0, pid_at + 4},
        {equal_x, 0, 1, 0},
        {BPF_RET | BPF_K, 0, 0, UINT32_MAX}, // accept
        {BPF_RET | BPF_K, 0, 0, 0},          // drop
    }};
    const sock_fprog filter{.len = program.size(), .filter = program.data()};
    if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) {
        return tl::unexpected(socket_error("filter"));
    }
    return {};
}

Status listen_to_kernel(int fd) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = CN_IDX_PROC;
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return tl::unexpected(socket_error("bind"));
    }
    constexpr auto operation = PROC_CN_MCAST_LISTEN;
    std::array<std::byte, event_at + sizeof operation> request{};
    nlmsghdr header{};
    header.nlmsg_len = request.size();
    header.nlmsg_type = NLMSG_DONE;
    cn_msg message{};
    message.id = {.idx = CN_IDX_PROC, .val = CN_VAL_PROC};
    message.len = sizeof operation;
    std::memcpy(request.data(), &header, sizeof header);
    std::memcpy(request.data() + message_at, &message, sizeof message);
    std::memcpy(request.data() + event_at, &operation, sizeof operation);
    if (::send(fd, request.data(), request.size(), 0) < 0) {
        return tl::unexpected(socket_error("listen"));
    }
    return {};
}

} // namespace

std::optional<ConnectorNotice> parse_connector_message(std::span<const std::byte> datagram) {
    if (datagram.size() < data_at + 8) return std::nullopt;
    cn_msg message{};
    std::memcpy(&message, datagram.data() + message_at, sizeof message);
    if (message.id.idx != CN_IDX_PROC || message.id.val != CN_VAL_PROC) return std::nullopt;
    const auto what = u32(datagram, what_at);
    if (what == proc_event::PROC_EVENT_NONE) return ListenAnswer{u32(datagram, data_at)};
    const auto pid = u32(datagram, data_at);
    const auto process = u32(datagram, data_at + 4);
    if (pid != process) return std::nullopt;
    if (what == proc_event::PROC_EVENT_EXEC) return ExecNotice{process};
    if (what == proc_event::PROC_EVENT_EXIT && datagram.size() >= data_at + 12) {
        return ExitNotice{.pid = process, .wait_status = u32(datagram, data_at + 8)};
    }
    return std::nullopt;
}

Result<std::unique_ptr<ProcConnector>> ProcConnector::open(loop::EventLoop& loop,
                                                           Callbacks callbacks) {
    std::unique_ptr<ProcConnector> out(new ProcConnector);
    out->callbacks_ = std::move(callbacks);
    out->socket_.reset(
        ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR));
    if (!out->socket_.is_open()) return tl::unexpected(socket_error("socket"));
    const int fd = out->socket_.value();
    if (const auto status = attach_filter(fd); !status) return tl::unexpected(status.error());
    if (const auto status = listen_to_kernel(fd); !status) return tl::unexpected(status.error());
    auto watch = loop::FdWatch::open(
        loop, fd, {.readable = true}, [self = out.get()](loop::Readiness) { self->drain(); });
    if (!watch) return tl::unexpected(watch.error());
    out->watch_.emplace(std::move(*watch));
    return out;
}

void ProcConnector::drain() {
    // A bound per wake-up, so that a storm of short processes cannot keep the loop.
    for (int i = 0; i < 2000; ++i) {
        std::array<std::byte, 512> buffer{};
        sockaddr_nl sender{};
        socklen_t sender_size = sizeof sender;
        const auto got = ::recvfrom(socket_.value(),
                                    buffer.data(),
                                    buffer.size(),
                                    0,
                                    reinterpret_cast<sockaddr*>(&sender),
                                    &sender_size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == ENOBUFS) {
            callbacks_.on_lost();
            continue;
        }
        if (got < 0) return;
        // Any process may send to a netlink socket; port 0 is the kernel.
        if (sender.nl_pid != 0) continue;
        const auto notice = parse_connector_message({buffer.data(), static_cast<std::size_t>(got)});
        if (!notice) continue;
        if (const auto* answer = std::get_if<ListenAnswer>(&*notice)) {
            confirmed_ = answer->error == 0;
            if (answer->error != 0) refusal_ = static_cast<int>(answer->error);
        } else if (const auto* exec = std::get_if<ExecNotice>(&*notice)) {
            callbacks_.on_exec(*exec);
        } else if (const auto* exit = std::get_if<ExitNotice>(&*notice)) {
            callbacks_.on_exit(*exit);
        }
    }
}

} // namespace ctys::agent
