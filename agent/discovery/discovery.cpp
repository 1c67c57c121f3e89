// Happy path
// - a poll lists /proc; the plan says which processes to look at; a QEMU is adopted: pidfd first,
//   then its start ticks, then the exe link once more, then ctys-probe for the rest
// - the record's start ticks equal the adopted ones: appeared()
// - the pidfd fires: exited(), with the status the connector told
// Failure modes
// - the process ends while it is adopted or probed: forgotten, nothing was said about it
// - the probe fails or hangs: appeared() with what the loop itself may read, and what is missing
// - the connector is refused or loses messages: polling alone, or one poll of everything
// - a QEMU that is about to daemonize or has begun to end: asked again, a bounded number of times

#include "agent/discovery/discovery.h"

#include "agent/discovery/owner.h"
#include "agent/discovery/poll_plan.h"
#include "agent/discovery/prober.h"
#include "agent/discovery/proc_connector.h"
#include "agent/discovery/proc_reader.h"
#include "mesh/loop/timer.h"

#include <fmt/format.h>

#include <cstring>

namespace ctys::agent {
namespace {

/// The connector speaks right after the pidfd (measured: within 0.1 ms); more than this is not
/// waited for, since "ended" matters more than "how".
constexpr Duration status_patience = std::chrono::milliseconds{2};
/// A QEMU that daemonizes opens its images before its parent ends.
constexpr int max_waiting_rounds = 50;
constexpr Duration waiting_pause = std::chrono::milliseconds{100};

struct Instance {
    InstanceKey key;
    loop::PidWatch watch;
    bool reported = false;
    int waiting_rounds = 0;
    std::optional<std::uint32_t> wait_status;
};

} // namespace

struct Discovery::State {
    State(loop::EventLoop& on_loop, Options with, Callbacks calls, ProcReader reads)
        : loop(on_loop), options(std::move(with)), callbacks(std::move(calls)),
          reader(std::move(reads)),
          prober(loop,
                 {.program = options.probe, .deadline = options.probe_deadline},
                 [this](auto pid, const auto& record) { on_record(pid, record); }),
          poll_timer(loop), again_timer(loop), status_timer(loop) {}

    loop::EventLoop& loop;
    Options options;
    Callbacks callbacks;
    ProcReader reader;
    MachineBoot boot;
    PollPlan plan;
    std::map<std::uint32_t, Instance> instances;
    std::size_t unwatched = 0;
    bool polled = false;
    bool settled = false;
    std::string why_no_connector;
    std::vector<std::uint32_t> waiting; ///< to be asked again
    std::vector<std::uint32_t> ended;   ///< waiting for a status
    Prober prober;
    loop::Timer poll_timer;
    loop::Timer again_timer;
    loop::Timer status_timer;
    std::unique_ptr<ProcConnector> connector;

