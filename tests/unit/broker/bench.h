#pragma once

#include "broker/core/core.h"
#include "schema/codec.h"
#include "tests/support/simulation/map_store.h"

#include <catch2/catch.hpp>

namespace ctys::broker {

/// A core with a store that commits at once, and what became of it: what was sent, what was
/// recorded. Time moves only by tick().
class Bench {
public:
    Bench() : store_(1, WallTime{1'772'000'000'000'000}) { restart(); }

    /// Another life of the broker over the same store.
    void restart() {
        core_ = std::make_unique<BrokerCore>(
            Settings{.nonce = {Uuid{{1}}}, .version = "test", .degraded = {}},
            store_.load(),
            store_,
            store_,
            now_);
    }

    void step(Input input) {
        perform(core_->step(std::move(input), now_));
        while (std::exchange(again_, false)) {
            perform(core_->step(Continue{}, now_));
        }
    }
    void say(const PeerId& peer, Body body, Role role = Role::Admin, std::uint64_t request = 1) {
        step(Received{.peer = peer,
                      .principal = {.name = peer, .role = role, .worker = {}},
                      .envelope = {.correlation = request, .body = std::move(body)}});
    }
    /// The broker's timer after `span`; one tick, however long it is.
    void tick(Duration span = std::chrono::seconds{1}) {
        pass(span);
        step(Tick{});
    }
    void pass(Duration span) {
        now_.instant = now_.instant + span;
        now_.wall = now_.wall + span;
    }

    /// An agent calls; its exchange does not follow by itself.
    void call(const std::string& name, const std::string& host = "host", Uuid id = {}) {
        say(name, hello(name, host, id));
    }
    static msg::AgentHello hello(const std::string& name, const std::string& host, Uuid id) {
        msg::AgentHello hello;
        hello.worker.id = worker(name);
        if (!id.is_zero()) hello.worker.id = {id};
        hello.worker.name = name;
        hello.worker.host = host;
        hello.worker.boot = {Uuid::from_name(Uuid{{3}}, name)};
        hello.worker.nonce = {Uuid::from_name(Uuid{{4}}, name)};
        hello.end.stream = stream(name);
        hello.first_kept = 1;
        return hello;
    }
    /// The whole exchange of a worker: one path for each label, and nothing runs.
    void exchange(const std::string& name, const std::vector<std::string>& labels) {
        msg::Publish publish{.stream = stream(name), .first = 1, .full = true, .last = true};
        for (const auto& label : labels) {
            Event event{.kind = EventKind::PathSeen, .worker = worker(name)};
            event.vm = vm(label);
            PathFacts facts;
            facts.vm.id = vm(label);
            facts.vm.label = label;
            facts.path.vm = vm(label);
            facts.path.worker = worker(name);
            facts.path.config = "/pool/" + label + ".ctys";
            event.payload = facts;
            publish.events.push_back(schema::encode_event(event));
        }
        say(name, publish);
    }
    void join(const std::string& name, const std::vector<std::string>& labels) {
        call(name);
        exchange(name, labels);
    }

    static Uuid named(unsigned char kind, const std::string& name) {
        return Uuid::from_name(Uuid{{kind}}, name);
    }
    static WorkerId worker(const std::string& name) { return {named(5, name)}; }
    static StreamId stream(const std::string& name) { return {named(6, name)}; }
    static VmId vm(const std::string& label) { return {named(7, label)}; }

    static msg::Submit start(std::uint64_t id, const std::string& label) {
        msg::Submit submit;
        submit.action.id = ActionId{id};
        submit.action.verb = Verb::Start;
        submit.action.target = label;
        return submit;
    }

    /// Bodies of one kind that were sent to a peer since the last clear().
    template <typename T>
    [[nodiscard]] std::vector<T> told(const PeerId& peer) const {
        std::vector<T> found;
        for (const auto& message : sent) {
            const auto* body = std::get_if<T>(&message.envelope.body);
            if (message.peer == peer && body != nullptr) found.push_back(*body);
        }
        return found;
    }
    [[nodiscard]] std::vector<Event> recorded_of(EventKind kind) const {
        std::vector<Event> found;
        for (const auto& event : recorded) {
            if (event.kind == kind) found.push_back(event);
        }
        return found;
    }
    void clear() {
        sent.clear();
        recorded.clear();
    }

    [[nodiscard]] BrokerCore& core() { return *core_; }
    [[nodiscard]] sim::MapStore& store() { return store_; }
    [[nodiscard]] Now now() const { return now_; }

    std::vector<Send> sent;
    std::vector<Event> recorded;
    std::vector<BeginEpoch> epochs;

private:
    void perform(Effects effects) {
        for (auto& effect : effects) {
            if (auto* message = std::get_if<Send>(&effect)) {
                sent.push_back(std::move(*message));
            } else if (auto* commit = std::get_if<Commit>(&effect)) {
                REQUIRE(store_.commit(commit->writes));
                for (const auto& write : commit->writes) {
                    const auto* append = std::get_if<Append>(&write);
                    if (append == nullptr) continue;
                    recorded.push_back(schema::decode_event(view(append->bytes)).value());
                }
                sent.insert(sent.end(), commit->release.begin(), commit->release.end());
                perform(core_->step(Committed{commit->batch}, now_));
            } else if (auto* epoch = std::get_if<BeginEpoch>(&effect)) {
                epochs.push_back(std::move(*epoch));
            } else if (std::holds_alternative<Again>(effect)) {
                again_ = true;
            }
        }
    }

    sim::MapStore store_;
    Now now_{Instant{std::chrono::hours{1}}, WallTime{1'772'000'000'000'000}};
    std::unique_ptr<BrokerCore> core_;
    bool again_ = false;
};

} // namespace ctys::broker
