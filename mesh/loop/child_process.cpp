#include "mesh/loop/child_process.h"

#include "mesh/loop/unique_fd.h"
#include "mesh/loop/uv_handle.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>

namespace ctys::loop {

// Happy path: real pipes (a socket pair, as libuv makes them, cannot be reopened as /dev/stderr by
// a script), uv_spawn, read both outputs to their end, exit callback, one completion.
// Failure modes: spawn fails -> an error, nothing is left; deadline -> SIGKILL to process or group,
// completion follows from the exit; a grandchild holds a pipe -> the pipe is closed 250 ms after
// the exit; dropped while running -> the state stays as an orphan of the loop until the child is
// reaped, since libuv reaps only processes whose handle is open.

namespace {

constexpr std::uint64_t drain_ms = 250;

struct Pipe {
    UniqueFd ours;
    UniqueFd theirs;
};

Result<Pipe> make_pipe(bool we_read) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return tl::unexpected(errno_error(errno, "pipe"));
    Pipe pipe{UniqueFd(ends[we_read ? 0 : 1]), UniqueFd(ends[we_read ? 1 : 0])};
    return pipe;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> out;
    out.reserve(words.size() + 1);
    for (auto& word : words) {
        out.push_back(word.data());
    }
    out.push_back(nullptr);
    return out;
}

} // namespace

struct ChildProcess::State {
    /// One of the three standard streams, as far as we hold an end of it.
    struct Stream {
        uv_pipe_t handle{};
        std::string* into = nullptr;
        std::size_t limit = 0;
        UniqueFd theirs; ///< the child's end until it is started
        int child_fd = -1;
        bool is_open = false;
        std::array<char, 16 * 1024> buffer{};
    };

    uv_process_t process{};
    uv_timer_t timer{};
    uv_write_t write{};
    ChildSpec spec;
    OnDone on_done;
    ChildResult result;
    std::array<Stream, 3> streams;
    int open_handles = 0;
    bool started = false;
    bool exited = false;
    bool dropped = false;
    bool closing = false;

    explicit State(uv_loop_t* loop) {
        adopt(&timer);
        uv_timer_init(loop, &timer);
        timer.data = this;
    }

    template <typename H>
    void adopt(H* handle) {
        handle->data = this;
        ++open_handles;
    }

    static void on_closed(uv_handle_t* handle) {
        auto* state = static_cast<State*>(handle->data);
        --state->open_handles;
        state->delete_if_over(handle->loop);
    }

    /// Until the drop the owner may ask for the pid; until the last close callback libuv may.
    void delete_if_over(uv_loop_t* loop) {
        if (dropped && open_handles == 0) guarded(loop, [&] { delete this; });
    }

    void close_stream(Stream& stream) {
        if (!stream.is_open) return;
        stream.is_open = false;
        uv_close(as_handle(&stream.handle), on_closed);
    }

    void close_all() {
        if (closing) return;
        closing = true;
        forget_orphan(timer.loop, this);
        for (auto& stream : streams) {
            close_stream(stream);
        }
        if (process.data != nullptr) uv_close(as_handle(&process), on_closed);
        uv_close(as_handle(&timer), on_closed);
    }

    [[nodiscard]] int send(int signal) const {
        if (exited) return ESRCH;
        // Before the exit callback the pid is ours: running or a zombie, never reused.
        return ::kill(spec.new_session ? -process.pid : process.pid, signal) == 0 ? 0 : errno;
    }

    void finish_if_done() {
        if (!exited || dropped || closing || streams[1].is_open || streams[2].is_open) return;
        close_all();
        if (on_done) on_done(result);
    }

    Status open_stream(std::size_t index, bool we_read) {
        auto pipe = make_pipe(we_read);
        if (!pipe) return tl::unexpected(std::move(pipe.error()));
        auto& stream = streams[index];
        uv_pipe_init(timer.loop, &stream.handle, 0);
        adopt(&stream.handle);
        stream.is_open = true;
        check(uv_pipe_open(&stream.handle, pipe->ours.value()), "uv_pipe_open");
        static_cast<void>(pipe->ours.release());
        stream.theirs = std::move(pipe->theirs);
        stream.child_fd = stream.theirs.value();
        return {};
    }

