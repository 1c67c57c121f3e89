#pragma once

#include "tools/output/view.h"
#include "tools/setup_vde/observe.h"
#include "tools/setup_vde/plan.h"

#include <string>

namespace ctys::vde {

// Texts for people. Pure.

/// What create has made, in two lines.
[[nodiscard]] std::string created_text(const Observed& machine);

/// Errors: NotFound (there is none), Failed (it does not work), with what is wrong.
[[nodiscard]] Status check_works(const Observed& machine);

[[nodiscard]] std::string info_text(const Observed& machine);
[[nodiscard]] std::string ports_text(const Observed& machine, const tools::View& view);
/// `sockets`: a line for each socket in the folder of a switch, below it.
[[nodiscard]] std::string
list_text(const std::vector<Listed>& switches, bool sockets, const tools::View& view);

/// The steps of a plan as a shell would do them, and its notes.
[[nodiscard]] std::string plan_text(const Plan& plan, const Observed& machine);

} // namespace ctys::vde
