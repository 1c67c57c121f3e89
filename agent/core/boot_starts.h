#pragma once

#include "agent/core/starter.h"

#include <map>

namespace ctys::agent {

/// Starts VMs when their machine has come up, as their ONBOOT says, with the lease of the broker
/// like a start by hand. One VM:
///
///     state    | input                                    | next
///     waiting  | it runs already                          | running
///              | the survey has not judged KVM yet (1)    | waiting
///              | what it starts after runs; one of 4 places; a broker | asking
///              | the same, no broker for 10 s, local pool | starting, without a lease
///              | what it starts after did not start       | skipped
///              | it waits for itself, in a circle         | skipped
///              | no broker for 10 min                     | skipped
///     asking   | granted                                  | starting
///              | refused, or no answer in 5 s             | waiting, for 2 s
///              | refused for 30 s                         | skipped
///     starting | its action has ended                     | running, or skipped
///     running, skipped: final; a skipped one is told with its reason
///     (1) one that is started before would be emulated for all its life; no longer than a survey
///     may take. Who starts a VM by an order sees how it runs, and can start it again: nobody
///     waits.
class BootStarts {
public:
    static constexpr std::size_t width = 4;
    static constexpr Duration lone_after = std::chrono::seconds{10};
    static constexpr Duration broker_patience = std::chrono::minutes{10};
    static constexpr Duration answer_patience = std::chrono::seconds{5};
    static constexpr Duration ask_again = std::chrono::seconds{2};
    static constexpr Duration refused_patience = std::chrono::seconds{30};
    /// A pool that is slow at first: what it holds counts as found on boot.
    static constexpr Duration look_around = std::chrono::seconds{60};
    static constexpr Duration tick = std::chrono::seconds{1};

    BootStarts(Instances& instances, WorkTable& works, Starter& starter)
        : instances_(instances), works_(works), starter_(starter) {}

    /// The first life of an agent in this boot; `ran` before it.
    /// For `survey_patience` a survey may still judge KVM.
    void begin(Turn& turn, BootId boot, std::vector<VmId> ran, Duration survey_patience);
    void on_survey_ended() { survey_until_.reset(); }
    /// A configuration is known, or found.
    void on_path(const PathFacts& facts);
    /// False: the grant is none of these.
    bool on_grant(Turn& turn, const msg::HandGrant& grant);
    /// The broker could not take the question of this number. False: it is none of these.
    bool on_failure(Turn& turn, std::uint64_t correlation);
    void on_timer(Turn& turn);
    /// After every input.
    void review(Turn& turn, bool online);
    /// Nothing more is started: the machine goes down.
    void cancel() { guests_.clear(), open_ = false; }

private:
    enum class State : std::uint8_t { Waiting, Asking, Starting, Running, Skipped };
    struct Guest {
        State state = State::Waiting;
        VmRecord vm;
        PathRecord path;
        ActionId action;
        Instant next; ///< waiting: not before; asking: given up then
        std::optional<Instant> refused_since;
        std::string reason; ///< of the last refusal
    };
    static bool is_final(State state) { return state >= State::Running; }
    enum class Ready : std::uint8_t { Yes, No, Never };

    void look(Turn& turn, Guest& guest, bool online);
    [[nodiscard]] bool awaits_survey(Turn& turn);
    [[nodiscard]] Ready is_ready(const Guest& guest) const;
    void request(Turn& turn, Guest& guest, bool online);
    void start(Turn& turn, Guest& guest, std::uint64_t token);
    void wait_again(const Turn& turn, Guest& guest, std::string reason);
    static void skip(Turn& turn, Guest& guest, std::string why);
    void break_circles(Turn& turn);
    [[nodiscard]] Guest* find(ActionId action);
    [[nodiscard]] const Guest* find_label(std::string_view label) const;
    [[nodiscard]] bool is_running(const VmId& vm) const;
    [[nodiscard]] std::size_t under_way() const;

    Instances& instances_;
    WorkTable& works_;
    Starter& starter_;
    bool open_ = false;
    BootId boot_;
    Instant begun_;
    std::optional<Instant> survey_until_; ///< while it has not ended
    std::vector<VmId> ran_;
    std::map<VmId, Guest> guests_;
};

} // namespace ctys::agent
