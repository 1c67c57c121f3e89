#include "tools/verbs/legacy_call.h"

#include "mesh/core/text.h"
#include "mesh/setup/process.h"
#include "tools/legacy/hosts.h"
#include "tools/legacy/table.h"
#include "tools/output/vm_rows.h"
#include "tools/output/worker_rows.h"
#include "tools/verbs/confirm.h"
#include "tools/verbs/order.h"
#include "tools/verbs/planning.h"
#include "tools/verbs/rehearsal.h"

#include <algorithm>
#include <set>

namespace ctys::tools {

namespace {

constexpr Duration default_patience = std::chrono::seconds{180};

/// A HOST of the line with the worker it means.
struct Place {
    legacy::Target target;
    WorkerRecord worker;
    std::string handle; ///< what names the worker to the broker
};

/// Each worker once, however often the line names it: nobody is asked for the same thing twice.
Result<std::vector<Place>> places_of(Session& session, const legacy::CommandLine& line) {
    std::vector<Place> places;
    if (line.targets.empty()) return places;
    const auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers});
    if (!workers) return tl::unexpected(workers.error());
    legacy::OwnMachine own;
    if (const auto facts = setup::read_machine_facts())
        own = {.boot = facts->boot, .host = facts->host_name};
    for (const auto& target : line.targets) {
        const auto worker = legacy::require_host(*workers, target.host, own);
        if (!worker) return tl::unexpected(worker.error());
        const auto known = std::find_if(places.begin(), places.end(), [&](const Place& place) {
            return place.worker.id == (*worker)->id;
        });
        if (known != places.end()) {
            known->target.sync = known->target.sync || target.sync;
            continue;
        }
        places.push_back({.target = target,
                          .worker = **worker,
                          .handle = legacy::handle_of(**worker, *workers)});
    }
    return places;
}

bool lies_below(const VmRow& row, const std::vector<std::string>& bases) {
    return bases.empty() || std::any_of(bases.begin(), bases.end(), [&](std::string base) {
               if (base.back() != '/') base += '/';
               return row.config.starts_with(base);
           });
}

Status print_vms(Session& session, std::vector<VmRow> rows, legacy::Columns columns, bool title) {
    sort_for_people(rows);
    if (!is_for_people(session.format())) return session.print_rows(rows, vm_listing());
    fmt::memory_buffer out;
    if (columns == legacy::Columns::Machine) {
        legacy::render_machine(out, rows, title);
    } else {
        legacy::render_tab_tcp(out, rows);
    }
    return session.print(out);
}

msg::Submit
order_for(const Address& address, const std::string& user, const Place& place, Session& session) {
    msg::Submit order{.yes = session.globals().yes};
    tell_place(order);
    order.action.id = session.new_action_id();
    order.action.target = address.to_string();
    order.action.user = !user.empty() ? user : place.target.user;
    order.on = place.handle;
    return order;
}

// In an address a comma ends a base and a percent sign divides two: such bases are looked for here,
// in the path that a list shows.
bool can_be_asked(const std::vector<std::string>& bases) {
    return std::all_of(bases.begin(), bases.end(), [](const std::string& base) {
        return base.find_first_of(",%") == std::string::npos;
    });
}

/// What is stored on the worker, or anywhere where none is named.
Result<std::vector<VmRow>>
stored_at(Session& session, const std::vector<std::string>& bases, const WorkerRecord* worker) {
    const bool asked = can_be_asked(bases);
    Address address;
    if (asked) address.bases = bases;
    if (worker != nullptr) address.worker = worker->id.to_string();
    auto rows = session.rows_of<VmRow>({.table = Table::Vms,
                                        .address = address.to_string(),
                                        .names = session.format() == Format::Name});
    if (!rows) return rows;
    std::erase_if(*rows, [&](const VmRow& row) {
        return row.paths == 0 || (!asked && !lies_below(row, bases));
    });
    return rows;
}

/// One function per action of the original.
struct Call {
    Session& session;
    const legacy::CommandLine& line;
    const std::vector<Place>& places; ///< empty: wherever

