#include "agent/core/boot_starts.h"

#include "mesh/core/digest.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

namespace {

/// One start of a VM in a boot: the same whenever it is asked for.
ActionId action_of(BootId boot, VmId vm) {
    const auto seed = digest(std::as_bytes(std::span{boot.uuid.bytes}), 0);
    return {digest(std::as_bytes(std::span{vm.uuid.bytes}), seed) | 1U};
}

bool is_shared(const Turn& turn, const PathRecord& path) {
    const auto& pools = turn.worker().pools;
    const auto found = std::find_if(pools.begin(), pools.end(), [&](const PoolReport& pool) {
        return pool.root == path.pool_root;
    });
    return found == pools.end() || found->shared;
}

} // namespace

void BootStarts::begin(Turn& turn, BootId boot, std::vector<VmId> ran, Duration survey_patience) {
    open_ = true;
    boot_ = boot;
    ran_ = std::move(ran);
    begun_ = turn.now().instant;
    if (survey_patience > Duration{}) survey_until_ = begun_ + survey_patience;
    turn.arm({.kind = TimerKind::Boot}, begun_ + tick);
}

void BootStarts::on_path(const PathFacts& facts) {
    const auto& vm = facts.vm;
    const bool ran = std::find(ran_.begin(), ran_.end(), vm.id) != ran_.end();
    const bool wanted = vm.on_boot == OnBoot::Start || (vm.on_boot == OnBoot::LikeBefore && ran);
    if (!open_ || !wanted || facts.path.health != PathHealth::Good || !facts.path.runnable) return;
    const auto [at, is_new] = guests_.try_emplace(vm.id);
    if (!is_new) return;
    at->second.vm = vm;
    at->second.path = facts.path;
    at->second.action = action_of(boot_, vm.id);
    at->second.next = begun_;
}

void BootStarts::review(Turn& turn, bool online) {
    if (!open_) return;
    for (auto& [vm, guest] : guests_) {
        look(turn, guest, online);
    }
    break_circles(turn);
    const bool is_over = std::all_of(guests_.begin(), guests_.end(), [](const auto& item) {
        return is_final(item.second.state);
    });
    if (is_over && turn.now().instant >= begun_ + look_around) cancel();
}

void BootStarts::on_timer(Turn& turn) {
    if (open_) turn.arm({.kind = TimerKind::Boot}, turn.now().instant + tick);
}

void BootStarts::look(Turn& turn, Guest& guest, bool online) {
    const auto now = turn.now().instant;
    switch (guest.state) {
    case State::Waiting:
        if (is_running(guest.vm.id)) {
            guest.state = State::Running;
            return;
        }
        if (instances_.find_live(guest.vm.id) != nullptr || now < guest.next) return;
        if (awaits_survey(turn)) return;
        if (is_ready(guest) == Ready::Never)
            return skip(turn, guest, "what it starts after was not started");
        if (is_ready(guest) == Ready::Yes && under_way() < width) request(turn, guest, online);
        return;
    case State::Asking:
        if (now >= guest.next) wait_again(turn, guest, "the broker does not answer");
        return;
    case State::Starting:
        if (works_.find(guest.action) != nullptr) return;
        if (is_running(guest.vm.id)) {
            guest.state = State::Running;
            return;
        }
        return skip(turn, guest, "it could not be started"); // its action tells why
    case State::Running:
    case State::Skipped:
        return;
    }
}

bool BootStarts::awaits_survey(Turn& turn) {
    if (!survey_until_) return false;
    if (turn.now().instant < *survey_until_) return true;
    survey_until_.reset();
    turn.log(LogLine::Level::Warning,
             fmt::format("no survey has judged KVM within {}: VMs are started on boot without it",
                         to_short_text(turn.now().instant - begun_)));
    return false;
}

BootStarts::Ready BootStarts::is_ready(const Guest& guest) const {
    auto ready = Ready::Yes;
    for (const auto& label : guest.vm.start_after) {
        // What is not started on boot is not waited for.
        const auto* before = find_label(label);
        if (before == nullptr || before->state == State::Running) continue;
        if (before->state == State::Skipped) return Ready::Never;
        ready = Ready::No;
    }
    return ready;
}

void BootStarts::request(Turn& turn, Guest& guest, bool online) {
    const auto now = turn.now().instant;
    if (online) {
        guest.state = State::Asking;
        guest.next = now + answer_patience;
        turn.then(ToBroker{Envelope{.correlation = guest.action.value,
                                    .body = msg::HandStart{.action = guest.action,
                                                           .vm = guest.vm.id,
                                                           .config = guest.path.config,
                                                           .label = guest.vm.label,
                                                           .user = "boot",
                                                           .on_boot = true}}});
    } else if (!is_shared(turn, guest.path) && now >= begun_ + lone_after) {
        // Nobody else could run it (DESIGN: Life of an action).
        start(turn, guest, 0);
    } else if (now >= begun_ + broker_patience) {
        skip(turn, guest, "no broker answers, and another machine may be running it");
    }
}

