#include "broker/core/queries.h"

#include "broker/core/rows.h"
#include "mesh/core/row_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace ctys::broker {

namespace {

Result<std::vector<Row>> vm_detail(Turn& turn, const Sources& sources, const Query& query) {
    auto address = Address::parse(query.address);
    if (!address) return tl::unexpected(address.error());
    const auto worker = sources.roster.require_worker(address->worker);
    if (!worker) return tl::unexpected(worker.error());
    const auto found = find_vms(sources.inventory, *address, *worker, 16);
    if (found.empty())
        return fail(ErrorCode::NotFound, "no VM matches this address", "ctys list --all");
    if (found.size() > 1) {
        std::vector<std::string> candidates;
        candidates.reserve(found.size());
        for (const auto& vm : found) {
            candidates.push_back(fmt::format("u:{} {}", vm->id, vm->label));
        }
        return fail(ErrorCode::Ambiguous,
                    fmt::format("{} VMs match this address", found.size()),
                    fmt::format("ctys show u:{}", found.front()->id),
                    std::move(candidates));
    }
    const auto whole = sources.inventory.vm(found.front()->id);
    if (!whole) return fail(ErrorCode::NotFound, "no VM matches this address", "ctys list --all");
    const auto& vm = *whole;
    auto detail = make_detail({.vm = vm,
                               .paths = sources.inventory.paths(vm.id),
                               .instances = sources.inventory.instances(vm.id)},
                              sources.leases.find(vm.id),
                              sources.roster,
                              turn.now());
    detail.row.label_unique = !vm.label.empty() && sources.inventory.by_label(vm.label).size() == 1;
    return std::vector<Row>{std::move(detail)};
}

StatusRow status(const Sources& sources) {
    auto row = sources.status;
    const auto [oldest, newest] = sources.journal.range();
    row.head = Cursor{sources.head.epoch, newest};
    row.horizon = Cursor{sources.head.epoch, oldest};
    const auto& counts = sources.index.counts();
    row.vms = counts.vms;
    row.running = counts.running;
    row.conflicts = counts.conflicts;
    for (const auto& [id, member] : sources.roster.members()) {
        ++row.workers;
        if (member.record.state == WorkerState::Alive) ++row.workers_alive;
    }
    row.actions_open = sources.dispatcher.open_count();
    row.watches = sources.watches.count();
    return row;
}

/// Bytes of texts in a row, which are what can make it large.
std::size_t weight(const VmRow& row) {
    std::size_t sum = 512 + row.config.size() + row.executable.size() + row.console.size() +
                      row.note.size() + row.reason.size();
    for (const auto* texts : {&row.remarks, &row.start_after}) {
        for (const auto& text : *texts) {
            sum += 16 + text.size();
        }
    }
    return sum;
}

std::size_t weight(const WorkerRecord& worker) {
    std::size_t sum = 1024;
    for (const auto& pool : worker.pools) {
        sum += 128 + pool.root.size() + pool.reason.size();
    }
    for (const auto* texts : {&worker.binaries, &worker.blind_spots}) {
        for (const auto& text : *texts) {
            sum += 16 + text.size();
        }
    }
    sum += worker.equipment.cpu_flags.size();
    for (const auto& one : worker.equipment.emulators) {
        sum += 512 + one.path.size() + one.machines.size() + one.cpus.size() + one.problem.size();
    }
    for (const auto& one : worker.equipment.requisites) {
        sum += 64 + one.fact.size();
    }
    return sum;
}

std::size_t weight(const ActionRecord& record) {
    auto sum = 512 + record.action.target.size() + record.action.reason.size() +
               record.action.config.size() + record.progress.size();
    if (!record.outcome) return sum;
    sum += record.outcome->text.size();
    if (!record.outcome->error) return sum;
    sum += record.outcome->error->message.size() + record.outcome->error->try_next.size();
    for (const auto& line : record.outcome->error->evidence) {
        sum += 16 + line.size();
    }
    return sum;
}

std::size_t weight(const WatchRow& row) {
    std::size_t sum = 256;
    for (const auto& filter : row.filters) {
        for (const auto& value : filter.values) {
            sum += 32 + value.size();
        }
    }
    return sum;
}

} // namespace

struct Queries::Page {
    std::size_t room = 0;
    std::vector<Row> rows;
    std::size_t bytes = 0;
    std::size_t looked = 0;
    std::unordered_map<std::string, bool> unique; ///< labels that were looked up

