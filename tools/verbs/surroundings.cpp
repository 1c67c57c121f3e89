#include "tools/verbs/surroundings.h"

#include "schema/codec.h"
#include "tools/client/terminal.h"
#include "tools/client/watcher.h"

#include <algorithm>
#include <array>
#include <deque>

namespace ctys::tools {

namespace {

constexpr std::size_t shown_events = 5;
constexpr Duration answer_patience = std::chrono::seconds{1};
constexpr std::size_t deepest_stack = 16; // also ends a circle of wrong platform UUIDs
constexpr std::array<Duration, 2> spans = {std::chrono::hours{1}, std::chrono::hours{24}};

const WorkerRecord* find(const std::vector<WorkerRecord>& workers, const WorkerId& id) {
    const auto found =
        std::find_if(workers.begin(), workers.end(), [&](const auto& one) { return one.id == id; });
    return found == workers.end() ? nullptr : &*found;
}

/// Its platform may be a VM; where the sources of that disagree it makes no edge of a stack.
bool is_carried(const WorkerRecord& worker) {
    return worker.platform.identifies() && worker.platform_conflict.empty();
}

bool is_carried_by(const WorkerRecord& worker, const VmId& vm) {
    return is_carried(worker) && worker.platform == vm.uuid;
}

Result<std::vector<std::string>>
carriers_of(Session& session, const VmRow& row, const std::vector<WorkerRecord>& workers) {
    std::vector<std::string> chain;
    auto worker = row.worker;
    while (!worker.is_none() && chain.size() < deepest_stack) {
        const auto* record = find(workers, worker);
        if (record == nullptr) break;
        chain.insert(chain.begin(), record->name);
        if (!is_carried(*record)) break;
        auto below = session.rows_of<VmRow>(
            {.table = Table::Vms, .address = "u:" + record->platform.to_string()});
        // Most workers are no VM of this mesh.
        if (!below && below.error().code == ErrorCode::NotFound) break;
        if (!below) return tl::unexpected(below.error());
        if (below->empty()) break;
        worker = below->front().worker;
    }
    return chain;
}

/// What happened to it; of actions only those that failed, as the others show in its states.
bool is_telling(const Event& event) {
    const auto kind = family(event.kind);
    if (kind == EventFamily::Vm || kind == EventFamily::Path) return true;
    const auto* action = std::get_if<ActionRecord>(&event.payload);
    return event.kind == EventKind::ActionEnded && action != nullptr && action->outcome &&
           !action->outcome->ok();
}

/// Nothing when the time was over before the head of the journal was reached.
Result<std::optional<std::vector<RecordedEvent>>>
read_events(Connection& connection, msg::Watch watch, WallTime until) {
    const auto left = [&] { return std::max(until - wall_now(), Duration{}); };
    Watcher watcher(connection, std::move(watch));
    if (auto opened = watcher.open(left()); !opened) {
        if (opened.error().code == ErrorCode::Unreachable) return std::nullopt;
        return tl::unexpected(opened.error());
    }
    std::deque<RecordedEvent> last;
    while (true) {
        auto next = watcher.next(left());
        if (!next) return tl::unexpected(next.error());
        if (const auto* end = std::get_if<Watcher::End>(&*next)) {
            if (*end != Watcher::End::Last) return std::nullopt;
            return std::vector<RecordedEvent>(last.rbegin(), last.rend());
        }
        const auto* item = std::get_if<msg::WatchItem>(&std::get<Watcher::Item>(*next));
        if (item == nullptr) continue;
        auto event = schema::decode_event(view(item->event));
        if (!event || !is_telling(*event)) continue;
        last.push_back({item->cursor, item->recorded, std::move(*event)});
        if (last.size() > shown_events) last.pop_front();
    }
}

Result<std::vector<RecordedEvent>> last_events(Session& session, const VmId& vm) {
    auto connection = session.broker();
    if (!connection) return tl::unexpected(connection.error());
    const auto begun = wall_now();
    msg::Watch watch{.filters = {{.field = "vm", .values = {vm.to_string()}}},
                     .from = msg::WatchFrom::Time,
                     .stop_at_head = true};
    std::vector<RecordedEvent> found;
    for (std::size_t i = 0; i <= spans.size() && found.size() < shown_events; ++i) {
        watch.from = i < spans.size() ? msg::WatchFrom::Time : msg::WatchFrom::Beginning;
        if (i < spans.size()) watch.time = begun - spans[i];
        auto events = read_events(**connection, watch, begun + answer_patience);
        if (!events) return tl::unexpected(events.error());
        if (!*events) break;
        found = std::move(**events);
    }
    return found;
}

} // namespace

Result<VmSurroundings> surroundings_of(Session& session, const VmDetail& detail) {
    auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers});
    if (!workers) return tl::unexpected(workers.error());
    VmSurroundings out;
    auto carriers = carriers_of(session, detail.row, *workers);
    if (!carriers) return tl::unexpected(carriers.error());
    out.carriers = std::move(*carriers);
    for (const auto& worker : *workers) {
        if (is_carried_by(worker, detail.row.vm)) out.carries.push_back(worker.name);
    }
    auto events = last_events(session, detail.row.vm);
    if (!events) return tl::unexpected(events.error());
    out.events = std::move(*events);
    return out;
}

} // namespace ctys::tools
