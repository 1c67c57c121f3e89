#include "tools/setup_vde/perform.h"

#include <fmt/format.h>

#include <span>

namespace ctys::vde {

namespace {

std::vector<std::string> undo(std::span<const Step> done, Performer& performer) {
    std::vector<std::string> left;
    for (auto step = done.rbegin(); step != done.rend(); ++step) {
        if (!step->undo) continue;
        if (auto undone = performer.perform(*step->undo); !undone)
            left.push_back(
                fmt::format("cannot undo \"{}\": {}", step->what, undone.error().message));
    }
    return left;
}

} // namespace

tl::expected<void, NotDone> perform(const Plan& plan, Performer& performer) {
    const std::span steps{plan.steps};
    std::size_t count = 0;
    const auto give_up = [&](Error error) {
        return tl::unexpected(
            NotDone{.error = std::move(error), .left = undo(steps.first(count), performer)});
    };
    const Error interrupted{.code = ErrorCode::Interrupted, .message = "interrupted"};
    for (; count < steps.size(); ++count) {
        if (performer.is_interrupted()) return give_up(interrupted);
        if (auto done = performer.perform(steps[count].act); !done)
            return give_up(within("cannot " + steps[count].what, done.error()));
    }
    if (count > 0 && performer.is_interrupted()) return give_up(interrupted);
    return {};
}

} // namespace ctys::vde