    /// Looking costs time too: a filter that accepts nothing must not hold up the loop.
    [[nodiscard]] bool is_full() const {
        return rows.size() >= room || bytes >= bytes_per_message || looked >= 4 * rows_per_message;
    }
    /// Of many VMs with one label only the first costs a look-up.
    bool is_unique(const std::string& label, const InventoryView& inventory) {
        if (label.empty()) return false;
        const auto [known, is_new] = unique.try_emplace(label, false);
        if (is_new) known->second = inventory.by_label(label).size() == 1;
        return known->second;
    }
    template <typename R>
    void add(R row) {
        bytes += weight(row);
        rows.emplace_back(std::move(row));
    }
};

void Queries::open(Turn& turn,
                   const Sources& sources,
                   const PeerId& peer,
                   std::uint64_t correlation,
                   const Principal& principal,
                   const msg::Ask& ask) {
    const auto refuse = [&](Error error) {
        turn.send(peer, correlation, msg::Failure{std::move(error)});
    };
    const auto need = ask.query.table == Table::Watches ? Permission::Audit : Permission::Query;
    if (auto allowed = check_permission(principal, need); !allowed) return refuse(allowed.error());
    const Cursor at{sources.head.epoch, sources.journal.range().second};
    if (ask.query.table == Table::Vm || ask.query.table == Table::Broker) {
        auto rows = ask.query.table == Table::Vm
                        ? vm_detail(turn, sources, ask.query)
                        : Result<std::vector<Row>>{std::vector<Row>{status(sources)}};
        if (!rows) return refuse(rows.error());
        return turn.send(
            peer, correlation, msg::Rows{.at = at, .rows = std::move(*rows), .last = true});
    }
    if (ask.query.table == Table::Plan) {
        const auto id = ActionId::parse(ask.query.address);
        if (!id) return refuse(id.error());
        auto rows = sources.plans.rows(*id, turn.now().instant);
        if (rows.empty()) {
            return refuse(Error{.code = ErrorCode::NotFound,
                                .message = "it was no plan, or is not kept any more"});
        }
        return send_rows(turn, peer, correlation, at, std::move(rows));
    }
    if (ask.query.table == Table::Vms) {
        if (auto known = check_row_filters(ask.query.filters); !known) return refuse(known.error());
    }
    if (streams_.size() >= most) {
        return refuse(Error{.code = ErrorCode::Overloaded, .message = "too many queries at once"});
    }
    Stream stream{.query = ask.query,
                  .at = at,
                  .credit = std::min(ask.credit, most_credit),
                  .heard = turn.now().instant};
    if (ask.query.table == Table::Vms && !ask.query.address.empty()) {
        auto address = Address::parse(ask.query.address);
        if (!address) return refuse(address.error());
        const auto worker = sources.roster.require_worker(address->worker);
        if (!worker) return refuse(worker.error());
        stream.worker = *worker;
        stream.address = std::move(*address);
    }
    const Key key{peer, correlation};
    streams_.erase(key);
    auto& opened = streams_.emplace(key, std::move(stream)).first->second;
    if (!advance(turn, sources, key, opened)) streams_.erase(key);
}

bool Queries::fill_vms(const Turn& turn, const Sources& sources, Stream& stream, Page& page) {
    if (page.is_full()) return false;
    const auto is_enough = [&] {
        return stream.query.limit != 0 && stream.given >= stream.query.limit;
    };
    const auto give = [&](Listed& listed) {
        if (stream.address && !matches(*stream.address, listed.vm, listed.paths)) return;
        if (stream.worker && !is_at(*stream.worker, listed.paths, listed.instances)) return;
        auto row = take_row(listed, sources.roster, turn.now());
        if (!is_listed(row, stream.query.all) || !accepts(stream.query.filters, row)) return;
        if (stream.query.names) row.label_unique = page.is_unique(row.label, sources.inventory);
        page.add(std::move(row));
        ++stream.given;
    };

    if (stream.address && (stream.address->label || stream.address->uuid)) {
        for (const auto& vm :
             find_vms(sources.inventory, *stream.address, stream.worker, rows_per_message)) {
            Listed listed{
                *vm, sources.inventory.paths(vm->id), sources.inventory.instances(vm->id)};
            give(listed);
            if (is_enough()) break;
        }
        return true;
    }
    page.rows.reserve(page.room);
    bool is_full = false;
    sources.inventory.each_listed(stream.after, [&](Listed& listed) {
        ++page.looked;
        stream.after = listed.vm.id;
        give(listed);
        if (is_enough()) return false;
        is_full = page.is_full(); // asked before the next one is read
        return !is_full;
    });
    return !is_full;
}

