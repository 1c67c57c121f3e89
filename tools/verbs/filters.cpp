#include "tools/verbs/filters.h"

#include "mesh/core/near_word.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::tools {

namespace {

/// The filter with the first wrong word replaced by a near one; empty where none is near.
std::string near_filter(Filter filter, const FilterFields& fields) {
    const auto field = std::find_if(
        fields.begin(), fields.end(), [&](const FilterField& f) { return f.name == filter.field; });
    if (field == fields.end()) {
        std::vector<std::string_view> names;
        for (const auto& known : fields)
            names.push_back(known.name);
        const auto near = near_word(filter.field, names);
        if (!near) return {};
        filter.field = *near;
    } else {
        const auto wrong = std::find_if(filter.values.begin(),
                                        filter.values.end(),
                                        [&](const auto& value) { return !field->takes(value); });
        const auto near =
            wrong == filter.values.end() ? std::nullopt : near_word(*wrong, field->words);
        if (!near) return {};
        *wrong = *near;
    }
    const auto text = fmt::format("{}={}", filter.field, fmt::join(filter.values, ","));
    const bool needs_quotes = text.find(' ') != std::string::npos;
    return needs_quotes ? fmt::format("--filter '{}'", text) : "--filter " + text;
}

} // namespace

Result<std::vector<Filter>> parse_filters(const std::vector<std::string>& texts,
                                          const FilterFields& fields) {
    std::vector<Filter> filters;
    for (const auto& text : texts) {
        auto filter = Filter::parse(text);
        if (!filter) return tl::unexpected(filter.error());
        if (auto known = check_filters({*filter}, fields); !known) {
            auto error = known.error();
            error.try_next = near_filter(std::move(*filter), fields);
            return tl::unexpected(std::move(error));
        }
        filters.push_back(std::move(*filter));
    }
    return filters;
}

} // namespace ctys::tools
