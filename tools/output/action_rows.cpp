#include "tools/output/action_rows.h"

#include "tools/output/block.h"

namespace ctys::tools {

namespace {

constexpr std::size_t short_id_bytes = 8; // "a-" and six digits: a clash among 5,000 is rare

std::string outcome_text(const ActionRecord& record) {
    if (!record.outcome) return {};
    if (record.outcome->ok()) return "done";
    return std::string{to_string(record.outcome->error->code)};
}

std::string action_state(const ActionRecord& record) {
    if (record.outcome) return outcome_text(record);
    if (record.cancelling) return "cancelling";
    return std::string{to_string(record.state)};
}

Tone action_tone(const ActionRecord& record) {
    if (!record.outcome) return Tone::Warn;
    return record.outcome->ok() ? Tone::Good : Tone::Bad;
}

std::string note_of(const ActionRecord& record) {
    if (!record.outcome) return record.progress;
    return record.outcome->ok() ? record.outcome->text : record.outcome->error->message;
}

std::string subject_of(const ActionRecord& record) {
    return record.label.empty() ? record.action.target : record.label;
}

std::vector<Column> action_columns(bool wide) {
    std::vector<Column> out{
        {"ID"}, {"VERB"}, {"TARGET"}, {"STATE"}, {"BY"}, {"ASKED"}, {"TOOK", Align::Right}};
    if (wide) {
        for (const auto* title : {"VM", "WORKER", "CONFIG", "REASON"})
            out.push_back({title});
    }
    out.push_back({"NOTE"});
    return out;
}

std::vector<Cell> action_cells(const ActionRecord& record, bool wide, const View& view) {
    const auto took =
        record.ended.is_none() ? view.now - record.requested : record.ended - record.requested;
    std::vector<Cell> out{
        Cell{view.plain || wide ? record.action.id.to_string() : short_text(record.action.id)},
        Cell{std::string{to_string(record.action.verb)}},
        Cell{subject_of(record)},
        Cell{action_state(record), action_tone(record)},
        Cell{record.action.principal.name},
        Cell{view.plain ? record.requested.to_rfc3339()
                        : clock_text(record.requested, Grain::Second, view)},
        Cell{view.plain ? std::to_string(took.count() / 1000000) : to_short_text(took)}};
    if (wide) {
        out.emplace_back(record.action.vm.is_none() ? std::string{} : record.action.vm.to_string());
        out.emplace_back(record.action.worker.is_none() ? std::string{}
                                                        : record.action.worker.to_string());
        out.emplace_back(record.action.config);
        out.emplace_back(record.action.reason);
    }
    out.emplace_back(note_of(record));
    return out;
}

void json_outcome(JsonWriter& out, const Outcome& outcome) {
    out.begin_object();
    out.member("ok", outcome.ok());
    out.member("text", outcome.text);
    if (outcome.error) {
        out.member("code", to_string(outcome.error->code));
        out.member("status", traits(outcome.error->code).exit_status);
        out.member("message", outcome.error->message);
    }
    out.end_object();
}

void action_json(JsonWriter& out, const ActionRecord& record) {
    out.begin_object();
    out.member("id", record.action.id.to_string());
    out.member("verb", to_string(record.action.verb));
    out.member("target", record.action.target);
    out.member("label", record.label);
    out.member("vm", record.action.vm);
    out.member("worker_id", record.action.worker);
    out.member("state", to_string(record.state));
    out.member("cancelling", record.cancelling);
    out.member("progress", record.progress);
    out.member("principal", record.action.principal.name);
    out.member("reason", record.action.reason);
    out.member("requested", record.requested);
    out.member("ended", record.ended);
    out.member("config", record.action.config);
    out.member_or_null("plan", record.action.plan.is_none() ? "" : record.action.plan.to_string());
    out.key("deadline_s");
    record.action.deadline ? out.value(*record.action.deadline) : out.null();
    out.key("outcome");
    record.outcome ? json_outcome(out, *record.outcome) : out.null();
    out.end_object();
}

std::vector<std::string> action_names(const std::vector<ActionRecord>& records) {
    std::vector<std::string> out;
    for (const auto& record : records)
        out.push_back(record.action.id.to_string());
    return out;
}

std::string filter_text(const WatchRow& watch) {
    std::vector<std::string> parts;
    for (const auto& filter : watch.filters)
        parts.push_back(fmt::format("{}={}", filter.field, fmt::join(filter.values, ",")));
    return fmt::format("{}", fmt::join(parts, " "));
}

std::vector<Column> watch_columns(bool) {
    return {{"ID", Align::Right},
            {"PRINCIPAL"},
            {"AT"},
            {"LAG", Align::Right},
            {"CREDIT", Align::Right},
            {"SINCE"},
            {"FILTER"}};
}

std::vector<Cell> watch_cells(const WatchRow& watch, bool, const View& view) {
    return {
        Cell{std::to_string(watch.id)},
        Cell{watch.principal.name},
        Cell{watch.at.to_string()},
        Cell{std::to_string(watch.lag)},
        Cell{std::to_string(watch.credit)},
        Cell{view.plain ? watch.since.to_rfc3339() : clock_text(watch.since, Grain::Second, view)},
        Cell{filter_text(watch)}};
}

void watch_json(JsonWriter& out, const WatchRow& watch) {
    out.begin_object();
    out.member("id", watch.id);
    out.member("principal", watch.principal.name);
    out.member("role", to_string(watch.principal.role));
    out.member("at", watch.at.to_string());
    out.member("lag", watch.lag);
    out.member("credit", watch.credit);
    out.member("since", watch.since);
    out.member("filter", filter_text(watch));
    out.end_object();
}

std::vector<std::string> watch_names(const std::vector<WatchRow>& watches) {
    std::vector<std::string> out;
    for (const auto& watch : watches)
        out.push_back(std::to_string(watch.id));
    return out;
}

} // namespace

const Listing<ActionRecord>& action_listing() {
    static constexpr Listing<ActionRecord> listing{
        action_columns, action_cells, action_json, action_names};
    return listing;
}

const Listing<WatchRow>& watch_listing() {
    static constexpr Listing<WatchRow> listing{watch_columns, watch_cells, watch_json, watch_names};
    return listing;
}

std::string short_text(ActionId id) {
    return id.to_string().substr(0, short_id_bytes);
}

void render_action(fmt::memory_buffer& out, const ActionRecord& record, const View& view) {
    const auto& action = record.action;
    Blocks blocks(out, view);
    blocks.headline(
        fmt::format("{} {}   {}", to_string(action.verb), subject_of(record), action_state(record)),
        action.id.to_string());
    blocks.line("asked",
                fmt::format("{} by {}{}{}",
                            clock_text(record.requested, Grain::Second, view),
                            action.principal.name,
                            action.reason.empty() ? "" : ": ",
                            action.reason));
    if (!action.target.empty()) blocks.line("asked", "target " + action.target);
    if (action.deadline) blocks.line("asked", "deadline " + to_short_text(*action.deadline));
    if (!action.config.empty()) blocks.line("path", action.config);
    if (!action.plan.is_none()) blocks.line("plan", action.plan.to_string());
    if (!record.progress.empty()) blocks.line("progress", record.progress);
    if (record.outcome) {
        blocks.line("ended",
                    fmt::format("{} after {}: {}",
                                clock_text(record.ended, Grain::Second, view),
                                to_short_text(record.ended - record.requested),
                                note_of(record)));
        if (record.outcome->error) {
            for (const auto& fact : record.outcome->error->evidence)
                blocks.line("ended", fact);
            const auto& next = record.outcome->error->try_next;
            const bool is_this = next == fmt::format("ctys actions show {}", action.id);
            if (!next.empty() && !is_this) blocks.line("next", next);
        }
    } else {
        blocks.line("next", fmt::format("ctys actions cancel {}", short_text(action.id)));
    }
    if (!action.plan.is_none())
        blocks.line("next", fmt::format("ctys actions show {}", short_text(action.plan)));
    blocks.line("next", fmt::format("ctys events --from beginning --filter action={}", action.id));
}

} // namespace ctys::tools
