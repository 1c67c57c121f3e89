#pragma once

#include "tools/setup_vde/plan.h"

#include <string>
#include <vector>

namespace ctys::vde {

/// What does the acts of a plan.
class Performer {
public:
    virtual ~Performer() = default;
    /// Errors: what it could not do, in the words of who refused it; nothing is changed then.
    [[nodiscard]] virtual Status perform(const Act& act) = 0;
    /// Somebody wants it all to end (Ctrl-C).
    [[nodiscard]] virtual bool is_interrupted() const = 0;
};

/// A plan that was not done to its end.
struct NotDone {
    Error error;                   ///< Interrupted, or what the step that failed says
    std::vector<std::string> left; ///< what could not be undone, a sentence each

    bool operator==(const NotDone&) const = default;
};

/// Does the steps one after another. When one fails, or somebody interrupts, also after the last
/// one, everything that has an undo is undone, the last first; that is not interrupted.
[[nodiscard]] tl::expected<void, NotDone> perform(const Plan& plan, Performer& performer);

} // namespace ctys::vde
