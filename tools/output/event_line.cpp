#include "tools/output/event_line.h"

#include "mesh/core/text.h"
#include "tools/output/action_rows.h"
#include "tools/output/table.h"

#include <algorithm>
#include <iterator>

namespace ctys::tools {

namespace {

constexpr std::size_t widest_column = 28;

std::string subject_of(const Event& event) {
    switch (family(event.kind)) {
    case EventFamily::Vm:
    case EventFamily::Path:
        return event.label.empty() ? "u:" + event.vm.to_string().substr(0, 8) : event.label;
    case EventFamily::Worker:
        return "w:" + event.worker_name;
    case EventFamily::Action:
        return event.label.empty() ? short_text(event.action) : event.label;
    case EventFamily::Audit:
        return "audit";
    case EventFamily::Unknown:
        return "?";
    }
    return "?";
}

bool changes_state(const Event& event) {
    return event.old_state != event.new_state && event.old_state != VmState::Unknown &&
           event.kind == kind_of(event.new_state) && event.kind != EventKind::Stopping &&
           event.kind != EventKind::Starting;
}

std::string padded(std::string_view text, std::size_t& width) {
    const auto used = display_width(text);
    width = std::min(std::max(width, used), widest_column);
    return fmt::format("{}{}", text, std::string(used < width ? width - used : 0, ' '));
}

// Keys come from an agent: escaped like every text, unlike the keys of our own.
void append_data(JsonWriter& out, const Event& event) {
    out.begin_object();
    for (const auto& [key, value] : event.data) {
        out.foreign_key(key);
        out.value(std::string_view{value});
    }
    out.end_object();
}

Tone event_tone(const Event& event) {
    switch (event.kind) {
    case EventKind::Running:
    case EventKind::WorkerAlive:
        return Tone::Good;
    case EventKind::Conflict:
    case EventKind::StateUnknown:
    case EventKind::WorkerLost:
    case EventKind::AuditRefused:
        return Tone::Bad;
    case EventKind::Stopping:
    case EventKind::CutAnnounced:
    case EventKind::WorkerSuspect:
    case EventKind::WorkerGap:
        return Tone::Warn;
    default:
        return Tone::Plain;
    }
}

} // namespace

std::string what_text(const Event& event) {
    if (changes_state(event))
        return fmt::format("{} -> {}", to_string(event.old_state), to_string(event.new_state));
    if (family(event.kind) == EventFamily::Action || family(event.kind) == EventFamily::Path)
        return fmt::format("{} {}",
                           family(event.kind) == EventFamily::Action ? "action" : "path",
                           to_string(event.kind));
    return to_string(event.kind);
}

std::string why_text(const Event& event) {
    std::string head = event.text;
    // "by hand" is an owner, and says it already.
    const auto who = event.by.starts_with("by ") ? event.by : "by " + event.by;
    const bool by_is_said =
        event.by.empty() || head == event.by || head.find(who) != std::string::npos;
    if (!by_is_said && event.by != "unknown")
        head = head.empty() ? who : fmt::format("{}, {}", who, head);
    std::vector<std::string> sources;
    if (!event.evidence.empty() && event.evidence != "none") sources.push_back(event.evidence);
    if (!event.action.is_none()) sources.push_back(short_text(event.action));
    if (sources.empty()) return head;
    return fmt::format("{}{}({})", head, head.empty() ? "" : " ", fmt::join(sources, ", "));
}

void EventLines::append(fmt::memory_buffer& out, const RecordedEvent& recorded, const View& view) {
    const auto& event = recorded.event;
    const auto clean = [&](const std::string& text) {
        auto safe = printable(text, 300);
        return view.utf8 ? safe : to_ascii(safe);
    };
    const auto subject = padded(clean(subject_of(event)), subject_width_);
    const auto what = padded(clean(what_text(event)), what_width_);
    const auto worker =
        padded(clean(event.worker_name.empty() ? "-" : event.worker_name), worker_width_);
    auto why = clean(why_text(event));
    const auto cursor = recorded.cursor.to_string();
    const auto time = clock_text(event.time, Grain::Millisecond, view);
    const auto used = display_width(time) + display_width(subject) + display_width(what) +
                      display_width(worker) + cursor.size() + 10;
    if (view.width > used) {
        const auto room = view.width - used;
        why = cut_to(why, room, view.utf8);
        why.append(room - std::min(room, display_width(why)), ' ');
    }
    fmt::format_to(std::back_inserter(out),
                   "{}  {}  {}  {}  {}  {}\n",
                   time,
                   subject,
                   toned(what, event_tone(event), view),
                   worker,
                   why,
                   toned(cursor, Tone::Dim, view));
}

void EventLines::append(fmt::memory_buffer& out, const msg::Gap& gap, const View& view) {
    const auto line = fmt::format("-- gap {}..{}: {} --",
                                  gap.from,
                                  gap.to,
                                  printable(gap.reason.empty() ? "unknown" : gap.reason));
    out.append(toned(line, Tone::Warn, view));
    out.push_back('\n');
}

void append_event_json(JsonWriter& out, const RecordedEvent& recorded) {
    const auto& event = recorded.event;
    out.begin_object();
    out.member("cursor", recorded.cursor.to_string());
    out.member("time", event.time);
    out.member("recorded", recorded.recorded);
    out.member("topic", topic_of(event));
    out.member("kind", to_string(event.kind));
    out.member_or_null("worker", event.worker_name);
    out.member("worker_id", event.worker);
    out.member("vm", event.vm);
    out.member_or_null("label", event.label);
    out.member_or_null("action", event.action.is_none() ? "" : event.action.to_string());
    const bool has_states = family(event.kind) == EventFamily::Vm;
    out.member_or_null("old_state", has_states ? to_string(event.old_state) : "");
    out.member_or_null("new_state", has_states ? to_string(event.new_state) : "");
    out.member_or_null("by", event.by);
    out.member_or_null("evidence", event.evidence);
    out.member("text", event.text);
    out.key("data");
    append_data(out, event);
    out.end_object();
}

void append_gap_json(JsonWriter& out, const msg::Gap& gap) {
    out.begin_object();
    out.key("gap");
    out.begin_object();
    out.member("from", gap.from.to_string());
    out.member("to", gap.to.to_string());
    out.member("reason", gap.reason);
    out.end_object();
    out.end_object();
}

void append_opaque_json(JsonWriter& out, const msg::WatchItem& item, std::string_view reason) {
    out.begin_object();
    out.member("cursor", item.cursor.to_string());
    out.member("recorded", item.recorded);
    out.member("kind", "opaque");
    out.member("text", reason);
    out.end_object();
}

} // namespace ctys::tools