    void open_connector();
    void poll();
    void look_at(std::uint32_t pid);
    [[nodiscard]] bool adopt(std::uint32_t pid);
    void on_record(std::uint32_t pid, const Result<ProbeRecord>& record);
    void ask_again(std::uint32_t pid);
    void report(Instance& instance, const ProcessFacts& facts);
    void on_exit(std::uint32_t pid);
    void finish_ended();
    void finish(std::uint32_t pid);
    void check_settled();
};

void Discovery::State::open_connector() {
    if (!options.use_connector) {
        why_no_connector = "not asked for";
        return;
    }
    auto opened =
        ProcConnector::open(loop,
                            {.on_exec = [this](const ExecNotice& notice) { look_at(notice.pid); },
                             .on_exit =
                                 [this](const ExitNotice& notice) {
                                     const auto found = instances.find(notice.pid);
                                     if (found != instances.end())
                                         found->second.wait_status = notice.wait_status;
                                 },
                             .on_lost =
                                 [this] {
                                     plan.forget_others();
                                     poll();
                                 }});
    if (opened) {
        connector = std::move(*opened);
    } else {
        why_no_connector = opened.error().message;
    }
}

void Discovery::State::poll() {
    const auto listing = reader.list();
    // Out of descriptors or memory for a moment: the next poll will do.
    if (!listing) return;
    unwatched = 0;
    for (const auto pid : plan.next(*listing)) {
        look_at(pid);
    }
}

void Discovery::State::look_at(std::uint32_t pid) {
    if (instances.contains(pid)) return;
    auto sight = reader.look(pid);
    if (sight == Sight::Candidate && !adopt(pid)) sight = Sight::Other;
    plan.note(pid, sight);
}

bool Discovery::State::adopt(std::uint32_t pid) {
    if (instances.size() >= options.max_instances) {
        ++unwatched;
        return false;
    }
    auto watch = loop::PidWatch::open(loop, static_cast<pid_t>(pid), [this, pid] { on_exit(pid); });
    if (!watch) {
        if (watch.error().code != ErrorCode::NotFound) ++unwatched;
        return false;
    }
    // Only what is read while the pidfd is open belongs to the process it stands for.
    const auto stat = reader.stat(pid);
    if (!stat || is_dead(*stat) || reader.look(pid) != Sight::Candidate) return false;
    const InstanceKey key{.boot = boot.id, .pid = pid, .start_ticks = stat->start_ticks};
    instances.emplace(pid, Instance{.key = key, .watch = std::move(*watch)});
    prober.ask(pid);
    return true;
}

void Discovery::State::on_record(std::uint32_t pid, const Result<ProbeRecord>& record) {
    const auto found = instances.find(pid);
    if (found != instances.end() && !found->second.watch.has_exited()) {
        auto& instance = found->second;
        auto facts = record ? facts_of_record(*record, boot) : ProcessFacts{};
        // The record of a process that is about to end, or of an earlier one with this pid.
        const bool is_other = record && facts.key != instance.key;
        if (!record) facts.missing = record.error().message;
        if (is_other) facts = {.missing = "/proc shows another process"};
        // One that has begun to end has given up its memory, and its arguments with it.
        const bool is_ending = record && facts.argv.empty();
        const bool wait = is_other || is_ending || is_daemonizing(facts);
        if (wait && ++instance.waiting_rounds < max_waiting_rounds) {
            ask_again(pid);
        } else {
            report(instance, facts);
        }
    }
    check_settled();
}

void Discovery::State::ask_again(std::uint32_t pid) {
    waiting.push_back(pid);
    if (again_timer.is_active()) return;
    again_timer.start_once(waiting_pause, [this] {
        for (const auto each : std::exchange(waiting, {})) {
            if (instances.contains(each)) prober.ask(each);
        }
        check_settled();
    });
}

void Discovery::State::report(Instance& instance, const ProcessFacts& facts) {
    auto whole = facts;
    whole.key = instance.key;
    whole.started = start_time(instance.key.start_ticks, boot);
    instance.reported = true;
    if (callbacks.appeared) callbacks.appeared(whole);
}

void Discovery::State::on_exit(std::uint32_t pid) {
    if (connector) connector->drain();
    const auto found = instances.find(pid);
    if (found == instances.end()) return;
    if (!connector || found->second.wait_status || !found->second.reported) return finish(pid);
    ended.push_back(pid);
    if (!status_timer.is_active()) {
        status_timer.start_once(status_patience, [this] { finish_ended(); });
    }
}

void Discovery::State::finish_ended() {
    if (connector) connector->drain();
    for (const auto pid : std::exchange(ended, {})) {
        finish(pid);
    }
}

void Discovery::State::finish(std::uint32_t pid) {
    auto node = instances.extract(pid);
    if (node.empty()) return;
    plan.note(pid, Sight::Other);
    if (node.mapped().reported && callbacks.exited) {
        callbacks.exited(node.mapped().key, loop.now().wall, node.mapped().wait_status);
    }
    check_settled();
}

void Discovery::State::check_settled() {
    if (settled || !polled) return;
    for (const auto& [pid, instance] : instances) {
        if (!instance.reported) return;
    }
    settled = true;
    if (callbacks.settled) callbacks.settled();
}

Result<std::unique_ptr<Discovery>>
Discovery::start(loop::EventLoop& loop, Options options, Callbacks callbacks) {
    auto reader = ProcReader::open(options.proc);
    if (!reader) return tl::unexpected(reader.error());
    auto boot = reader->boot();
    if (!boot) return tl::unexpected(boot.error());
    auto state =
        std::make_unique<State>(loop, std::move(options), std::move(callbacks), std::move(*reader));
    state->boot = *boot;
    // Before the first poll, so that nothing falls between the two.
    state->open_connector();
    state->poll_timer.start_once(Duration{0}, [self = state.get()] {
        self->poll();
        self->polled = true;
        self->check_settled();
        self->poll_timer.start_repeating(self->options.period, [self] { self->poll(); });
    });
    return std::unique_ptr<Discovery>(new Discovery(std::move(state)));
}

Discovery::Discovery(std::unique_ptr<State> state) : state_(std::move(state)) {}
Discovery::~Discovery() = default;

void Discovery::rescan() {
    state_->plan.forget_others();
    state_->poll();
}

void Discovery::look_at(std::uint32_t pid) {
    state_->look_at(pid);
}

Status Discovery::send_signal(const InstanceKey& key, int signal) const {
    const auto found = state_->instances.find(key.pid);
    if (found == state_->instances.end() || found->second.key != key) {
        return fail(ErrorCode::NotFound, fmt::format("process {} has ended", key.pid));
    }
    return found->second.watch.send_signal(signal);
}

const MachineBoot& Discovery::boot() const {
    return state_->boot;
}

Visibility Discovery::visibility() const {
    Visibility out{.has_connector = state_->connector && state_->connector->is_confirmed(),
                   .why_no_connector = state_->why_no_connector,
                   .hidden = state_->plan.hidden_count(),
                   .unwatched = state_->unwatched};
    if (out.has_connector || !out.why_no_connector.empty()) return out;
    const auto refusal = state_->connector->refusal();
    out.why_no_connector = refusal ? fmt::format("proc connector: {}", std::strerror(*refusal))
                                   : "the kernel has not answered";
    return out;
}

Result<std::vector<ProcessFacts>>
discover_once(loop::EventLoop& loop, const std::string& probe, Duration bound) {
    std::vector<ProcessFacts> out;
    bool settled = false;
    const auto discovery = Discovery::start(
        loop,
        {.probe = probe, .use_connector = false},
        {.appeared = [&](const ProcessFacts& facts) { out.push_back(facts); },
         .exited =
             [&](const InstanceKey& key, WallTime, std::optional<std::uint32_t>) {
                 std::erase_if(out, [&](const auto& facts) { return facts.key == key; });
             },
         .settled = [&] { settled = true; }});
    if (!discovery) return tl::unexpected(discovery.error());
    if (!loop.run_until([&] { return settled; }, bound)) {
        return fail(ErrorCode::TimedOut, fmt::format("not done within {}", to_short_text(bound)));
    }
    return out;
}

} // namespace ctys::agent
