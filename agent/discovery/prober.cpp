// Happy path
// - what is asked within one round of the loop goes into one child
// - its records are delivered when it has ended
// Failure modes
// - it cannot be started: every process of the batch gets that error
// - it hangs: killed at the deadline; processes without a record are tried alone, then TimedOut
// - it hangs in the kernel and survives SIGKILL: given up a moment later, the loop reaps it some
// day

#include "agent/discovery/prober.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {
namespace {

/// A batch of ordinary QEMUs needs 64 x 10 kB.
constexpr std::size_t max_output_bytes = 16UL * 1024 * 1024;
/// From SIGKILL to the end of a child that can be killed.
constexpr Duration burial = std::chrono::milliseconds{300};

} // namespace

struct Prober::Run {
    Run(loop::EventLoop& loop, std::vector<std::uint32_t> of, bool is_alone)
        : pids(std::move(of)), alone(is_alone), timer(loop) {}

    std::vector<std::uint32_t> pids;
    bool alone;
    loop::Timer timer;
    std::optional<loop::ChildProcess> child;
};

Prober::Prober(loop::EventLoop& loop, Options options, OnRecord on_record)
    : loop_(loop), options_(std::move(options)), on_record_(std::move(on_record)) {}

Prober::~Prober() {
    *alive_ = false;
}

void Prober::ask(std::uint32_t pid) {
    queue_.push_back(pid);
    if (starting_) return;
    starting_ = true;
    loop_.defer([this, alive = alive_] {
        if (!*alive) return;
        starting_ = false;
        start_next();
    });
}

void Prober::start_next() {
    while (running_.size() < options_.parallel && !(queue_.empty() && alone_.empty())) {
        const bool alone = queue_.empty();
        auto& from = alone ? alone_ : queue_;
        const auto count =
            static_cast<std::ptrdiff_t>(alone ? 1 : std::min(from.size(), options_.batch));
        std::vector<std::uint32_t> pids(from.begin(), from.begin() + count);
        from.erase(from.begin(), from.begin() + count);
        start(std::move(pids), alone || count == 1);
    }
}

void Prober::start(std::vector<std::uint32_t> pids, bool alone) {
    const auto id = next_run_++;
    auto& run =
        *running_.emplace(id, std::make_unique<Run>(loop_, std::move(pids), alone)).first->second;
    loop::ChildSpec spec{.argv = {options_.program},
                         .output = loop::ToMemory{max_output_bytes},
                         .deadline = options_.deadline};
    for (const auto pid : run.pids) {
        spec.argv.push_back(std::to_string(pid));
    }
    auto child = loop::ChildProcess::start(
        loop_, std::move(spec), [this, id](const loop::ChildResult& result) {
            on_done(id, result);
        });
    if (!child) {
        const auto failed = std::move(running_.extract(id).mapped());
        failed->alone = true;
        return deliver(*failed, {}, within(options_.program, child.error()));
    }
    run.child.emplace(std::move(*child));
    run.timer.start_once(options_.deadline + burial, [this, id] { give_up(id); });
}

void Prober::on_done(std::uint64_t id, const loop::ChildResult& result) {
    const auto run = std::move(running_.extract(id).mapped());
    run->timer.stop();
    const auto why =
        result.timed_out
            ? Error{.code = ErrorCode::TimedOut,
                    .message = fmt::format("/proc/{} does not let itself be read within {}",
                                           run->pids.front(),
                                           to_short_text(options_.deadline))}
            : Error{.code = ErrorCode::Failed,
                    .message = fmt::format("{} ended with status {}, signal {}",
                                           options_.program,
                                           result.exit_status,
                                           result.term_signal)};
    deliver(*run, result.output, why);
    start_next();
}

void Prober::give_up(std::uint64_t id) {
    const auto run = std::move(running_.extract(id).mapped());
    deliver(*run,
            {},
            {.code = ErrorCode::TimedOut, .message = "its reader hangs and cannot be killed"});
    start_next();
}

void Prober::deliver(const Run& run, std::string_view output, const Error& otherwise) {
    auto missing = run.pids;
    for (const auto& record : decode_probe_records(output)) {
        const auto pid = static_cast<std::uint32_t>(record.number("pid"));
        if (std::erase(missing, pid) > 0) on_record_(pid, record);
    }
    for (const auto pid : missing) {
        if (run.alone) {
            on_record_(pid, tl::make_unexpected(otherwise));
        } else {
            alone_.push_back(pid);
        }
    }
}

} // namespace ctys::agent
