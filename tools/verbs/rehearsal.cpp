#include "tools/verbs/rehearsal.h"

#include "mesh/core/text.h"
#include "tools/client/sum_up.h"

#include <algorithm>

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
    const auto deadline = action.deadline ? action.deadline : detail.vm.grace;
    if (!deadline && !action.always_cut) return "; power is not cut, however long it takes";
    return fmt::format("; power is cut after {}",
                       to_short_text(deadline.value_or(std::chrono::seconds{20})));
}

} // namespace

std::string rehearsal_of(const msg::Submit& order, const VmDetail& detail) {
    const auto& row = detail.row;
    const bool starts = order.action.verb == Verb::Start;
    const bool lives = is_live(row.state);
    const auto place = row.worker_name.empty() ? std::string{} : " on " + row.worker_name;
    auto text = fmt::format("{} {} (u:{}), {}{}: ",
                            to_string(order.action.verb),
                            row.label,
                            row.vm,
                            to_string(row.state),
                            place);
    if (starts && !lives) {
        text += fmt::format("would start {}", places_of(order, detail));
    } else if (starts) {
        text += order.action.if_running == IfRunning::Refuse ? "would be refused, as it runs"
                                                             : "would be left as it is";
    } else if (!lives) {
        text += "would be refused, as it does not run";
    } else {
        text += fmt::format("would be asked{}{}", place, deadline_of(order, detail));
    }
    return text;
}

Status rehearse(Session& session, const std::vector<msg::Submit>& orders) {
    fmt::memory_buffer out;
    std::vector<FailedTarget> failures;
    for (const auto& order : orders) {
        auto vm = session.vm_at(order.action.target);
        if (!vm) {
            failures.push_back({order.action.target, vm.error()});
            continue;
        }
        const auto text = rehearsal_of(order, *vm);
        if (is_for_people(session.format()) || session.format() == Format::Name) {
            fmt::format_to(std::back_inserter(out), "{}. Nothing done.\n", printable(text));
            continue;
        }
        JsonWriter json(out);
        json.begin_object();
        json.member("verb", to_string(order.action.verb));
        json.member("label", vm->row.label);
        json.member("vm", vm->row.vm);
        json.member_or_null("worker", order.on.empty() ? vm->row.worker_name : order.on);
        json.member("would", text);
        json.end_object();
        out.push_back('\n');
    }
    if (auto printed = session.print(out); !printed) return printed;
    return sum_up(failures, orders.size());
}

} // namespace ctys::tools
