#pragma once

#include "mesh/core/digest.h"
#include "tests/unit/broker/bench.h"

namespace ctys::broker {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// rack1 carries lab02 and web; lab02 carries cache and l2db; l2db carries sensor.
class Stack {
public:
    Stack() {
        join("rack1", {});
        run("rack1", "lab02");
        run("rack1", "web");
        join("lab02", Bench::vm("lab02").uuid);
        run("lab02", "cache");
        run("lab02", "l2db");
        join("l2db", Bench::vm("l2db").uuid);
        run("l2db", "sensor");
        bench.clear();
    }

    void join(const std::string& name, const Uuid& platform, const BootId& boot = {}) {
        auto hello = Bench::hello(name, name, {});
        hello.worker.platform = platform;
        if (!boot.is_none()) {
            // Another boot is another process.
            hello.worker.boot = boot;
            hello.worker.nonce = {boot.uuid};
        }
        hello.end.sequence = streams_[name].sequence;
        hello.end.hash = streams_[name].hash;
        bench.say(name, hello);
        if (streams_[name].sequence == 0) bench.exchange(name, {});
    }

    void publish(const std::string& worker, Event event) {
        auto& mark = streams_[worker];
        event.worker = Bench::worker(worker);
        auto bytes = schema::encode_event(event);
        msg::Publish publish{.stream = Bench::stream(worker),
                             .first = mark.sequence + 1,
                             .hash_before = mark.hash,
                             .events = {bytes}};
        ++mark.sequence;
        mark.hash = digest(view(bytes), mark.hash);
        bench.say(worker, publish);
    }

    InstanceRecord process(const std::string& worker, const std::string& label) {
        InstanceRecord instance;
        instance.vm = Bench::vm(label);
        instance.label = label;
        instance.worker = Bench::worker(worker);
        instance.key = {.boot = {Bench::named(3, worker)},
                        .pid = static_cast<std::uint32_t>(digest(label) % 30000 + 2),
                        .start_ticks = 1 + lives_[label]};
        instance.key.boot = {Uuid::from_name(Uuid{{3}}, worker)};
        instance.state = VmState::Running;
        instance.managed = true;
        instance.can_ask = true;
        instance.owner = Owner::Ctys;
        return instance;
    }

    /// Its configuration is found.
    void configure(const std::string& worker,
                   const std::string& label,
                   std::optional<Duration> grace = {}) {
        Event seen{.kind = EventKind::PathSeen};
        seen.vm = Bench::vm(label);
        PathFacts facts;
        facts.vm.id = Bench::vm(label);
        facts.vm.grace = grace;
        facts.vm.label = label;
        facts.path.vm = Bench::vm(label);
        facts.path.worker = Bench::worker(worker);
        facts.path.config = "/pool/" + label + ".ctys";
        seen.payload = facts;
        publish(worker, seen);
    }
    void run(const std::string& worker, const std::string& label, bool can_ask = true) {
        configure(worker, label);
        Event event{.kind = EventKind::Running};
        event.vm = Bench::vm(label);
        event.label = label;
        event.new_state = VmState::Running;
        auto instance = process(worker, label);
        instance.can_ask = can_ask;
        event.payload = instance;
        publish(worker, event);
    }

    void set(const std::string& worker, const std::string& label, VmState state) {
        Event event{.kind = kind_of(state)};
        event.vm = Bench::vm(label);
        event.label = label;
        event.new_state = state;
        auto instance = process(worker, label);
        instance.state = state;
        event.payload = instance;
        publish(worker, event);
    }

    void stop(const std::string& worker, const std::string& label, std::string_view reason = {}) {
        Event event{.kind = EventKind::Stopped};
        event.vm = Bench::vm(label);
        event.label = label;
        event.old_state = VmState::Running;
        event.new_state = VmState::Stopped;
        auto instance = process(worker, label);
        instance.state = VmState::Stopped;
        instance.reason = reason;
        instance.ended = Ending{.by = EndedBy::Guest, .detail = {}, .at = bench.now().wall};
        event.time = bench.now().wall;
        event.payload = instance;
        publish(worker, event);
        ++lives_[label]; // what is started next is another process
    }

