#include "tools/verbs/rehearsal.h"

#include "mesh/core/address.h"
#include "mesh/core/text.h"
#include "tools/client/sum_up.h"

#include <algorithm>
#include <optional>

namespace ctys::tools {

namespace {

/// Workers that could run it, as far as the inventory tells; the broker chooses among them.
std::string places_of(const msg::Submit& order, const VmDetail& detail) {
    if (!order.on.empty()) return "on " + order.on;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < detail.paths.size() && i < detail.path_workers.size(); ++i) {
        const auto& path = detail.paths[i];
        const bool fits =
            path.runnable && (path.health == PathHealth::Good || path.health == PathHealth::Stale);
        if (fits && std::find(names.begin(), names.end(), detail.path_workers[i]) == names.end())
            names.push_back(detail.path_workers[i]);
    }
    if (names.empty()) return "but no path can run it now";
    return fmt::format("on {}", fmt::join(names, " or "));
}

/// When power would be cut, of a shutdown.
std::string deadline_of(const msg::Submit& order, const VmDetail& detail) {
    const auto& action = order.action;
    if (action.verb != Verb::Shutdown) return {};
    if (action.run_level) return "; power is not cut, however long it takes";
    const auto deadline = action.deadline ? action.deadline : detail.vm.grace;
    if (!deadline && !action.always_cut) return "; power is not cut, however long it takes";
    return fmt::format("; power is cut after {}",
                       to_short_text(deadline.value_or(std::chrono::seconds{20})));
}

/// Only a guest whose CPUs run hears of it (its agent: check_hearing).
bool needs_ears(const Action& action) {
    return (action.verb == Verb::Shutdown || action.verb == Verb::Reboot) && !action.always_cut;
}

/// The worker that an order for what runs names, by HOST or by the w: of its address.
/// Errors: NotFound, as the broker would say.
Result<std::optional<WorkerRecord>> place_named_by(Session& session, const msg::Submit& order) {
    if (order.action.verb == Verb::Start) return std::nullopt;
    auto name = order.on;
    if (const auto address = Address::parse(order.action.target); address && name.empty())
        name = address->worker.value_or("");
    if (name.empty()) return std::nullopt;
    auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers});
    if (!workers) return tl::unexpected(workers.error());
    for (const auto by : {+[](const WorkerRecord& w) { return w.id.to_string(); },
                          +[](const WorkerRecord& w) { return w.name; },
                          +[](const WorkerRecord& w) { return w.host; }}) {
        for (auto& worker : *workers) {
            if (by(worker) == name) return std::move(worker);
        }
    }
    return fail(ErrorCode::NotFound,
                fmt::format("no worker is called {}", printable(name, 80)),
                "ctys workers");
}

bool runs_on(const WorkerRecord& place, const VmDetail& detail) {
    return std::any_of(
        detail.instances.begin(), detail.instances.end(), [&](const InstanceRecord& instance) {
            return instance.worker == place.id && is_live(instance.state);
        });
}

Result<VmDetail> vm_on(Session& session, const msg::Submit& order, const WorkerRecord* place) {
    const auto& target = order.action.target;
    if (place == nullptr) return session.vm_at(target);
    auto running = session.rows_of<VmRow>(
        {.table = Table::Vms,
         .address = target,
         .filters = {{.field = "worker", .values = {place->id.to_string()}}}});
    if (running && running->size() == 1 && is_live(running->front()))
        return session.vm_at(fmt::format("u:{}", running->front().vm));
    return session.vm_at(target);
}

} // namespace

std::string
rehearsal_of(const msg::Submit& order, const VmDetail& detail, const WorkerRecord* named_place) {
    const auto& row = detail.row;
    const bool lives = is_live(row);
    const bool wakes = order.action.verb == Verb::Resume && is_suspended_to_disk(row);
    const bool starts = order.action.verb == Verb::Start || wakes;
    const bool is_there = named_place != nullptr && runs_on(*named_place, detail);
    const auto& worker = is_there ? named_place->name : row.worker_name;
    const auto place = worker.empty() ? std::string{} : " on " + worker;
    auto text = fmt::format("{} {} (u:{}), {}{}: ",
                            to_string(order.action.verb),
                            row.label,
                            row.vm,
                            to_string(row.state),
                            place);
    if (starts && !lives) {
        text += fmt::format("would start {}", places_of(order, detail));
        if (is_suspended_to_disk(row)) {
            text +=
                order.action.discard_state ? ", without its saved state" : ", from its saved state";
        }
    } else if (starts) {
        text += order.action.if_running == IfRunning::Refuse ? "would be refused, as it runs"
                                                             : "would be left as it is";
    } else if (!lives) {
        text += "would be refused, as it does not run";
    } else if (named_place != nullptr && !is_there) {
        text += fmt::format(
            "would be refused, as it runs on {}, not on {}", row.worker_name, named_place->name);
    } else if (row.state == VmState::Paused && needs_ears(order.action)) {
        text += "would be refused, as it is paused: its guest hears no power button";
    } else {
        text += fmt::format("would be asked{}{}", place, deadline_of(order, detail));
    }
    return text;
}

Status rehearse(Session& session, const std::vector<msg::Submit>& orders) {
    fmt::memory_buffer out;
    std::vector<FailedTarget> failures;
    for (const auto& order : orders) {
        const auto named = place_named_by(session, order);
        if (!named) return tl::unexpected(named.error());
        const auto* place = *named ? &**named : nullptr;
        auto vm = vm_on(session, order, place);
        if (!vm) {
            failures.push_back({order.action.target, vm.error()});
            continue;
        }
        const auto text = rehearsal_of(order, *vm, place);
        if (is_for_people(session.format()) || session.format() == Format::Name) {
            fmt::format_to(std::back_inserter(out), "{}. Nothing done.\n", printable(text));
            continue;
        }
        JsonWriter json(out);
        json.begin_object();
        json.member("verb", to_string(order.action.verb));
        json.member("label", vm->row.label);
        json.member("vm", vm->row.vm);
        const auto& asked = place != nullptr ? place->name : order.on;
        json.member_or_null("worker", asked.empty() ? vm->row.worker_name : asked);
        json.member("would", text);
        json.end_object();
        out.push_back('\n');
    }
    if (auto printed = session.print(out); !printed) return printed;
    return sum_up(failures, orders.size());
}

} // namespace ctys::tools
