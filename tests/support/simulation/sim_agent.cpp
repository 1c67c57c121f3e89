// The life of a simulated agent: start, crash, freeze, inputs, the spool's writer.

#include "tests/support/simulation/sim_agent.h"

namespace ctys::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

SimAgent::SimAgent(
    Ground& ground, Network& network, Promises& promises, Machine& machine, AgentPlan plan)
    : ground_(ground), network_(network), promises_(promises), machine_(machine),
      plan_(std::move(plan)), spool_(ground.random.id<StreamId>()) {}

SimAgent::~SimAgent() {
    crash();
}

Now SimAgent::clock() const {
    auto now = ground_.schedule.clock();
    now.instant = now.instant + offset_;
    now.wall = now.wall + plan_.wall_offset;
    return now;
}

WorkerRecord SimAgent::record() const {
    WorkerRecord worker;
    worker.id = plan_.id;
    worker.name = plan_.name;
    worker.boot = machine_.boot();
    if (ground_.mutant != Mutant::CarrierUnnoticed) worker.platform = machine_.inside().uuid;
    if (ground_.mutant == Mutant::CarrierMistaken && plan_.name == "w0")
        worker.platform = plan_.mounts.front().storage->directories.begin()->second.uuid.uuid;
    worker.nonce = nonce_;
    worker.version = "sim";
    worker.host = machine_.name();
    worker.arch = "x86_64";
    worker.cpus = 2;
    for (const auto& mount : plan_.mounts) {
        worker.pools.push_back(
            {.root = mount.root, .id = mount.storage->marker, .reason = {}, .filesystem = "ext4"});
    }
    return worker;
}

void SimAgent::start() {
    if (core_ || !machine_.is_up()) return;
    if (const auto wait = machine_.ready() - ground_.schedule.now(); wait > Duration{0})
        return restart_in(wait);
    // Nothing is started on a machine whose CPUs stand still, nor on one that is on disk.
    if (machine_.is_frozen()) return machine_.later(Duration{0}, [this] { start(); });
    ++life_;
    nonce_ = ground_.random.id<NonceId>();
    peer_ = fmt::format("{}#{}", plan_.name, nonce_.to_string().substr(0, 8));
    offset_ = ground_.random.between(Duration{0}, std::chrono::hours{1});
    ground_.tell([&] { return fmt::format("agent {} starts", plan_.name); });
    auto limit = plan_.spool_limit;
    if (ground_.mutant == Mutant::SpoolUnbounded) limit *= 1000;
    auto recovered = spool_.recover();
    if (ground_.mutant == Mutant::IntentsForgotten) recovered.intents.clear();
    core_ = std::make_unique<agent::AgentCore>(
        agent::CoreSettings{.worker = record(),
                            .owners = plan_.owners,
                            .spool_limit = limit,
                            .self_refused = plan_.is_root ? "" : "its agent does not run as root"},
        std::move(recovered));
    network_.open(peer_, plan_.name, [this](Envelope envelope) { on_mail(std::move(envelope)); });
    promises_.on_agent_peer(peer_, plan_.name);
    machine_.add(*this);
    adopt();
    ground_.on_input();
    perform(core_->start(clock()));
    later(ground_.random.between(milliseconds{20}, milliseconds{300}), [this] { scan({}); });
}

void SimAgent::adopt() {
    if (ground_.mutant == Mutant::NothingAdopted && life_ > 1) return;
    std::vector<ProcessRef> ours;
    if (plan_.shows_directories) ours = machine_.directories(plan_.name);
    for (const auto& process : ours) {
        auto record = describe(*process);
        if (const auto kept = kept_.find(process->key); kept != kept_.end()) record = kept->second;
        if (process->ended) {
            input(agent::EndedWhileAway{std::move(record), *process->ended});
            continue;
        }
        input(agent::Appeared{std::move(record), /*adopted=*/true});
        dial(process,
             std::max(plan_.redial, ground_.random.between(milliseconds{1}, milliseconds{1100})));
        if (ground_.mutant == Mutant::QuitOnAdoption)
            (void)machine_.command(process, agent::Monitor::Quit);
    }
    const auto processes = machine_.processes();
    for (const auto& [key, process] : processes) {
        if (is_ours(*process)) continue;
        input(agent::Appeared{describe(*process), /*adopted=*/true});
        if (can_ask(*process))
            dial(process, ground_.random.between(milliseconds{5}, milliseconds{50}));
    }
}

void SimAgent::crash() {
    if (!core_) return;
    ground_.tell([&] { return fmt::format("agent {} crashes", plan_.name); });
    ++life_;
    machine_.remove(*this);
    network_.close(peer_);
    core_.reset();
    frozen_ = false;
    held_.clear();
    mail_.clear();
    writing_.clear();
    timers_.clear();
    monitors_.clear();
    scanned_.clear();
    callers_.clear();
    wrappers_.clear();
}

void SimAgent::restart_in(Duration span) {
    ground_.schedule.after(span, [this] { start(); });
}

void SimAgent::wipe_spool() {
    spool_ = SimSpool{ground_.random.id<StreamId>()};
    acknowledged_ = 0;
}

void SimAgent::later(Duration span, std::function<void()> deed) {
    ground_.schedule.after(span, [this, life = life_, deed = std::move(deed)] {
        if (life == life_ && core_) act(deed);
    });
}

