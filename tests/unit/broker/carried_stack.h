#pragma once

#include "tests/unit/broker/bench.h"

namespace ctys::broker {

/// `rack` is hardware and runs the VM l1, in which the worker `l1` runs web and db; in web there is
/// a worker `deep`, which runs core.
class CarriedStack {
public:
    CarriedStack() {
        join("rack", {});
        runs("rack", "l1", 100);
        join("l1", "l1");
        runs("l1", "web", 200);
        runs("l1", "db", 201);
        join("deep", "web");
        runs("deep", "core", 300);
        bench.clear();
    }

    void join(const std::string& name, const std::string& inside, int boot = 0) {
        auto hello = Bench::hello(name, name, {});
        if (!inside.empty()) hello.worker.platform = Bench::vm(inside).uuid;
        boots_[name] = boot;
        hello.worker.boot = boot_of(name);
        if (boot != 0) hello.worker.nonce = {Bench::named(10, name + std::to_string(boot))};
        hello.end.sequence = sequence_[name];
        bench.say(name, hello);
        exchange(name, {});
    }
    /// The same agent calls a broker that has begun anew.
    void rejoin(const std::string& name,
                const std::string& inside = {},
                const std::vector<Event>& facts = {}) {
        auto hello = Bench::hello(name, name, {});
        if (!inside.empty()) hello.worker.platform = Bench::vm(inside).uuid;
        hello.worker.boot = boot_of(name);
        hello.end.sequence = sequence_[name];
        bench.say(name, hello);
        exchange(name, facts);
    }
    void exchange(const std::string& name, const std::vector<Event>& facts) {
        msg::Publish publish{.stream = Bench::stream(name), .first = 1, .full = true, .last = true};
        for (const auto& fact : facts) {
            publish.events.push_back(schema::encode_event(fact));
        }
        bench.say(name, publish);
    }
    void publish(const std::string& name, const Event& event) {
        bench.say(name,
                  msg::Publish{.stream = Bench::stream(name),
                               .first = ++sequence_[name],
                               .events = {schema::encode_event(event)}});
    }
    [[nodiscard]] BootId boot_of(const std::string& name) const {
        return {Bench::named(8, name + std::to_string(boots_.at(name)))};
    }
    [[nodiscard]] Event
    news(const std::string& worker, const std::string& label, unsigned pid, VmState state) const {
        Event event{.kind = kind_of(state), .worker = Bench::worker(worker)};
        event.vm = Bench::vm(label);
        event.label = label;
        event.time = bench.now().wall;
        InstanceRecord row;
        row.vm = event.vm;
        row.worker = event.worker;
        row.label = label;
        row.key = {.boot = boot_of(worker), .pid = pid, .start_ticks = pid};
        row.managed = true;
        row.owner = Owner::Ctys;
        row.state = state;
        row.since = bench.now().wall;
        event.payload = row;
        return event;
    }
    void runs(const std::string& worker, const std::string& label, unsigned pid) {
        publish(worker, news(worker, label, pid, VmState::Running));
    }
    void becomes(const std::string& worker,
                 const std::string& label,
                 unsigned pid,
                 VmState state,
                 const std::string& reason = {}) {
        auto event = news(worker, label, pid, state);
        std::get<InstanceRecord>(event.payload).reason = reason;
        publish(worker, event);
    }
    [[nodiscard]] Event end_of(const std::string& worker,
                               const std::string& label,
                               unsigned pid,
                               Duration ago = {}) const {
        auto event = news(worker, label, pid, VmState::Stopped);
        auto& row = std::get<InstanceRecord>(event.payload);
        row.ended = Ending{.by = EndedBy::Signal,
                           .evidence = Evidence::ExitStatus,
                           .signal = 9,
                           .detail = "SIGKILL",
                           .at = bench.now().wall - ago};
        return event;
    }
    void
    ends(const std::string& worker, const std::string& label, unsigned pid, Duration ago = {}) {
        publish(worker, end_of(worker, label, pid, ago));
    }
    void resets(const std::string& worker, const std::string& label, Duration ago = {}) {
        Event event{.kind = EventKind::Reset, .worker = Bench::worker(worker)};
        event.vm = Bench::vm(label);
        event.label = label;
        event.time = bench.now().wall - ago;
        publish(worker, event);
    }
    /// Everybody who is named is heard each second.
    void pass(int seconds, const std::vector<std::string>& talking) {
        for (int i = 0; i < seconds; ++i) {
            bench.tick();
            for (const auto& name : talking) {
                bench.say(name, msg::Pong{});
            }
        }
    }

    [[nodiscard]] WorkerState state_of(const std::string& worker) {
        return bench.core().roster().find(Bench::worker(worker))->record.state;
    }
    [[nodiscard]] std::vector<InstanceRecord> rows(const std::string& label) {
        return bench.store().instances(Bench::vm(label));
    }
    [[nodiscard]] InstanceRecord row(const std::string& label) {
        const auto all = rows(label);
        REQUIRE(all.size() == 1);
        return all.front();
    }
    [[nodiscard]] std::vector<std::string> told(EventKind kind) const {
        std::vector<std::string> out;
        for (const auto& event : bench.recorded_of(kind)) {
            out.push_back(fmt::format("{}{}: {}", event.label, event.worker_name, event.text));
        }
        return out;
    }
    [[nodiscard]] bool is_held(const std::string& label) {
        return bench.core().leases().find(Bench::vm(label)) != nullptr;
    }

    Bench bench;

private:
    std::map<std::string, int> boots_;
    std::map<std::string, std::uint64_t> sequence_;
};

} // namespace ctys::broker
