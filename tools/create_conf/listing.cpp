#include "tools/create_conf/listing.h"

#include <fmt/format.h>

namespace ctys::conf {

namespace {

std::string_view colour_of(Origin origin) {
    switch (origin) {
    case Origin::Call:
    case Origin::Answer:
        return "\x1b[34m";
    case Origin::Environment:
        return "\x1b[32m";
    case Origin::Dependent:
    case Origin::Generated:
    case Origin::Addresses:
    case Origin::Distribution:
        return "\x1b[36m";
    case Origin::Adopted:
    case Origin::DefaultsFile:
    case Origin::Host:
    case Origin::BuiltIn:
        return {};
    }
    return {};
}

} // namespace

Result<std::string> list_variables(const Sources& sources, bool colours) {
    const bool has_label = sources.given.contains("LABEL");
    auto out = fmt::format("{:<29}{:<25}{}\n", "VARIABLE", "VALUE", "ORIGIN");
    for (const auto& variable : variables()) {
        auto value = proposed(variable, sources);
        if (!value) return tl::unexpected(value.error());
        const bool follows =
            value->origin == Origin::Dependent || value->origin == Origin::Generated;
        if (!has_label && follows && variable.dependent) {
            value->text = "-";
            value->origin = Origin::Dependent;
        }
        const bool none = value->text.empty() && value->origin == Origin::BuiltIn;
        const auto colour = colours ? colour_of(value->origin) : std::string_view{};
        out += fmt::format(
            "{:<29}{}{:<24}{} {}{}{}\n",
            variable.name,
            colour,
            value->text.empty() ? "-" : value->text,
            colour.empty() ? "" : "\x1b[0m",
            none ? "none" : to_string(value->origin),
            value->place.empty() ? "" : ", " + value->place,
            variable.other_names.empty() ? "" : fmt::format("  (also {})", variable.other_names));
    }
    return out;
}

} // namespace ctys::conf
