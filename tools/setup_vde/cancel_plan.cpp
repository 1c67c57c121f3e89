#include "tools/setup_vde/network_plan.h"

#include <fmt/format.h>

namespace ctys::vde {

namespace {

Status check_switch(const Request& request, const Observed& machine) {
    const auto& one = machine.vde;
    const auto& name = machine.account.name;
    if (one.state == SwitchState::Strange) return fail(ErrorCode::Conflict, one.why);
    if (one.state == SwitchState::Hung && !request.force) {
        return fail(
            ErrorCode::Conflict, one.why, fmt::format("ctys-setupVDE -f -u {} cancel", name));
    }
    const auto clients = one.clients();
    if (clients.empty() || request.force) return {};
    return fail(
        ErrorCode::Conflict,
        clients.size() == 1
            ? fmt::format("a VM is attached to the switch of {}", name)
            : fmt::format("{} are attached to the switch of {}", clients.size(), name),
        fmt::format("ctys-setupVDE --last -u {0} cancel   (with the last of them), or -f", name),
        clients);
}

// Where the TAP is, or where a create that was killed would have put it.
const Link* bridge_of(const Request& request, const Link* tap, const Observed& machine) {
    if (tap != nullptr && !tap->master.empty()) return machine.find(tap->master);
    const auto* left = machine.find(request.bridge.empty() ? own_bridge : request.bridge);
    return left != nullptr && left->is_ours() ? left : nullptr;
}

} // namespace

Result<Plan> decide_cancel(const Request& request, const Observed& machine) {
    auto missing = missing_rights(request, machine, "taken away");
    // Who stays behind for the last VM has to be root then.
    if (request.with_last && !missing.empty() && !machine.vde.clients().empty())
        return tl::unexpected(std::move(missing.front()));
    if (auto fine = check_switch(request, machine); !fine) return tl::unexpected(fine.error());
    const auto name = tap_of(machine.account);
    const auto* tap = machine.find(name);
    // The TAP of a switch that is somewhere else stays with it.
    if (tap != nullptr && paths_of_alias(tap->alias) != machine.paths) tap = nullptr;
    const auto* bridge = bridge_of(request, tap, machine);

    Plan network;
    const auto going = tap == nullptr ? std::string{} : name;
    if (bridge != nullptr) remove_bridge(network, *bridge, going, machine);
    if (!network.steps.empty() && uplink_of(*bridge, machine) != nullptr) {
        if (auto fine = check_connection(request, *bridge, machine); !fine)
            return tl::unexpected(fine.error());
    }

    Plan plan{.notes = std::move(network.notes)};
    const auto state = machine.vde.state;
    if (state == SwitchState::Answers || state == SwitchState::Hung)
        plan.steps.push_back({"end the switch", EndSwitch{.kills = request.force}});
    // A switch that was killed leaves its files.
    if (state == SwitchState::Dead || state == SwitchState::Hung)
        plan.steps.push_back({"take away the files of the switch", RemoveFiles{}});
    if (tap != nullptr) {
        plan.steps.push_back({"take away the TAP " + name, ip({"link", "delete", "dev", name})});
    }
    plan.steps.insert(plan.steps.end(), network.steps.begin(), network.steps.end());
    if (plan.steps.empty()) {
        plan.notes.insert(plan.notes.begin(),
                          fmt::format("there is nothing of {} to take away", machine.account.name));
        return plan;
    }
    plan.missing = std::move(missing);
    return plan_or_lack(std::move(plan), request);
}

} // namespace ctys::vde
