#include "tools/verbs/legacy_call.h"

#include "mesh/core/text.h"
#include "tools/legacy/table.h"
#include "tools/output/vm_rows.h"
#include "tools/output/worker_rows.h"
#include "tools/verbs/order.h"
#include "tools/verbs/rehearsal.h"
#include "tools/verbs/surroundings.h"

#include <algorithm>
#include <array>
#include <unistd.h>

namespace ctys::tools {

namespace {

constexpr Duration default_patience = std::chrono::seconds{180};

std::string worker_named(const std::string& host) {
    if (host != "localhost" && host != "127.0.0.1") return host;
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return host;
    return name.data();
}

std::vector<Filter> workers_of(const legacy::CommandLine& line) {
    if (line.targets.empty()) return {};
    Filter filter{.field = "worker", .values = {}};
    for (const auto& target : line.targets)
        filter.values.push_back(worker_named(target.host));
    return {filter};
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

msg::Submit order_for(const Address& address,
                      const std::string& user,
                      const legacy::Target& target,
                      Session& session) {
    msg::Submit order;
    order.action.id = session.new_action_id();
    order.action.target = address.to_string();
    order.action.user = !user.empty() ? user : target.user;
    if (!target.host.empty()) order.on = worker_named(target.host);
    return order;
}

/// One function per action of the original.
struct Call {
    Session& session;
    const legacy::CommandLine& line;

    Status operator()(const legacy::ListRequest& request) const {
        auto rows = session.rows_of<VmRow>({.table = Table::Vms,
                                            .filters = workers_of(line),
                                            .names = session.format() == Format::Name});
        if (!rows) return tl::unexpected(rows.error());
        std::erase_if(*rows, [](const VmRow& row) { return !is_live(row.state); });
        return print_vms(session, std::move(*rows), request.columns, request.title);
    }

    Status operator()(const legacy::EnumerateRequest& request) const {
        auto rows = session.rows_of<VmRow>(
            {.table = Table::Vms, .names = session.format() == Format::Name});
        if (!rows) return tl::unexpected(rows.error());
        std::erase_if(*rows, [&](const VmRow& row) {
            return row.paths == 0 || !lies_below(row, request.bases);
        });
        return print_vms(session, std::move(*rows), request.columns, request.title);
    }

    Status operator()(const legacy::InfoRequest&) const {
        auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers});
        if (!workers) return tl::unexpected(workers.error());
        const auto filters = workers_of(line);
        std::erase_if(*workers, [&](const WorkerRecord& worker) {
            return !filters.empty() &&
                   std::find(filters[0].values.begin(), filters[0].values.end(), worker.name) ==
                       filters[0].values.end();
        });
        if (workers->empty()) {
            return fail(ErrorCode::NotFound,
                        line.targets.empty() ? "no worker has reported yet"
                                             : "no worker has this name",
                        "ctys workers");
        }
        if (!is_for_people(session.format())) return session.print_rows(*workers, worker_listing());
        fmt::memory_buffer out;
        for (const auto& worker : *workers)
            render_worker(out, worker, session.view());
        return session.print(out);
    }

    Status operator()(const legacy::CreateRequest& request) const {
        return submit([&](const legacy::Target& target) {
            auto order = order_for(request.address, request.user, target, session);
            order.action.verb = Verb::Start;
            order.action.if_running = request.if_running;
            return order;
        });
    }

    // The original's delay is the time until power is cut, whatever the configuration says.
    Status operator()(const legacy::CancelRequest& request) const {
        if (request.stack) {
            if (auto carries = check_carries_none(request.address); !carries) return carries;
        }
        return submit([&](const legacy::Target& target) {
            auto order = order_for(request.address, request.user, target, session);
            order.action.verb = request.verb;
            order.action.deadline = request.deadline;
            order.action.always_cut = request.always_cut;
            order.action.force = request.force;
            return order;
        });
    }

private:
    /// STACK asks for what lies in the VM to end first, which is not built: nothing to say where
    /// nothing lies in it.
    [[nodiscard]] Status check_carries_none(const Address& address) const {
        auto vm = session.vm_at(address.to_string());
        if (!vm) return tl::unexpected(vm.error());
        auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers});
        if (!workers) return tl::unexpected(workers.error());
        for (const auto& worker : *workers) {
            if (!is_carried_by(worker, vm->row.vm)) continue;
            return fail(ErrorCode::Unsupported,
                        fmt::format("{} carries the worker {}, and STACK is not built yet: stop "
                                    "what runs on {} first, then leave STACK out",
                                    vm->row.label,
                                    worker.name,
                                    worker.name),
                        "ctys list --filter worker=" + worker.name);
        }
        return {};
    }

    template <typename Make>
    Status submit(Make make) const {
        std::vector<msg::Submit> orders;
        bool sync = line.sync;
        for (const auto& target : line.targets) {
            orders.push_back(make(target));
            sync = sync || target.sync;
        }
        if (orders.empty()) orders.push_back(make(legacy::Target{}));
        if (line.dry_run) return rehearse(session, orders);
        return carry_out(
            session, std::move(orders), sync ? Waiting::Outcome : Waiting::None, default_patience);
    }
};

} // namespace

Status run_legacy(Session& session, const legacy::CommandLine& line) {
    return std::visit(Call{session, line}, line.what);
}

} // namespace ctys::tools
