#pragma once

#include "mesh/core/time.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace ctys::agent {

/// One way of ending a VM, from asking to force.
enum class Rung : std::uint8_t { OwnerCommand, GuestAgent, Wake, Button, Quit, Sigterm, Sigkill };
[[nodiscard]] std::string_view to_string(Rung rung);

/// What a ladder may use, and how long it waits.
struct LadderSettings {
    bool ask = true;     ///< false: begin with cutting the power
    bool has_qmp = true; ///< a monitor takes button and quit; without it only signals end the VM
    bool has_guest_agent = false;
    bool is_suspended = false;
    bool may_signal = true;           ///< false: not our process, and nobody asked to cut it
    bool has_owner_command = false;   ///< a foreign VM: asked by its owner's command, not by us
    std::optional<Duration> deadline; ///< power is cut then; none: never
    Duration patience = std::chrono::seconds{180}; ///< without a deadline: asking is given up then
    Duration button_again = std::chrono::seconds{30};
    Duration term_after = std::chrono::seconds{5};
    Duration kill_after = std::chrono::seconds{5};
    Duration stuck_after = std::chrono::seconds{10};
};

/// Ends one VM (DESIGN: Ladder). Pure: says which rung to use now and when to come back.
///
///     state       | time                      | guest reset      | cut_now   | monitor lost
///     asking      | asked again; deadline -> quitting; patience -> gave up
///                 |                           | button at once   | quitting  | -
///     quitting    | +5 s terminating          | -                | -         | -
///     terminating | +5 s killing              | -                | -         | -
///     killing     | +10 s stuck               | -                | -         | -
///     stuck, gave up, ended: final; the exit of the process ends it from every state.
///
/// Asking, by what the VM has: the command of its owner, and nothing else; a guest agent, and where
/// that fails the button at once and from then on; else the button, behind a wake-up if it sleeps.
class Ladder {
public:
    enum class State : std::uint8_t { Asking, Quitting, Terminating, Killing, Stuck, GaveUp };

    Ladder(LadderSettings settings, Instant now);

    /// Rungs to use now, in order; empties the list.
    [[nodiscard]] std::vector<Rung> take();
    void on_time(Instant now);
    void on_guest_reset(Instant now);
    /// The guest agent did not take the request: the button comes next.
    void on_guest_agent_failed(Instant now);
    /// The power is cut at this time if it would be cut later or not at all; never later.
    /// True: it is earlier now.
    bool cut_by(Instant at, Instant now);
    /// As cut_by(), but it may be later than before, or not at all: who wanted it earlier does not
    /// any more. Only while it is asked.
    void move_cut(std::optional<Instant> at, Instant now);
    /// Stop asking, cut the power.
    void cut_now(Instant now);
    /// Somebody wants the power cut, or nobody does any more: may a process that is not ours be
    /// signalled?
    void allow_signals(bool may) { settings_.may_signal = may; }
    /// Until it is back, only signals can cut. That it goes after `quit` is how a VM ends.
    void on_monitor_lost() { settings_.has_qmp = false; }
    void on_monitor_back() { settings_.has_qmp = true; }

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool is_final() const {
        return state_ == State::Stuck || state_ == State::GaveUp;
    }
    /// When on_time must be called next.
    [[nodiscard]] Instant next() const { return next_; }
    [[nodiscard]] std::optional<Instant> cut_at() const { return cut_at_; }
    /// The last rung that was used.
    [[nodiscard]] Rung last() const { return last_; }

private:
    void use(Rung rung);
    void ask(Instant now);
    void press(Instant now);
    void asked(Instant now);
    void enter(State state, Rung rung, Instant now, Duration wait);

    LadderSettings settings_;
    State state_ = State::Asking;
    Instant give_up_at_;
    Instant asked_at_; ///< last
    std::optional<Instant> cut_at_;
    Instant next_;
    Rung last_ = Rung::Button;
    std::vector<Rung> pending_;
};

} // namespace ctys::agent