void SimAgent::act(std::function<void()> deed) {
    if (frozen_) {
        held_.push_back(std::move(deed));
    } else {
        deed();
    }
}

void SimAgent::on_mail(Envelope envelope) {
    if (const auto* ack = std::get_if<msg::Acknowledge>(&envelope.body);
        ack != nullptr && ack->stream == spool_.stream())
        acknowledged_ = std::max(acknowledged_, ack->sequence);
    if (const auto* welcome = std::get_if<msg::Welcome>(&envelope.body);
        welcome != nullptr && welcome->mark.stream == spool_.stream())
        acknowledged_ = std::max(acknowledged_, welcome->mark.sequence);
    if (!frozen_) return input(agent::FromBroker{std::move(envelope)});
    if (mail_.size() < 1000) mail_.push_back(std::move(envelope)); // ZeroMQ's high-water mark
}

void SimAgent::thaw() {
    if (!frozen_ || machine_.is_frozen()) return;
    frozen_ = false;
    ground_.tell([&] { return fmt::format("agent {} goes on", plan_.name); });
    auto mail = std::exchange(mail_, {});
    // The shell drains its socket before it acts, and takes the newest ping as now (DESIGN 4).
    for (auto it = mail.rbegin(); it != mail.rend(); ++it) {
        if (!std::holds_alternative<msg::Ping>(it->body)) continue;
        auto newest = *it;
        std::erase_if(mail, [](const Envelope& each) {
            return std::holds_alternative<msg::Ping>(each.body);
        });
        mail.insert(mail.begin(), std::move(newest));
        break;
    }
    for (auto& envelope : mail) {
        input(agent::FromBroker{std::move(envelope)});
    }
    for (auto& deed : std::exchange(held_, {})) {
        if (core_) deed();
    }
}

void SimAgent::input(agent::Input input) {
    if (!core_) return;
    ground_.on_input();
    ground_.mix(input.index());
    perform(core_->step(std::move(input), clock()));
}

void SimAgent::perform(const agent::Effects& effects) {
    for (const auto& effect : effects) {
        if (!core_) return;
        std::visit([&](const auto& each) { perform(each); }, effect);
    }
}

void SimAgent::perform(const agent::ToBroker& effect) {
    if (const auto* batch = std::get_if<msg::Publish>(&effect.envelope.body);
        batch != nullptr && !batch->full) {
        const auto last = batch->first + batch->events.size() - 1;
        if (last > spool_.last_sequence()) {
            ground_.broken("P2", fmt::format("agent publishes what its spool may lose"));
        }
        if (ground_.mutant == Mutant::OutcomeLost || ground_.mutant == Mutant::FailureIsDone) {
            auto other = effect.envelope;
            auto& published = std::get<msg::Publish>(other.body);
            if (ground_.mutant == Mutant::OutcomeLost) promises_.drop_outcomes(published);
            if (ground_.mutant == Mutant::FailureIsDone) promises_.gild_outcomes(published);
            return network_.send_to_broker(peer_, other);
        }
    }
    network_.send_to_broker(peer_, effect.envelope);
}

void SimAgent::perform(const agent::ArmTimer& effect) {
    const auto number = ++timer_count_;
    timers_[effect.key] = number;
    auto at = effect.at - offset_;
    if (ground_.mutant == Mutant::DeadlineIgnored && effect.key.kind == agent::TimerKind::Ladder) {
        at = ground_.schedule.now();
    }
    later(std::max(at - ground_.schedule.now(), Duration{0}), [this, number, effect] {
        const auto found = timers_.find(effect.key);
        if (found == timers_.end() || found->second != number) return;
        timers_.erase(found);
        if (ground_.mutant != Mutant::DeadlineIgnored) return input(agent::TimerFired{effect.key});
        auto ahead = clock();
        ahead.instant = std::max(ahead.instant, effect.at);
        perform(core_->step(agent::TimerFired{effect.key}, ahead));
    });
}

void SimAgent::perform(const agent::LogLine& effect) {
    ground_.tell([&] { return fmt::format("{} logs: {}", plan_.name, effect.text); });
}

void SimAgent::perform(const agent::Spool& effect) {
    writing_.push_back(effect);
    if (ground_.mutant == Mutant::PublishBeforeDurable) {
        input(agent::Spooled{effect.last_sequence});
    }
    if (writing_.size() == 1) write_spool();
}

void SimAgent::write_spool() {
    later(ground_.random.between(microseconds{100}, milliseconds{2}), [this] {
        if (spool_fails_) {
            // The shell tries again until it can: a unit left out would be a hole in the stream.
            input(agent::SpoolFailed{"disk full"});
            later(milliseconds{500}, [this] { write_spool(); });
            return;
        }
        const auto unit = std::move(writing_.front());
        writing_.pop_front();
        on_written(unit);
        if (core_ && !writing_.empty()) write_spool();
    });
}

void SimAgent::on_written(const agent::Spool& unit) {
    spool_.write(unit);
    promises_.on_spooled(*this, unit, spool_.bytes(), plan_.spool_limit);
    for (const auto& deed : unit.then) {
        if (!core_) return;
        std::visit([&](const auto& each) { perform(each); }, deed);
    }
    input(agent::Spooled{unit.last_sequence});
}

void SimAgent::perform(const agent::TrimSpool& effect) {
    if (effect.through > acknowledged_) promises_.on_stream_lost(plan_.name);
    spool_.trim(effect);
}

} // namespace ctys::sim
