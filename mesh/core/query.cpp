#include "mesh/core/query.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ctys {

namespace {

constexpr std::array<std::string_view, 10> event_fields = {
    "topic", "kind", "family", "worker", "vm", "label", "by", "evidence", "action", "state"};

std::string_view family_text(EventFamily family) {
    switch (family) {
    case EventFamily::Vm:
        return "vm";
    case EventFamily::Path:
        return "path";
    case EventFamily::Worker:
        return "worker";
    case EventFamily::Action:
        return "action";
    case EventFamily::Audit:
        return "audit";
    case EventFamily::Unknown:
        return "unknown";
    }
    return "unknown";
}

bool holds(std::string_view field, std::string_view value, const Event& event) {
    if (field == "topic") return topic_of(event).starts_with(value);
    if (field == "kind") return to_string(event.kind) == value;
    if (field == "family") return family_text(family(event.kind)) == value;
    if (field == "worker") return event.worker_name == value || event.worker.to_string() == value;
    if (field == "vm") return event.label == value || event.vm.to_string() == value;
    if (field == "label") return event.label == value;
    if (field == "by") return event.by == value;
    if (field == "evidence") return event.evidence == value;
    // People type the beginning of an action id; an empty value would accept every event.
    if (field == "action")
        return !event.action.is_none() && event.action.to_string().starts_with(value);
    if (field == "state") return to_string(event.new_state) == value;
    return false;
}

} // namespace

Result<Filter> Filter::parse(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size()) {
        return fail(
            ErrorCode::Usage,
            fmt::format("filter \"{}\": must be field=value[,value...]", printable(text, 80)));
    }
    Filter filter{.field = to_lower(trim(text.substr(0, equals))), .values = {}};
    for (const auto value : split(text.substr(equals + 1), ',')) {
        if (value.empty()) {
            return fail(ErrorCode::Usage,
                        fmt::format("filter \"{}\": has an empty value", printable(text, 80)));
        }
        filter.values.emplace_back(value);
    }
    return filter;
}

Status check_event_filters(const std::vector<Filter>& filters) {
    for (const auto& filter : filters) {
        if (std::find(event_fields.begin(), event_fields.end(), filter.field) ==
            event_fields.end()) {
            return fail(ErrorCode::Usage,
                        fmt::format("filter \"{}\": events have no such field; they have {}",
                                    printable(filter.field, 40),
                                    fmt::join(event_fields, ", ")));
        }
    }
    return {};
}

bool accepts(const std::vector<Filter>& filters, const Event& event) {
    return std::all_of(filters.begin(), filters.end(), [&](const Filter& filter) {
        return std::any_of(
            filter.values.begin(), filter.values.end(), [&](const std::string& value) {
                return holds(filter.field, value, event);
            });
    });
}

} // namespace ctys
