#include "tools/create_conf/dialogue.h"

#include "mesh/core/text.h"
#include "tools/create_conf/value.h"

#include <fmt/format.h>

namespace ctys::conf {

Dialogue::Dialogue(Sources sources, Asking asking, bool brief)
    : sources_(std::move(sources)), asking_(asking), brief_(brief) {}

bool Dialogue::is_asked(const Variable& variable, const Value& value) const {
    if (!variable.asked || asking_ == Asking::Nothing) return false;
    // Nothing can be kept where there is nothing, and no VM goes without a name.
    const bool missing = variable.name == "LABEL" && value.text.empty();
    if (missing) return true;
    // An option of the call is an answer already.
    if (value.origin == Origin::Call || goes_on_) return false;
    return asking_ == Asking::Everything || variable.mandatory;
}

Result<std::optional<std::string>> Dialogue::question() {
    const auto all = variables();
    for (; next_ < all.size(); ++next_) {
        const auto& variable = all[next_];
        const auto value = proposed(variable, sources_);
        if (!value) return tl::unexpected(value.error());
        if (!is_asked(variable, *value)) continue;
        const bool new_value = wants_value_ || (variable.name == "LABEL" && value->text.empty());
        if (new_value) {
            wants_value_ = true;
            return fmt::format("{}=", variable.name);
        }
        const auto origin = value->place.empty()
                                ? std::string{to_string(value->origin)}
                                : fmt::format("{}, {}", to_string(value->origin), value->place);
        return fmt::format("{}{}={} ({})  [Y/n/C] ",
                           brief_ ? "" : fmt::format("{}:\n  ", variable.what),
                           variable.name,
                           value->text.empty() ? "none" : value->text,
                           origin);
    }
    return std::nullopt;
}

Status Dialogue::answer(std::string_view line) {
    const auto all = variables();
    if (next_ >= all.size()) return {};
    const auto& variable = all[next_];
    const auto said = trim(line);
    if (wants_value_) {
        auto value = checked_value(variable, said);
        if (!value) return tl::unexpected(value.error());
        if (value->empty() && variable.name == "LABEL")
            return fail(ErrorCode::Usage, "LABEL: a VM needs a name");
        sources_.given.insert_or_assign(std::string{variable.name},
                                        Value{std::move(*value), Origin::Answer, {}});
        wants_value_ = false;
        ++next_;
        return {};
    }
    if (said.empty() || equals_ignoring_case(said, "y")) {
        ++next_;
    } else if (equals_ignoring_case(said, "n")) {
        wants_value_ = true;
    } else if (equals_ignoring_case(said, "c")) {
        goes_on_ = true;
        ++next_;
    } else {
        return fail(ErrorCode::Usage,
                    "y keeps it, n asks for another value, C keeps all that follow");
    }
    return {};
}

Result<bool> yes_or_no(std::string_view line) {
    const auto said = trim(line);
    if (said.empty() || equals_ignoring_case(said, "y")) return true;
    if (equals_ignoring_case(said, "n")) return false;
    return fail(ErrorCode::Usage, "y or n");
}

} // namespace ctys::conf
