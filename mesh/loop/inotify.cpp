#include "mesh/loop/inotify.h"

#include "mesh/loop/unique_fd.h"
#include "mesh/loop/uv_handle.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/inotify.h>

namespace ctys::loop {

// Why not uv_fs_event: it swallows IN_Q_OVERFLOW and knows neither IN_CLOSE_WRITE nor cookies.

namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;
// A directory under heavy change must not starve timers; what is left comes in the next round.
constexpr int reads_per_round = 4;

} // namespace

struct Inotify::State {
    uv_poll_t handle{};
    UniqueFd fd;
    std::function<void(const InotifyEvent&)> on_event;
    std::function<void()> on_overflow;

    [[nodiscard]] bool is_dropped() const { return uv_is_closing(as_handle(&handle)) != 0; }

    void deliver(std::span<const char> bytes) {
        std::size_t at = 0;
        while (at + sizeof(inotify_event) <= bytes.size() && !is_dropped()) {
            inotify_event head{};
            std::memcpy(&head, bytes.data() + at, sizeof head);
            const char* name = bytes.data() + at + sizeof head;
            at += sizeof head + head.len;
            if ((head.mask & IN_Q_OVERFLOW) != 0) {
                on_overflow();
                continue;
            }
            // The name is padded with NULs up to len.
            on_event({head.wd, head.mask, head.cookie, {name, ::strnlen(name, head.len)}});
        }
    }

    void read_some() {
        alignas(inotify_event) std::array<char, buffer_bytes> buffer;
        for (int reads = 0; reads < reads_per_round && !is_dropped(); ++reads) {
            const auto got = ::read(fd.value(), buffer.data(), buffer.size());
            if (got <= 0) return;
            deliver({buffer.data(), static_cast<std::size_t>(got)});
        }
    }

    static void on_poll(uv_poll_t* handle, int /*status*/, int /*events*/) {
        auto* state = static_cast<State*>(handle->data);
        guarded(handle->loop, [&] { state->read_some(); });
    }
};

void Inotify::Close::operator()(State* state) const {
    close_and_delete(state, &state->handle);
}

Result<Inotify> Inotify::open(EventLoop& loop,
                              std::function<void(const InotifyEvent&)> on_event,
                              std::function<void()> on_overflow) {
    auto state = std::make_unique<State>();
    state->fd = UniqueFd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!state->fd.is_open()) return tl::unexpected(errno_error(errno, "open inotify"));
    if (const int rc = uv_poll_init(loop.native(), &state->handle, state->fd.value()); rc < 0) {
        return tl::unexpected(uv_error(rc, "open inotify"));
    }
    state->handle.data = state.get();
    state->on_event = std::move(on_event);
    state->on_overflow = std::move(on_overflow);
    Inotify inotify;
    inotify.state_.reset(state.release());
    check(uv_poll_start(&inotify.state_->handle, UV_READABLE, State::on_poll), "uv_poll_start");
    return inotify;
}

Result<int> Inotify::add(const std::string& path, std::uint32_t mask) {
    const int watch = ::inotify_add_watch(state_->fd.value(), path.c_str(), mask);
    if (watch >= 0) return watch;
    const int number = errno;
    auto error = errno_error(number, fmt::format("watch {}", path));
    if (number == ENOSPC) {
        error.message = fmt::format("watch {}: all inotify watches of this user are in use", path);
        error.try_next = "sysctl fs.inotify.max_user_watches=1048576";
    }
    return tl::unexpected(std::move(error));
}

void Inotify::remove(int watch) {
    ::inotify_rm_watch(state_->fd.value(), watch);
}

} // namespace ctys::loop
