#include "mesh/core/query.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys {

namespace {

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

std::vector<std::string_view> family_words() {
    std::vector<std::string_view> words;
    for (const auto family : {EventFamily::Vm,
                              EventFamily::Path,
                              EventFamily::Worker,
                              EventFamily::Action,
                              EventFamily::Audit,
                              EventFamily::Unknown})
        words.push_back(family_text(family));
    return words;
}

// Kinds of a newer version have no word here: "kind-99".
bool is_numbered_kind(std::string_view value) {
    constexpr std::string_view prefix = "kind-";
    return value.size() > prefix.size() && value.starts_with(prefix) &&
           value.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
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

bool FilterField::takes(std::string_view value) const {
    return words.empty() || std::find(words.begin(), words.end(), value) != words.end() ||
           (also != nullptr && also(value));
}

Status check_filters(const std::vector<Filter>& filters, const FilterFields& fields) {
    for (const auto& filter : filters) {
        const auto field = std::find_if(fields.begin(), fields.end(), [&](const FilterField& f) {
            return f.name == filter.field;
        });
        if (field == fields.end()) {
            std::vector<std::string_view> names;
            for (const auto& known : fields)
                names.push_back(known.name);
            return fail(ErrorCode::Usage,
                        fmt::format("filter \"{}\": no such field; there are {}",
                                    printable(filter.field, 40),
                                    fmt::join(names, ", ")));
        }
        for (const auto& value : filter.values) {
            if (field->takes(value)) continue;
            return fail(ErrorCode::Usage,
                        fmt::format("filter \"{}={}\": no such {}; there are {}",
                                    field->name,
                                    printable(value, 40),
                                    field->name,
                                    fmt::join(field->words, ", ")));
        }
    }
    return {};
}

const FilterFields& event_filter_fields() {
    static const FilterFields fields{{"topic"},
                                     {"kind", event_kind_words(), is_numbered_kind},
                                     {"family", family_words()},
                                     {"worker"},
                                     {"vm"},
                                     {"label"},
                                     {"by"},
                                     {"evidence"},
                                     {"action"},
                                     {"state", vm_state_words()}};
    return fields;
}

Status check_event_filters(const std::vector<Filter>& filters) {
    return check_filters(filters, event_filter_fields());
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