    Status operator()(const legacy::ListRequest& request) const {
        Query query{.table = Table::Vms, .names = session.format() == Format::Name};
        if (!places.empty()) {
            query.filters.push_back({.field = "worker", .values = {}});
            for (const auto& place : places)
                query.filters[0].values.push_back(place.worker.id.to_string());
        }
        auto rows = session.rows_of<VmRow>(query);
        if (!rows) return tl::unexpected(rows.error());
        std::erase_if(*rows, [](const VmRow& row) { return !is_live(row); });
        return print_vms(session, std::move(*rows), request.columns, request.title);
    }

    Status operator()(const legacy::EnumerateRequest& request) const {
        std::vector<VmRow> all;
        std::set<VmId> known;
        for (std::size_t i = 0; i < std::max<std::size_t>(places.size(), 1); ++i) {
            const auto* worker = places.empty() ? nullptr : &places[i].worker;
            auto rows = stored_at(session, request.bases, worker);
            if (!rows) return tl::unexpected(rows.error());
            for (auto& row : *rows) {
                if (known.insert(row.vm).second) all.push_back(std::move(row));
            }
        }
        return print_vms(session, std::move(all), request.columns, request.title);
    }

    Status operator()(const legacy::InfoRequest&) const {
        std::vector<WorkerRecord> named;
        for (const auto& place : places)
            named.push_back(place.worker);
        auto workers = places.empty() ? session.rows_of<WorkerRecord>({.table = Table::Workers})
                                      : Result<std::vector<WorkerRecord>>{std::move(named)};
        if (!workers) return tl::unexpected(workers.error());
        if (workers->empty())
            return fail(ErrorCode::NotFound, "no worker has reported yet", "ctys workers");
        if (!is_for_people(session.format())) return session.print_rows(*workers, worker_listing());
        fmt::memory_buffer out;
        for (const auto& worker : *workers)
            render_worker(out, worker, session.view());
        return session.print(out);
    }

    Status operator()(const legacy::CreateRequest& request) const {
        if (!request.console.empty()) {
            session.remark(fmt::format("console:{}: the VM is prepared for it, nothing is opened "
                                       "here; ctys console attaches this terminal",
                                       request.console));
        }
        return submit([&](const Place& place) {
            auto order = order_for(request.address, request.user, place, session);
            order.action.verb = request.resume ? Verb::Resume : Verb::Start;
            order.action.if_running = request.if_running;
            order.action.options = request.options;
            return order;
        });
    }

    // The original's delay is the time until power is cut, whatever the configuration says.
    Status operator()(const legacy::CancelRequest& request) const {
        if (request.all && places.empty()) {
            return fail(ErrorCode::Usage,
                        "ALL means every VM on a HOST, and none is named",
                        "ctys -a cancel=all HOST");
        }
        return submit([&](const Place& place) {
            auto order = order_for(request.address, request.user, place, session);
            if (request.all) {
                // A script that says ALL in this language has said it; a person is asked below.
                order.action.target = fmt::format("w:{}", place.worker.id);
                order.action.self = request.self;
                order.on.clear();
                order.yes = true;
            }
            order.action.verb = request.verb;
            order.action.run_level = request.run_level;
            order.action.deadline = request.deadline;
            order.action.always_cut = request.always_cut;
            order.action.force = request.force;
            return order;
        });
    }

private:
    template <typename Make>
    Status submit(Make make) const {
        std::vector<msg::Submit> orders;
        bool sync = line.sync;
        for (const auto& place : places) {
            orders.push_back(make(place));
            sync = sync || place.target.sync;
        }
        if (orders.empty()) orders.push_back(make(Place{}));
        if (line.dry_run) return rehearse(session, orders);
        for (const auto& order : orders) {
            if (!means_many(order.action.target) || !has_terminal()) continue;
            if (auto agreed = agree_to_plan(session, order); !agreed) return agreed;
        }
        return carry_out(
            session, std::move(orders), sync ? Waiting::Outcome : Waiting::None, default_patience);
    }
};

} // namespace

Status run_legacy(Session& session, const legacy::CommandLine& line) {
    const auto places = places_of(session, line);
    if (!places) return tl::unexpected(places.error());
    return std::visit(Call{session, line, *places}, line.what);
}

} // namespace ctys::tools
