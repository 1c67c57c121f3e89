#pragma once

#include "tools/create_conf/file_plan.h"

namespace ctys::conf {

/// From now on Ctrl-C, SIGTERM and SIGHUP end the work between two of its steps, and not the
/// process.
void keep_interruptions();
[[nodiscard]] bool was_interrupted();
/// What an interrupted call says; `Interrupted`.
[[nodiscard]] tl::unexpected<Error> interrupted();

/// Does all of a plan or nothing: everything new is made whole under names of its own first; then,
/// with signals held back, what is old steps aside and what is new takes its place, and a step that
/// fails takes the others back. `make_folder`: the folder may be missing (its parent may not).
/// Errors: Conflict for an image that a QEMU uses and for what came in between, Interrupted,
/// Failed.
[[nodiscard]] Status carry_out(const FilePlan& plan, const std::string& folder, bool make_folder);

} // namespace ctys::conf