void BootStarts::start(Turn& turn, Guest& guest, std::uint64_t token) {
    Action action{.id = guest.action, .verb = Verb::Start, .vm = guest.vm.id};
    action.target = guest.vm.label;
    action.config = guest.path.config;
    action.token = token;
    action.reason = "on boot";
    action.principal = {.name = "boot", .role = Role::Operator, .worker = {}};
    if (auto ok = starter_.check(action, &guest.path); !ok) {
        if (token != 0) turn.then(ToBroker{Envelope{.body = msg::Withdrawn{action.id}}});
        return skip(turn, guest, ok.error().message);
    }
    guest.state = State::Starting;
    starter_.begin(turn, action, guest.path, guest.vm.label);
}

void BootStarts::wait_again(const Turn& turn, Guest& guest, std::string reason) {
    guest.state = State::Waiting;
    guest.reason = std::move(reason);
    guest.next = turn.now().instant + ask_again;
}

bool BootStarts::on_grant(Turn& turn, const msg::HandGrant& grant) {
    auto* guest = find(grant.action);
    if (guest == nullptr) return false;
    const auto now = turn.now().instant;
    if (grant.answer == msg::HandGrant::Answer::Granted) {
        const bool is_late = guest->state != State::Asking && guest->state != State::Waiting;
        // One that was started without a lease, or has ended, holds none.
        if (is_late && works_.find(grant.action) == nullptr)
            turn.then(ToBroker{Envelope{.body = msg::Withdrawn{grant.action}}});
        if (!is_late) start(turn, *guest, grant.token);
        return true;
    }
    if (guest->state != State::Asking) return true;
    // A broker that has just begun asks its workers first, and knows what this one scans soon.
    if (!guest->refused_since) guest->refused_since = now;
    if (now - *guest->refused_since >= refused_patience) {
        skip(turn, *guest, grant.reason);
    } else {
        wait_again(turn, *guest, grant.reason);
    }
    return true;
}

bool BootStarts::on_failure(Turn& turn, std::uint64_t correlation) {
    auto* guest = find(ActionId{correlation});
    if (guest == nullptr) return false;
    if (guest->state == State::Asking) wait_again(turn, *guest, "the broker does not answer");
    return true;
}

void BootStarts::skip(Turn& turn, Guest& guest, std::string why) {
    guest.state = State::Skipped;
    Event event{.kind = EventKind::VmChanged};
    event.vm = guest.vm.id;
    event.label = guest.vm.label;
    event.old_state = event.new_state = VmState::Stopped;
    event.by = "boot";
    event.text = fmt::format("not started on boot: {}", why);
    turn.log(LogLine::Level::Warning, fmt::format("{}: {}", guest.vm.label, event.text));
    turn.emit(std::move(event));
}

// Nothing is under way and nobody waits for a time or a broker: who still waits, waits for somebody
// who waits.
void BootStarts::break_circles(Turn& turn) {
    std::vector<Guest*> blocked;
    for (auto& [vm, guest] : guests_) {
        if (is_final(guest.state)) continue;
        if (guest.state != State::Waiting || is_ready(guest) != Ready::No) return;
        blocked.push_back(&guest);
    }
    for (auto* guest : blocked) {
        skip(turn,
             *guest,
             fmt::format("STARTAFTER makes a circle: it waits for {}",
                         fmt::join(guest->vm.start_after, ", ")));
    }
}

BootStarts::Guest* BootStarts::find(ActionId action) {
    const auto found = std::find_if(guests_.begin(), guests_.end(), [&](const auto& item) {
        return item.second.action == action;
    });
    return found == guests_.end() ? nullptr : &found->second;
}

const BootStarts::Guest* BootStarts::find_label(std::string_view label) const {
    const auto found = std::find_if(guests_.begin(), guests_.end(), [&](const auto& item) {
        return item.second.vm.label == label;
    });
    return found == guests_.end() ? nullptr : &found->second;
}

bool BootStarts::is_running(const VmId& vm) const {
    const auto* live = instances_.find_live(vm);
    return live != nullptr && live->record.state == VmState::Running;
}

std::size_t BootStarts::under_way() const {
    return static_cast<std::size_t>(
        std::count_if(guests_.begin(), guests_.end(), [](const auto& item) {
            return item.second.state == State::Asking || item.second.state == State::Starting;
        }));
}

} // namespace ctys::agent
