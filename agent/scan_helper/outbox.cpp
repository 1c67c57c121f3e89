#include "agent/scan_helper/outbox.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace ctys::agent {

namespace {

constexpr std::size_t batch_bytes = 64 * 1024;
// Well below any deadline the agent sets.
constexpr auto sign_of_life = std::chrono::milliseconds{100};

} // namespace

Outbox::Outbox(int fd) : fd_(fd), flushed_(std::chrono::steady_clock::now()) {}

void Outbox::put(const HelperReport& report) {
    buffer_ += encode(report);
    if (buffer_.size() >= batch_bytes) flush();
}

void Outbox::tick(std::uint64_t directories) {
    if (std::chrono::steady_clock::now() - flushed_ < sign_of_life) return;
    if (buffer_.empty()) buffer_ += encode(HelperReport{Progress{directories}});
    flush();
}

void Outbox::flush() {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
        const auto sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) throw Fault({ErrorCode::Unreachable, "the agent is gone"});
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    buffer_.clear();
    flushed_ = std::chrono::steady_clock::now();
}

} // namespace ctys::agent