    Status prepare(std::size_t index, const OutputTarget& target, std::string& into) {
        auto& stream = streams[index];
        if (const auto* memory = std::get_if<ToMemory>(&target)) {
            stream.into = &into;
            stream.limit = memory->limit;
            return open_stream(index, /*we_read=*/true);
        }
        if (const auto* file = std::get_if<ToFile>(&target)) {
            stream.theirs = UniqueFd(
                ::open(file->path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
            if (!stream.theirs.is_open()) {
                return tl::unexpected(errno_error(errno, fmt::format("open {}", file->path)));
            }
            stream.child_fd = stream.theirs.value();
        }
        if (const auto* lent = std::get_if<ToDescriptor>(&target)) stream.child_fd = lent->fd;
        return {};
    }

    Status prepare_streams() {
        if (!spec.input.empty()) {
            if (auto made = open_stream(0, /*we_read=*/false); !made) return made;
        }
        if (auto made = prepare(1, spec.output, result.output); !made) return made;
        return prepare(2, spec.errors, result.errors);
    }

    int spawn() {
        std::array<uv_stdio_container_t, 3> stdio{};
        for (std::size_t i = 0; i < stdio.size(); ++i) {
            stdio[i].flags = streams[i].child_fd >= 0 ? UV_INHERIT_FD : UV_IGNORE;
            stdio[i].data.fd = streams[i].child_fd;
        }
        auto args = pointers(spec.argv);
        std::vector<char*> env;
        if (spec.env) env = pointers(*spec.env);
        uv_process_options_t options{};
        options.exit_cb = on_exit;
        options.file = args.front();
        options.args = args.data();
        options.env = spec.env ? env.data() : nullptr;
        options.cwd = spec.cwd.empty() ? nullptr : spec.cwd.c_str();
        if (spec.new_session) options.flags |= UV_PROCESS_DETACHED;
        if (spec.uid) options.flags |= UV_PROCESS_SETUID;
        if (spec.gid) options.flags |= UV_PROCESS_SETGID;
        options.uid = spec.uid.value_or(0);
        options.gid = spec.gid.value_or(0);
        options.stdio_count = static_cast<int>(stdio.size());
        options.stdio = stdio.data();
        adopt(&process); // Even a spawn that fails leaves a handle that has to be closed.
        const int rc = uv_spawn(timer.loop, &process, &options);
        started = rc == 0;
        return rc;
    }

    void feed_input() {
        auto& stream = streams[0];
        if (!stream.is_open) return;
        auto buffer = uv_buf_init(spec.input.data(), static_cast<unsigned>(spec.input.size()));
        write.data = this;
        uv_write(&write,
                 reinterpret_cast<uv_stream_t*>(&stream.handle),
                 &buffer,
                 1,
                 [](uv_write_t* request, int) {
                     // Written or the child does not read: either way it sees the end now.
                     auto* state = static_cast<State*>(request->data);
                     state->close_stream(state->streams[0]);
                 });
    }

    void read_outputs() {
        for (std::size_t i : {1u, 2u}) {
            if (!streams[i].is_open) continue;
            uv_read_start(reinterpret_cast<uv_stream_t*>(&streams[i].handle), on_alloc, on_read);
        }
    }

    [[nodiscard]] Stream& stream_of(const void* handle) {
        return handle == &streams[1].handle ? streams[1] : streams[2];
    }

    static void on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto& space = static_cast<State*>(handle->data)->stream_of(handle).buffer;
        *buffer = uv_buf_init(space.data(), static_cast<unsigned>(space.size()));
    }

    static void on_read(uv_stream_t* handle, ssize_t got, const uv_buf_t* buffer) {
        auto* state = static_cast<State*>(handle->data);
        auto& stream = state->stream_of(handle);
        guarded(handle->loop, [&] {
            if (got < 0) {
                state->close_stream(stream);
                state->finish_if_done();
                return;
            }
            const auto room = stream.limit - stream.into->size();
            const auto taken = std::min(room, static_cast<std::size_t>(got));
            stream.into->append(buffer->base, taken);
            if (taken < static_cast<std::size_t>(got)) state->result.truncated = true;
        });
    }

    static void on_exit(uv_process_t* handle, std::int64_t status, int signal) {
        auto* state = static_cast<State*>(handle->data);
        state->exited = true;
        state->result.exit_status = static_cast<int>(status);
        state->result.term_signal = signal;
        guarded(handle->loop, [&] {
            if (state->dropped) return state->close_all();
            state->finish_if_done();
            if (!state->closing) uv_timer_start(&state->timer, on_drained, drain_ms, 0);
        });
    }

    static void on_drained(uv_timer_t* handle) {
        auto* state = static_cast<State*>(handle->data);
        guarded(handle->loop, [&] {
            state->close_stream(state->streams[1]);
            state->close_stream(state->streams[2]);
            state->finish_if_done();
        });
    }

    static void on_deadline(uv_timer_t* handle) {
        auto* state = static_cast<State*>(handle->data);
        if (state->send(SIGKILL) == 0) state->result.timed_out = true;
    }
};

void ChildProcess::Close::operator()(State* state) const {
    state->dropped = true;
    if (state->closing) return state->delete_if_over(state->timer.loop);
    if (!state->started || state->exited) return state->close_all();
    if (state->spec.when_dropped == WhenDropped::Kill) static_cast<void>(state->send(SIGKILL));
    for (auto& stream : state->streams) {
        state->close_stream(stream);
    }
    uv_timer_stop(&state->timer);
    uv_unref(as_handle(&state->process));
    keep_orphan(state->timer.loop, state, [state] { state->close_all(); });
}

Result<ChildProcess> ChildProcess::start(EventLoop& loop, ChildSpec spec, OnDone on_done) {
    if (spec.argv.empty() || spec.argv.front().empty()) {
        return fail(ErrorCode::Usage, "start a process: no program is named");
    }
    const auto what = fmt::format("start {}", spec.argv.front());
    ChildProcess child;
    child.state_.reset(new State(loop.native()));
    auto& state = *child.state_;
    state.spec = std::move(spec);
    if (auto ready = state.prepare_streams(); !ready) return wrap(what, std::move(ready.error()));
    if (const int rc = state.spawn(); rc < 0) return tl::unexpected(uv_error(rc, what));
    state.on_done = std::move(on_done);
    for (auto& stream : state.streams) {
        stream.theirs.reset();
    }
    state.feed_input();
    state.read_outputs();
    if (state.spec.deadline) {
        uv_update_time(state.timer.loop);
        uv_timer_start(&state.timer, State::on_deadline, to_uv_ms(*state.spec.deadline), 0);
    }
    return child;
}

pid_t ChildProcess::pid() const {
    return state_->process.pid;
}

Status ChildProcess::kill(int signal) {
    const int number = state_->send(signal);
    if (number == 0) return {};
    return tl::unexpected(
        errno_error(number, fmt::format("signal {} to process {}", signal, pid())));
}

} // namespace ctys::loop
