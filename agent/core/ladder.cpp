#include "agent/core/ladder.h"

#include <algorithm>
#include <utility>

namespace ctys::agent {

std::string_view to_string(Rung rung) {
    switch (rung) {
    case Rung::OwnerCommand:
        return "owner command";
    case Rung::GuestAgent:
        return "guest agent";
    case Rung::Wake:
        return "wake-up";
    case Rung::Button:
        return "power button";
    case Rung::Quit:
        return "quit";
    case Rung::Sigterm:
        return "SIGTERM";
    case Rung::Sigkill:
        return "SIGKILL";
    }
    return "unknown";
}

Ladder::Ladder(LadderSettings settings, Instant now)
    : settings_(settings), give_up_at_(now + settings.patience), next_(now) {
    if (settings_.deadline) cut_at_ = now + *settings_.deadline;
    if (!settings_.ask || (cut_at_ && *cut_at_ <= now)) {
        cut_now(now);
    } else {
        ask(now);
    }
}

std::vector<Rung> Ladder::take() {
    return std::exchange(pending_, {});
}

void Ladder::use(Rung rung) {
    pending_.push_back(rung);
    last_ = rung;
}

void Ladder::ask(Instant now) {
    if (settings_.has_owner_command) {
        use(Rung::OwnerCommand);
    } else if (settings_.has_guest_agent) {
        use(Rung::GuestAgent);
    } else {
        return press(now);
    }
    asked(now);
}

void Ladder::press(Instant now) {
    if (settings_.is_suspended) use(Rung::Wake);
    use(Rung::Button);
    asked(now);
}

void Ladder::asked(Instant now) {
    asked_at_ = now;
    next_ = std::min(now + settings_.button_again, cut_at_.value_or(give_up_at_));
}

void Ladder::enter(State state, Rung rung, Instant now, Duration wait) {
    state_ = state;
    use(rung);
    next_ = now + wait;
}

bool Ladder::cut_by(Instant at, Instant now) {
    if (state_ != State::Asking || (cut_at_ && *cut_at_ <= at)) return false;
    cut_at_ = at;
    next_ = std::min(next_, at);
    if (at <= now) cut_now(now);
    return true;
}

void Ladder::move_cut(std::optional<Instant> at, Instant now) {
    if (state_ != State::Asking || cut_at_ == at) return;
    cut_at_ = at;
    next_ = std::min(asked_at_ + settings_.button_again, cut_at_.value_or(give_up_at_));
    if (at && *at <= now) cut_now(now);
}

void Ladder::cut_now(Instant now) {
    if (state_ != State::Asking && state_ != State::GaveUp) return;
    if (settings_.has_qmp) {
        enter(State::Quitting, Rung::Quit, now, settings_.term_after);
    } else if (settings_.may_signal) {
        enter(State::Terminating, Rung::Sigterm, now, settings_.kill_after);
    } else {
        state_ = State::GaveUp;
    }
}

void Ladder::on_time(Instant now) {
    if (now < next_) return;
    switch (state_) {
    case State::Asking:
        if (cut_at_ && now >= *cut_at_) return cut_now(now);
        if (!cut_at_ && now >= give_up_at_) {
            state_ = State::GaveUp;
            return;
        }
        return ask(now);
    case State::Quitting:
        if (!settings_.may_signal) {
            state_ = State::GaveUp;
            return;
        }
        return enter(State::Terminating, Rung::Sigterm, now, settings_.kill_after);
    case State::Terminating:
        return enter(State::Killing, Rung::Sigkill, now, settings_.stuck_after);
    case State::Killing:
        state_ = State::Stuck;
        return;
    case State::Stuck:
    case State::GaveUp:
        return;
    }
}

void Ladder::on_guest_reset(Instant now) {
    if (state_ != State::Asking) return;
    // Its agent comes up late, the button works early.
    if (settings_.has_owner_command) return ask(now);
    press(now);
}

void Ladder::on_guest_agent_failed(Instant now) {
    if (state_ != State::Asking || !settings_.has_guest_agent) return;
    settings_.has_guest_agent = false;
    ask(now);
}

} // namespace ctys::agent
