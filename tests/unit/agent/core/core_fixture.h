#pragma once

#include "agent/core/core.h"
#include "schema/codec.h"

#include <algorithm>
#include <functional>
#include <iterator>

namespace ctys::testing {

/// An agent core at work: welcomed by its broker, which pings it. Keeps what it decided.
class CoreFixture {
public:
    CoreFixture() : CoreFixture(agent::Recovered{}) {}
    /// `found` tells what an earlier life has left behind.
    explicit CoreFixture(
        agent::Recovered recovered,
        agent::OwnerCommands owners = {},
        const std::vector<PathFacts>& known = {},
        std::string self_refused = {},
        const std::function<void(const std::function<void(agent::Input)>&)>& found = {},
        Duration survey_patience = {})
        : core_({.worker = worker(),
                 .owners = std::move(owners),
                 .self_refused = std::move(self_refused),
                 .survey_patience = survey_patience},
                std::move(recovered)) {
        core_.know_paths(known);
        if (found) found([this](agent::Input each) { input(std::move(each)); });
        take(core_.start(now()));
        tell(msg::Welcome{.mark = {}, .full = false, .version = {}});
        ping();
    }

    static WorkerRecord worker() {
        WorkerRecord record;
        record.id = WorkerId{Uuid::parse("00000000-0000-4000-8000-0000000000aa").value()};
        record.name = "w1";
        return record;
    }
    static InstanceKey key(std::uint32_t pid) { return {.boot = {}, .pid = pid, .start_ticks = 7}; }
    static VmId vm(unsigned number) {
        return VmId{Uuid::parse(fmt::format("00000000-0000-4000-8000-{:012x}", number)).value()};
    }

    [[nodiscard]] Now now() const {
        return {Instant{time_}, WallTime{1'700'000'000'000'000} + time_};
    }
    void pass(Duration span) { time_ += span; }
    /// Time passes as it does for an agent that its broker pings.
    void live(Duration span) {
        for (; span > std::chrono::seconds{1}; span -= std::chrono::seconds{1}) {
            pass(std::chrono::seconds{1});
            ping();
        }
        pass(span);
    }
    void ping() { tell(msg::Ping{time_}); }
    void tell(Body body) { input(agent::FromBroker{Envelope{.body = std::move(body)}}); }
    void input(agent::Input input) { take(core_.step(std::move(input), now())); }

    /// One of ours that runs, as a former life of the agent left it.
    void adopt(std::uint32_t pid, unsigned vm_number) {
        InstanceRecord record{.key = key(pid),
                              .vm = vm(vm_number),
                              .label = fmt::format("vm{}", vm_number),
                              .managed = true,
                              .owner = Owner::Ctys,
                              .state = VmState::Running};
        record.since = record.started = now().wall;
        input(agent::Appeared{std::move(record), /*adopted=*/true});
    }
    void monitor_up(std::uint32_t pid, VmState state = VmState::Running) {
        input(agent::MonitorUp{.key = key(pid),
                               .state = state,
                               .reason = {},
                               .accelerator = "tcg",
                               .version = "7.2",
                               .display = {}});
    }
    ActionId order(Verb verb, unsigned vm_number, Action action = {}) {
        action.id = {++last_action_};
        action.verb = verb;
        action.vm = vm(vm_number);
        tell(msg::Command{.action = action, .session = time_, .expires = time_ + action.expiry});
        return action.id;
    }
    /// The timer of this key, if it is armed and due by now.
    bool fire(const agent::TimerKey& timer) {
        const auto found = timers_.find(timer);
        if (found == timers_.end() || found->second > now().instant) return false;
        timers_.erase(found);
        input(agent::TimerFired{timer});
        return true;
    }

    template <typename Deed>
    [[nodiscard]] std::vector<Deed> done() const {
        std::vector<Deed> found;
        for (const auto& deed : deeds_) {
            if (const auto* one = std::get_if<Deed>(&deed)) found.push_back(*one);
        }
        return found;
    }
    template <typename Answer>
    [[nodiscard]] std::vector<Answer> answers() const {
        std::vector<Answer> found;
        for (const auto& sent : done<agent::ToBroker>()) {
            if (const auto* one = std::get_if<Answer>(&sent.envelope.body)) found.push_back(*one);
        }
        return found;
    }
    [[nodiscard]] std::size_t commands(agent::Monitor command) const {
        const auto all = done<agent::MonitorCommand>();
        return static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [&](const auto& one) { return one.command == command; }));
    }
    /// Intents that were written.
    [[nodiscard]] const std::vector<ActionId>& begun() const { return begun_; }
    [[nodiscard]] agent::AgentCore& core() { return core_; }
    void forget_deeds() { deeds_.clear(); }
    /// What was said of a stop of the VMs.
    [[nodiscard]] const std::vector<msg::GuestsStopping>& told() const { return told_; }
    /// What was last kept of the machine's ups and downs.
    [[nodiscard]] const std::optional<agent::HostMemory>& memory() const { return memory_; }
    [[nodiscard]] std::vector<Event> events(EventKind kind) const {
        std::vector<Event> found;
        std::copy_if(events_.begin(),
                     events_.end(),
                     std::back_inserter(found),
                     [&](const auto& one) { return one.kind == kind; });
        return found;
    }

private:
    void take(agent::Effects effects) {
        for (auto& effect : effects) {
            if (auto* timer = std::get_if<agent::ArmTimer>(&effect))
                timers_[timer->key] = timer->at;
            if (auto* message = std::get_if<agent::ToBroker>(&effect))
                deeds_.emplace_back(*message);
            if (const auto* stop = std::get_if<agent::TellStop>(&effect))
                told_.push_back(stop->told);
            if (const auto* command = std::get_if<agent::MonitorCommand>(&effect))
                deeds_.emplace_back(*command);
            if (const auto* signal = std::get_if<agent::SignalProcess>(&effect))
                deeds_.emplace_back(*signal);
            if (const auto* owner = std::get_if<agent::RunOwnerCommand>(&effect))
                deeds_.emplace_back(*owner);
            if (const auto* question = std::get_if<agent::AskGuest>(&effect))
                deeds_.emplace_back(*question);
            if (auto* unit = std::get_if<agent::Spool>(&effect)) {
                if (unit->memory) memory_ = *unit->memory;
                for (const auto& event : unit->events) {
                    events_.push_back(schema::decode_event(view(event.bytes)).value());
                }
                deeds_.insert(deeds_.end(), unit->then.begin(), unit->then.end());
                for (const auto& intent : unit->begun) {
                    begun_.push_back(intent.action);
                }
                input(agent::Spooled{unit->last_sequence});
            }
        }
    }

    Duration time_ = std::chrono::hours{1};
    agent::AgentCore core_;
    std::vector<agent::Deed> deeds_;
    std::vector<ActionId> begun_;
    std::vector<Event> events_;
    std::vector<msg::GuestsStopping> told_;
    std::optional<agent::HostMemory> memory_;
    std::map<agent::TimerKey, Instant> timers_;
    std::uint64_t last_action_ = 0;
};

} // namespace ctys::testing