    /// The worker's answer to the order that is open for this VM.
    void end(const std::string& worker, const std::string& label, Outcome outcome = {}) {
        const auto order = open_order(label);
        REQUIRE(order.has_value());
        Event event{.kind = EventKind::ActionEnded};
        event.action = order->id;
        event.vm = order->vm;
        ActionRecord record{.action = *order, .state = ActionState::Ended};
        record.outcome = std::move(outcome);
        event.payload = record;
        publish(worker, event);
    }
    /// It ends as it was asked to.
    void obey(const std::string& worker, const std::string& label) {
        stop(worker, label);
        end(worker, label, {.error = {}, .text = "gone after 0.3 s"});
    }

    /// QEMU says that the machine was reset, and its agent that the order is done.
    void reset(const std::string& worker, const std::string& label) {
        Event event{.kind = EventKind::Reset};
        event.vm = Bench::vm(label);
        event.label = label;
        event.time = bench.now().wall;
        event.by = "host";
        publish(worker, event);
    }
    /// The order of a plan for the worker's own machine.
    [[nodiscard]] std::optional<Action> order_for_machine() {
        for (const auto& [id, record] : bench.core().dispatcher().actions()) {
            if (record.action.verb == Verb::Init && !record.action.plan.is_none())
                return record.action;
        }
        return std::nullopt;
    }
    /// The worker has begun the order that is open for this VM.
    void begin(const std::string& worker, const std::string& label) {
        begin(worker, open_order(label));
    }
    void begin_machine_order(const std::string& worker) { begin(worker, order_for_machine()); }
    void begin(const std::string& worker, const std::optional<Action>& order) {
        REQUIRE(order.has_value());
        Event event{.kind = EventKind::ActionBegun};
        event.action = order->id;
        event.payload = ActionRecord{.action = *order, .state = ActionState::Running};
        publish(worker, event);
    }
    void end_machine_order(const std::string& worker, Outcome outcome = {}) {
        const auto order = order_for_machine();
        REQUIRE(order.has_value());
        Event event{.kind = EventKind::ActionEnded};
        event.action = order->id;
        ActionRecord record{.action = *order, .state = ActionState::Ended};
        record.outcome = std::move(outcome);
        event.payload = record;
        publish(worker, event);
    }
    [[nodiscard]] std::optional<Action> open_order(const std::string& label) {
        for (const auto& [id, record] : bench.core().dispatcher().actions()) {
            const bool is_plan = record.action.worker.is_none();
            if (record.action.vm == Bench::vm(label) && !is_plan &&
                record.state != ActionState::Ended)
                return record.action;
        }
        return std::nullopt;
    }
    /// Labels of the VMs that were asked, in order.
    [[nodiscard]] std::vector<std::string> asked() const {
        std::vector<std::string> labels;
        for (const auto& message : bench.sent) {
            const auto* command = std::get_if<msg::Command>(&message.envelope.body);
            if (command == nullptr) continue;
            for (const auto* label : {"lab02", "web", "cache", "l2db", "sensor", "guest"}) {
                if (command->action.vm == Bench::vm(label)) labels.emplace_back(label);
            }
        }
        return labels;
    }

    msg::Submit order(Verb verb, const std::string& target, std::uint64_t id = 7) const {
        msg::Submit submit;
        submit.action.id = ActionId{id};
        submit.action.verb = verb;
        submit.action.target = target;
        return submit;
    }
    void submit(Verb verb,
                const std::string& target,
                std::optional<Duration> deadline = std::nullopt,
                std::uint64_t id = 7) {
        auto submit = order(verb, target);
        submit.action.id = {id};
        submit.action.deadline = deadline;
        bench.say("ann", submit);
    }
    /// Seconds in which every worker but the silent ones answers.
    void pass(int count, const std::set<std::string>& silent = {}) {
        for (int i = 0; i < count; ++i) {
            bench.tick();
            for (const auto& [name, mark] : streams_) {
                if (!silent.contains(name)) bench.say(name, msg::Pong{});
            }
        }
    }
    [[nodiscard]] std::optional<Outcome> outcome(std::uint64_t id = 7) {
        const auto* record = bench.core().dispatcher().find(ActionId{id});
        REQUIRE(record != nullptr);
        return record->outcome;
    }
    [[nodiscard]] Error refusal() const {
        const auto told = bench.told<msg::Failure>("ann");
        REQUIRE(told.size() == 1);
        return told[0].error;
    }

    Bench bench;

private:
    struct Mark {
        std::uint64_t sequence = 0;
        std::uint64_t hash = 0;
    };
    std::map<std::string, Mark> streams_;
    std::map<std::string, std::uint64_t> lives_;
};

using Labels = std::vector<std::string>;

} // namespace ctys::broker
