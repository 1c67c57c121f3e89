#pragma once

#include "mesh/core/message.h"
#include "mesh/core/plan.h"
#include "tools/output/plan_text.h"
#include "tools/verbs/arguments.h"
#include "tools/verbs/session.h"

#include <optional>
#include <string>
#include <vector>

namespace ctys::tools {

/// How a stack is to be ended, paused or resumed; options of several verbs.
struct StackOptions {
    bool shrink = false;
    bool cut_unaskable = false;
    bool self = false;
    bool no_restore = false;
    std::optional<std::uint64_t> width;

    /// Those that make sense for the verb; none: all of them.
    void declare(Arguments& arguments, std::optional<Verb> verb);
    /// `words`: "shutdown" or "init 0", of a command to be given. Errors: Usage (--self without a
    /// worker, a width of nobody).
    [[nodiscard]] Status check(const std::vector<std::string>& targets,
                               std::string_view words) const;
    void apply(Action& action) const;
};

/// It means every VM of a worker, or the whole estate, not one VM.
[[nodiscard]] bool means_many(const std::string& target);
/// Tells from which machine it is asked: an order that ends or stops that needs --yes, one to end
/// it by --self is refused.
void tell_place(msg::Submit& order);

/// What the order would do. Errors: those of the broker.
[[nodiscard]] Result<PlanPicture> plan_of(Session& session, msg::Submit order);
/// The plan that an action carries out, or has; nothing where it has none.
/// Errors: those of the broker.
[[nodiscard]] Result<std::optional<PlanPicture>> plan_behind(Session& session, ActionId action);
/// Shows what would be done, and what to say to have it done.
[[nodiscard]] Status show_plan(Session& session, const PlanPicture& picture, std::string_view next);

/// Whole workers and the whole estate: the plan is shown, and somebody has to say yes. Errors:
/// those of plan_of() and confirm(), Conflict (somebody of it cannot be asked).
[[nodiscard]] Status agree_to_plan(Session& session, const msg::Submit& order);

} // namespace ctys::tools
