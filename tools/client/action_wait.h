#pragma once

#include "mesh/core/event.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ctys::tools {

/// What is known of actions whose events are being watched; pure.
class ActionWait {
public:
    explicit ActionWait(const std::vector<ActionId>& ids);

    /// True when the event said something new about one of the actions.
    bool on_event(const Event& event);
    /// A record from a query: what events did not tell.
    void on_record(const ActionRecord& record);

    [[nodiscard]] bool is_done() const;
    /// Actions that ended, as said by an event that carried no record: to be asked for.
    [[nodiscard]] std::vector<ActionId> without_record() const;

    struct Progress {
        std::string label;
        std::string text; ///< last words
        bool ended = false;
        std::optional<ActionRecord> record; ///< newest seen
        struct Step {
            std::string label;
            std::string state; ///< StepState in words
            std::string text;
        };
        std::map<std::uint32_t, Step> steps; ///< of a plan, as far as they were told of
        std::vector<std::uint32_t> told;     ///< those, newest last
        std::string of;                      ///< how many there are
    };
    [[nodiscard]] const std::map<ActionId, Progress>& actions() const { return actions_; }
    [[nodiscard]] bool has_ended(ActionId id) const;
    /// "ok sensor gone after 2.1 s  .. l2db asked": one line about all of them.
    [[nodiscard]] std::string line() const;
    /// The longest deadline any of those has that have no outcome yet.
    [[nodiscard]] std::optional<Duration> deadline() const;

    /// Done, the one error, or Partial when some of several failed: see sum_up().
    [[nodiscard]] Status outcome() const;

private:
    static bool take_step(Progress& progress, const Event& event);
    static std::string line_of(const Progress& progress);

    std::vector<ActionId> order_; ///< in which they were asked for
    std::map<ActionId, Progress> actions_;
};

} // namespace ctys::tools
