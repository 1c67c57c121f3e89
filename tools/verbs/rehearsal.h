#pragma once

#include "mesh/core/message.h"
#include "tools/output/plan_text.h"
#include "tools/verbs/session.h"

#include <vector>

namespace ctys::tools {

/// What an order would do to one VM, in one sentence; pure. `picture` is the broker's, of one step
/// or of none; `row` the VM as it stands.
[[nodiscard]] std::string
rehearsal_of(const msg::Submit& order, const PlanPicture& picture, const VmRow& row);

/// --dry-run: the broker decides of each order as if it were meant, and does nothing. What reaches
/// one VM is told in a sentence, what reaches further is shown as a plan.
/// Errors: those with which the orders would be refused; Partial.
[[nodiscard]] Status rehearse(Session& session, const std::vector<msg::Submit>& orders);

} // namespace ctys::tools