bool Queries::fill_workers(const Sources& sources, Stream& stream, Page& page) {
    const auto& members = sources.roster.members();
    const auto& wanted = stream.query.address;
    for (auto it = members.upper_bound(stream.after_worker); it != members.end(); ++it) {
        if (page.is_full()) return false;
        ++page.looked;
        const auto& record = it->second.record;
        stream.after_worker = record.id;
        if (wanted.empty() || record.name == wanted || record.id.to_string() == wanted)
            page.add(record);
    }
    return true;
}

bool Queries::fill_actions(const Sources& sources, Stream& stream, Page& page) {
    const auto& actions = sources.dispatcher.actions();
    const auto& wanted = stream.query.address;
    for (auto it = actions.upper_bound(stream.after_action); it != actions.end(); ++it) {
        if (page.is_full()) return false;
        ++page.looked;
        const auto& [id, record] = *it;
        stream.after_action = id;
        if (!wanted.empty() && !id.to_string().starts_with(wanted)) continue;
        if (wanted.empty() && !stream.query.all && record.state == ActionState::Ended) continue;
        page.add(record);
    }
    return true;
}

bool Queries::fill_watches(const Sources& sources, Stream& stream, Page& page) {
    for (auto& row : sources.watches.rows(sources.journal.range().second)) {
        if (row.id <= stream.after_watch) continue;
        if (page.is_full()) return false;
        ++page.looked;
        stream.after_watch = row.id;
        row.at.epoch = sources.head.epoch;
        page.add(std::move(row));
    }
    return true;
}

bool Queries::advance(Turn& turn, const Sources& sources, const Key& key, Stream& stream) {
    Page page{
        .room = std::min<std::size_t>(rows_per_message, stream.credit), .rows = {}, .unique = {}};
    bool ended = true;
    switch (stream.query.table) {
    case Table::Vms:
        ended = fill_vms(turn, sources, stream, page);
        break;
    case Table::Workers:
        ended = fill_workers(sources, stream, page);
        break;
    case Table::Actions:
        ended = fill_actions(sources, stream, page);
        break;
    case Table::Watches:
        ended = fill_watches(sources, stream, page);
        break;
    case Table::Vm:
    case Table::Broker:
    case Table::Plan:
        break; // one row, given when it is asked for
    }
    const auto given = static_cast<std::uint32_t>(page.rows.size());
    stream.credit -= std::min(stream.credit, given);
    const bool more = !ended && stream.credit > 0;
    if (ended || given > 0) {
        turn.send(key.first,
                  key.second,
                  msg::Rows{.at = stream.at, .rows = std::move(page.rows), .last = ended});
    }
    if (more) turn.again();
    return !ended;
}

bool Queries::add_credit(Turn& turn,
                         const Sources& sources,
                         const PeerId& peer,
                         std::uint64_t correlation,
                         std::uint32_t add) {
    const auto found = streams_.find({peer, correlation});
    if (found == streams_.end()) return false;
    found->second.heard = turn.now().instant;
    found->second.credit = std::min(most_credit, found->second.credit + std::min(add, most_credit));
    if (!advance(turn, sources, found->first, found->second)) streams_.erase(found);
    return true;
}

void Queries::close(const PeerId& peer, std::uint64_t correlation) {
    streams_.erase({peer, correlation});
}

void Queries::close_all(const PeerId& peer) {
    std::erase_if(streams_, [&](const auto& item) { return item.first.first == peer; });
}

void Queries::excuse(Duration gap, Instant now) {
    for (auto& [key, stream] : streams_) {
        stream.heard = std::min(now, stream.heard + gap);
    }
}

void Queries::on_tick(Turn& turn) {
    std::erase_if(streams_, [&](const auto& item) {
        return turn.now().instant - item.second.heard > silence;
    });
}

void Queries::pump(Turn& turn, const Sources& sources) {
    for (auto it = streams_.begin(); it != streams_.end();) {
        if (it->second.credit == 0) {
            ++it;
            continue;
        }
        it = advance(turn, sources, it->first, it->second) ? std::next(it) : streams_.erase(it);
    }
}

} // namespace ctys::broker
