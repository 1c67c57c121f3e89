#include "tests/support/simulation/sim_broker.h"

#include <random>

namespace ctys::sim {

using std::chrono::microseconds;

SimBroker::SimBroker(Ground& ground, Network& network, Promises& promises)
    : ground_(ground), network_(network), promises_(promises),
      store_(1767225600, ground.schedule.clock().wall) {}

void SimBroker::start() {
    crashes_at_commit_ = false;
    if (core_) return;
    ++life_;
    started_ = ground_.schedule.now();
    ground_.tell([] { return std::string{"broker starts"}; });
    make_core({});
    network_.bind([this](const PeerId& peer, Envelope envelope) {
        act([this, peer, envelope = std::move(envelope)] { receive(peer, envelope); });
    });
    later(std::chrono::seconds{1}, [this] { second(); });
}

void SimBroker::crash() {
    if (!core_) return;
    ground_.tell([] { return std::string{"broker crashes"}; });
    ++life_;
    network_.bind({});
    core_.reset();
    frozen_ = false;
    held_.clear();
    queue_.clear();
    gone_.clear();
    degraded_.clear();
    writing_ = again_ = false;
}

void SimBroker::make_core(std::string degraded) {
    ++generation_;
    degraded_ = std::move(degraded);
    queue_.clear(); // decided by a core that is no more
    auto loaded = store_.load();
    if (ground_.mutant == Mutant::MarkForgotten) {
        for (auto& worker : loaded.workers) {
            worker.mark = {};
        }
    }
    if (ground_.mutant == Mutant::LeaseIgnored) loaded.leases.clear();
    damage_plans(loaded);
    core_ = std::make_unique<broker::BrokerCore>(
        broker::Settings{
            .nonce = ground_.random.id<NonceId>(), .version = "sim", .degraded = degraded_},
        std::move(loaded),
        store_,
        store_,
        clock());
}

Now SimBroker::clock() const {
    auto now = ground_.schedule.clock();
    now.wall = now.wall + wall_offset_;
    return now;
}

/// The defects of plans that a restarted broker may have.
void SimBroker::damage_plans(broker::Loaded& loaded) const {
    for (auto& step : loaded.plan_steps) {
        if (ground_.mutant == Mutant::StepRepeated && step.state == StepState::Asked) {
            step.state = StepState::Waiting;
            step.action = {};
        }
        if (ground_.mutant == Mutant::InsideForgotten) step.step.inside.clear();
        if (ground_.mutant == Mutant::DueAtOnce) step.step.begin = {};
        if (ground_.mutant == Mutant::SelfTooEarly && step.step.verb == Verb::Init)
            step.step.after.clear();
        if (ground_.mutant != Mutant::RestoredTooEarly) continue;
        if (step.step.verb == Verb::Start) step.step.boot = {};
        if (is_rebooting(step.step.verb) && step.state == StepState::Asked)
            step.state = StepState::Done;
    }
    for (auto& plan : loaded.plans) {
        if (ground_.mutant == Mutant::WidthForgotten) plan.width = 10000;
        if (ground_.mutant == Mutant::SpentAhead) plan.spent += std::chrono::minutes{10};
    }
    if (ground_.mutant != Mutant::CancelForgotten) return;
    for (auto& action : loaded.actions) {
        if (store_.plans().contains(action.action.id)) action.cancelling = false;
    }
    for (auto& step : loaded.plan_steps) {
        if (step.state == StepState::Skipped && step.text == "cancelled")
            step.state = StepState::Waiting;
    }
}

void SimBroker::later(Duration span, std::function<void()> deed) {
    ground_.schedule.after(span, [this, life = life_, deed = std::move(deed)] {
        if (life == life_ && core_) act(deed);
    });
}

void SimBroker::act(std::function<void()> deed) {
    if (frozen_) {
        held_.push_back(std::move(deed));
    } else {
        deed();
    }
}

void SimBroker::thaw() {
    if (!std::exchange(frozen_, false)) return;
    ground_.tell([] { return std::string{"broker goes on"}; });
    for (const auto& deed : std::exchange(held_, {})) {
        if (core_) deed();
    }
}

void SimBroker::second() {
    input(broker::Tick{});
    if (!degraded_.empty()) {
        broker::Commit probe;
        probe.writes.emplace_back(broker::PutFence{core_->leases().last_token()});
        commit(probe);
    }
    later(std::chrono::seconds{1}, [this] { second(); });
}

void SimBroker::receive(const PeerId& peer, Envelope envelope) {
    const auto known = principals_.find(peer);
    Principal principal{.name = "root", .role = Role::Admin, .worker = {}};
    if (known != principals_.end()) principal = known->second;
    if (ground_.mutant == Mutant::RightsIgnored) principal.role = Role::Admin;
    if (held_back(envelope)) return;
    input(broker::Received{peer, std::move(principal), std::move(envelope)});
}

bool SimBroker::held_back(const Envelope& envelope) const {
    if (ground_.mutant != Mutant::QueryWaitsForWorkers) return false;
    if (!std::holds_alternative<msg::Ask>(envelope.body)) return false;
    const auto& members = core_->roster().members();
    return std::any_of(members.begin(), members.end(), [](const auto& item) {
        return item.second.record.state != WorkerState::Alive;
    });
}

void SimBroker::input(broker::Input input) {
    ground_.on_input();
    ground_.mix(input.index());
    if (ground_.mutant == Mutant::ChanceInTheCore) ground_.random = Random{std::random_device{}()};
    perform(core_->step(std::move(input), clock()));
    while (core_ && !gone_.empty()) {
        auto peer = std::move(gone_.back());
        gone_.pop_back();
        ground_.on_input();
        perform(core_->step(broker::PeerGone{std::move(peer)}, clock()));
    }
}

void SimBroker::perform(broker::Effects effects) {
    for (auto& effect : effects) {
        if (auto* batch = std::get_if<broker::Commit>(&effect)) {
            commit(*batch);
        } else if (auto* message = std::get_if<broker::Send>(&effect)) {
            send(*message);
        } else if (std::holds_alternative<broker::BeginEpoch>(effect)) {
            // What was decided and is not written yet was told nobody: it may as well be dropped.
            later(least_, [this, generation = generation_] {
                if (generation != generation_) return;
                store_.begin_epoch(store_.epoch() + 1);
                make_core({});
            });
        } else if (std::holds_alternative<broker::Again>(effect) && !again_) {
            again_ = true;
            later(microseconds{20}, [this, generation = generation_] {
                again_ = false;
                if (generation == generation_) input(broker::Continue{});
            });
        }
    }
}

void SimBroker::send(const broker::Send& message) {
    auto envelope = message.envelope;
    if (auto* command = std::get_if<msg::Command>(&envelope.body)) {
        const auto plan = store_.plans().find(command->action.plan);
        if (ground_.mutant == Mutant::WholeDeadline && plan != store_.plans().end())
            command->action.deadline = plan->second.until;
    }
    promises_.on_sent(envelope, store_);
    if (auto* events = std::get_if<msg::WatchEvents>(&envelope.body)) {
        auto& items = events->items;
        if (ground_.mutant == Mutant::LostWatchItem && items.size() > 2)
            items.erase(items.begin() + 1);
        if (ground_.mutant == Mutant::ReorderedWatchItems && items.size() > 1)
            std::swap(items.front(), items.back());
    }
    if (!network_.send_to_peer(message.peer, envelope)) gone_.push_back(message.peer);
}

void SimBroker::commit(broker::Commit& batch) {
    if (ground_.mutant == Mutant::ReleaseBeforeCommit) {
        for (const auto& message : std::exchange(batch.release, {})) {
            send(message);
        }
    }
    queue_.push_back(std::move(batch));
    if (queue_.size() > 65536) ground_.broken("P8", "the writer's queue is full");
    if (!writing_) write();
}

void SimBroker::write() {
    writing_ = true;
    std::vector<broker::Commit> batches{std::make_move_iterator(queue_.begin()),
                                        std::make_move_iterator(queue_.end())};
    queue_.clear();
    later(ground_.random.between(least_, most_),
          [this, generation = generation_, batches = std::move(batches)]() mutable {
              writing_ = false;
              if (generation == generation_) on_written(std::move(batches));
              if (core_ && !queue_.empty() && !writing_) write();
          });
}

namespace {

bool tells_of_begun(const std::vector<broker::Commit>& batches) {
    return std::any_of(batches.begin(), batches.end(), [](const auto& batch) {
        return std::any_of(batch.writes.begin(), batch.writes.end(), [](const auto& write) {
            const auto* append = std::get_if<broker::Append>(&write);
            return append != nullptr && append->topic.ends_with("/begun/");
        });
    });
}

} // namespace

void SimBroker::on_written(std::vector<broker::Commit> batches) {
    if (commits_fail_) {
        ground_.tell([] { return std::string{"broker: a commit fails"}; });
        if (degraded_.empty()) return make_core("disk full");
        return;
    }
    for (const auto& batch : batches) {
        if (!store_.commit(batch.writes)) return ground_.broken("P2", "the journal has a hole");
        for (const auto& write : batch.writes) {
            const auto* append = std::get_if<broker::Append>(&write);
            if (append == nullptr) continue;
            promises_.on_recorded(*append);
            if (on_recorded) on_recorded(*append);
        }
    }
    if (crashes_at_commit_ && tells_of_begun(batches)) return crash();
    for (const auto& batch : batches) {
        for (const auto& message : batch.release) {
            send(message);
        }
    }
    if (!degraded_.empty()) return make_core({});
    input(broker::Committed{batches.back().batch});
}

} // namespace ctys::sim
