#include "broker/core/queries.h"

#include "broker/core/rows.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::broker {

namespace {

Result<std::vector<Row>> vm_detail(Turn& turn, const Sources& sources, const Query& query) {
    auto address = Address::parse(query.address);
    if (!address) return tl::unexpected(address.error());
    const auto found = find_vms(sources.inventory, *address, 16);
    if (found.empty())
        return fail(ErrorCode::NotFound, "no VM matches this address", "ctys list --all");
    if (found.size() > 1) {
        std::vector<std::string> candidates;
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
    return std::vector<Row>{make_detail(vm,
                                        sources.inventory.paths(vm.id),
                                        sources.inventory.instances(vm.id),
                                        sources.leases.find(vm.id),
                                        sources.roster,
                                        turn.now())};
}

std::vector<Row> workers(const Sources& sources, const Query& query) {
    std::vector<Row> rows;
    for (const auto& [id, member] : sources.roster.members()) {
        const auto& record = member.record;
        if (!query.address.empty() && record.name != query.address &&
            id.to_string() != query.address)
            continue;
        rows.emplace_back(record);
    }
    return rows;
}

std::vector<Row> actions(const Sources& sources, const Query& query) {
    std::vector<Row> rows;
    for (const auto& [id, record] : sources.dispatcher.actions()) {
        if (!query.address.empty() && !id.to_string().starts_with(query.address)) continue;
        if (query.address.empty() && !query.all && record.state == ActionState::Ended) continue;
        rows.emplace_back(record);
    }
    return rows;
}

StatusRow status(const Sources& sources) {
    auto row = sources.status;
    const auto [oldest, newest] = sources.journal.range();
    row.head = Cursor{sources.head.epoch, newest};
    row.horizon = Cursor{sources.head.epoch, oldest};
    sources.inventory.each_listed(VmId{}, [&](const auto& vm, const auto&, const auto& instances) {
        const auto live = std::count_if(
            instances.begin(), instances.end(), [](const auto& i) { return is_live(i.state); });
        if (!vm.foreign || live > 0) ++row.vms;
        if (live > 0) ++row.running;
        if (live > 1) ++row.conflicts;
        return true;
    });
    for (const auto& [id, member] : sources.roster.members()) {
        ++row.workers;
        if (member.record.state == WorkerState::Alive) ++row.workers_alive;
    }
    row.actions_open = sources.dispatcher.open_count();
    row.watches = sources.watches.count();
    return row;
}

} // namespace

Result<std::vector<Row>> Queries::whole(Turn& turn, const Sources& sources, const Query& query) {
    switch (query.table) {
    case Table::Vms:
        break;
    case Table::Vm:
        return vm_detail(turn, sources, query);
    case Table::Workers:
        return workers(sources, query);
    case Table::Actions:
        return actions(sources, query);
    case Table::Watches: {
        std::vector<Row> rows;
        for (auto& row : sources.watches.rows(sources.journal.range().second)) {
            row.at.epoch = sources.head.epoch;
            rows.emplace_back(std::move(row));
        }
        return rows;
    }
    case Table::Broker:
        return std::vector<Row>{status(sources)};
    }
    return fail(ErrorCode::Unsupported, "this broker has no such table");
}

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
    if (ask.query.table != Table::Vms) {
        auto rows = whole(turn, sources, ask.query);
        if (!rows) return refuse(rows.error());
        return turn.send(
            peer, correlation, msg::Rows{.at = at, .rows = std::move(*rows), .last = true});
    }
    if (auto known = check_row_filters(ask.query.filters); !known) return refuse(known.error());
    if (streams_.size() >= most) {
        return refuse(Error{.code = ErrorCode::Overloaded, .message = "too many queries at once"});
    }
    Stream stream{.query = ask.query, .at = at, .credit = ask.credit, .heard = turn.now().instant};
    if (!ask.query.address.empty()) {
        auto address = Address::parse(ask.query.address);
        if (!address) return refuse(address.error());
        stream.address = std::move(*address);
    }
    const Key key{peer, correlation};
    streams_.erase(key);
    auto& opened = streams_.emplace(key, std::move(stream)).first->second;
    if (!advance(turn, sources, key, opened)) streams_.erase(key);
}

bool Queries::advance(Turn& turn, const Sources& sources, const Key& key, Stream& stream) {
    msg::Rows out{.at = stream.at};
    bool ended = true;
    std::size_t looked = 0;
    const auto consider = [&](const VmRecord& vm,
                              const std::vector<PathRecord>& paths,
                              const std::vector<InstanceRecord>& instances) {
        if (out.rows.size() >= std::min<std::size_t>(rows_per_message, stream.credit) ||
            looked == 4 * rows_per_message) {
            ended = false;
            return false;
        }
        ++looked;
        stream.after = vm.id;
        if (stream.address && !matches(*stream.address, vm, paths)) return true;
        auto row = make_row(vm, paths, instances, sources.roster, turn.now());
        if (!is_listed(row, stream.query.all) || !accepts(stream.query.filters, row)) return true;
        out.rows.emplace_back(std::move(row));
        ++stream.given;
        return stream.query.limit == 0 || stream.given < stream.query.limit;
    };
    if (stream.address && (stream.address->label || stream.address->uuid)) {
        for (const auto& vm : find_vms(sources.inventory, *stream.address, rows_per_message)) {
            const auto& id = vm->id;
            if (!consider(*vm, sources.inventory.paths(id), sources.inventory.instances(id))) break;
        }
        ended = true;
    } else {
        out.rows.reserve(std::min<std::size_t>(rows_per_message, stream.credit));
        sources.inventory.each_listed(stream.after, consider);
    }
    out.last = ended;
    stream.credit -=
        static_cast<std::uint32_t>(std::min<std::size_t>(stream.credit, out.rows.size()));
    const bool more = !ended && stream.credit > 0;
    if (ended || !out.rows.empty()) turn.send(key.first, key.second, std::move(out));
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
    found->second.credit += std::min<std::uint32_t>(add, 1U << 20U);
    if (!advance(turn, sources, found->first, found->second)) streams_.erase(found);
    return true;
}

void Queries::close(const PeerId& peer, std::uint64_t correlation) {
    streams_.erase({peer, correlation});
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
