#include "mesh/core/shell_quoted.h"
#include "mesh/core/text.h"
#include "tools/setup_vde/network_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::vde {

namespace {

std::vector<std::string> switch_words(const Request& request, const Observed& machine) {
    const auto& [data, management] = machine.paths;
    std::vector<std::string> words{
        "vde_switch", "-d", "-s", data, "-M", management, "-t", tap_of(machine.account)};
    if (request.group.empty()) {
        words.insert(words.end(), {"-m", "600"});
    } else {
        words.insert(words.end(), {"-g", request.group, "-m", "660", "--dirmode", "2770"});
    }
    // Never the group's: who manages a switch can make it load any library.
    words.insert(words.end(), {"--mgmtmode", "600"});
    return words;
}

// One of the same user that answers is used again, if it is what is asked for.
Result<Plan> reuse(const Request& request, const Observed& machine) {
    const auto tap = tap_of(machine.account);
    const auto& name = machine.account.name;
    const auto* link = machine.find(tap);
    const auto cancel = fmt::format("ctys-setupVDE -u {} cancel", name);
    if (link == nullptr || !machine.vde.carries(tap)) {
        return fail(ErrorCode::Conflict,
                    fmt::format("the switch of {} (pid {}) runs without its TAP {}",
                                name,
                                machine.vde.info.pid,
                                tap),
                    cancel);
    }
    if (!request.uplink.empty() && request.uplink != "none") {
        if (auto found = find_uplink(request, machine); !found)
            return tl::unexpected(found.error());
    }
    const auto* bridge = machine.find(request.bridge);
    const bool other_bridge = !request.bridge.empty() && link->master != request.bridge;
    const auto* uplink = machine.find(request.uplink);
    const bool other_uplink =
        uplink != nullptr && (uplink->master.empty() || uplink->master != link->master);
    if (other_bridge || other_uplink) {
        return fail(ErrorCode::Conflict,
                    fmt::format("the switch of {} is there already, on {}, not on {}",
                                name,
                                link->master.empty() ? "no bridge" : link->master,
                                other_bridge ? (bridge == nullptr ? request.bridge : bridge->name)
                                             : "the bridge of " + uplink->name),
                    cancel);
    }
    Plan plan;
    plan.notes.push_back(fmt::format(
        "the switch of {} answers already (pid {}): it is used", name, machine.vde.info.pid));
    if (request.with_last) plan.missing = missing_rights(request, machine, "taken away");
    return plan_or_lack(std::move(plan), request);
}

Error missing_packages(const std::vector<std::string>& packages) {
    return {.code = ErrorCode::Unsupported,
            .message =
                fmt::format("programs of {} are not installed", fmt::join(packages, " and ")),
            .try_next = fmt::format("apt install {}", fmt::join(packages, " "))};
}

// Without it nothing is known of the network.
Status check_ip(const Observed& machine) {
    const auto& packages = machine.missing_packages;
    if (std::find(packages.begin(), packages.end(), "iproute2") == packages.end()) return {};
    return tl::unexpected(missing_packages(packages));
}

// By whom and with what it is done; what is wrong in any case is told before.
std::vector<Error> missing_for(const Request& request, const Observed& machine) {
    auto missing = missing_rights(request, machine, "made");
    if (!machine.missing_packages.empty())
        missing.push_back(missing_packages(machine.missing_packages));
    if (machine.why_no_tun.empty()) return missing;
    missing.push_back(
        {.code = ErrorCode::Unsupported,
         .message = fmt::format("{} cannot open /dev/net/tun: {}; without it a switch has no TAP",
                                machine.account.name,
                                machine.why_no_tun),
         .try_next = "modprobe tun && chmod 666 /dev/net/tun   (as Debian has it)"});
    return missing;
}

Status check_switch_state(const Observed& machine) {
    const auto& one = machine.vde;
    if (one.state == SwitchState::Strange) return fail(ErrorCode::Conflict, one.why);
    if (one.state != SwitchState::Hung) return {};
    return fail(ErrorCode::Conflict,
                one.why,
                fmt::format("ctys-setupVDE -f -u {} cancel", machine.account.name));
}

Status add_tap(Plan& plan, const Attachment& attachment, const Observed& machine) {
    const auto tap = tap_of(machine.account);
    if (const auto* old = machine.find(tap)) {
        if (!old->is_ours() || old->kind != "tun") {
            return fail(
                ErrorCode::Conflict,
                fmt::format("there is an interface {} that ctys-setupVDE has not made", tap),
                "ip link delete " + tap + "   (if nobody needs it)");
        }
        if (const auto paths = paths_of_alias(old->alias); paths && *paths != machine.paths) {
            return fail(ErrorCode::Conflict,
                        fmt::format("{} has a switch already, at {}; one is for all VMs of a user",
                                    machine.account.name,
                                    printable(paths->data)),
                        fmt::format("ctys-setupVDE -u {} cancel", machine.account.name));
        }
        // Left by a switch that was killed: nobody holds it.
        plan.steps.push_back(
            {"take away the TAP " + tap + " of a dead switch", ip({"link", "delete", "dev", tap})});
    }
    plan.steps.push_back({"make the TAP " + tap,
                          ip({"tuntap",
                              "add",
                              "dev",
                              tap,
                              "mode",
                              "tap",
                              "user",
                              std::to_string(machine.account.uid)}),
                          ip({"link", "delete", "dev", tap})});
    plan.steps.push_back({"mark the TAP " + tap,
                          ip({"link", "set", "dev", tap, "alias", alias_of_tap(machine.paths)})});
    plan.steps.push_back({fmt::format("move {} into {}", tap, attachment.bridge),
                          ip({"link", "set", "dev", tap, "master", attachment.bridge})});
    plan.steps.push_back({fmt::format("set {} up", tap), ip({"link", "set", "dev", tap, "up"})});
    return {};
}

} // namespace

Result<Plan> decide_create(const Request& request, const Observed& machine) {
    if (auto fine = check_ip(machine); !fine) return tl::unexpected(fine.error());
    if (auto fine = check_switch_state(machine); !fine) return tl::unexpected(fine.error());
    if (machine.vde.state == SwitchState::Answers) return reuse(request, machine);
    const auto attachment = choose_bridge(request, machine);
    if (!attachment) return tl::unexpected(attachment.error());
    if (const auto* uplink = machine.find(attachment->uplink)) {
        if (auto fine = check_connection(request, *uplink, machine); !fine)
            return tl::unexpected(fine.error());
    }

    Plan plan;
    if (machine.vde.state == SwitchState::Dead)
        plan.steps.push_back({"take away the files of a dead switch", RemoveFiles{}});
    add_bridge(plan, *attachment, machine);
    if (auto added = add_tap(plan, *attachment, machine); !added)
        return tl::unexpected(added.error());
    plan.steps.push_back({"start the switch",
                          Run{.argv = switch_words(request, machine), .as_owner = true},
                          EndSwitch{.kills = true}});
    plan.steps.push_back({"reach the switch", AwaitSwitch{tap_of(machine.account)}});
    plan.missing = missing_for(request, machine);
    return plan_or_lack(std::move(plan), request);
}

std::string describe(const Act& act, const Observed& machine) {
    const auto& [data, management] = machine.paths;
    if (const auto* run = std::get_if<Run>(&act)) {
        return (run->as_owner ? fmt::format("as {}: ", machine.account.name) : std::string{}) +
               shell_quoted(run->argv);
    }
    if (std::holds_alternative<RemoveFiles>(act))
        return shell_quoted({"rm", "-r", data, management});
    if (const auto* wait = std::get_if<AwaitSwitch>(&act))
        return fmt::format("wait until the switch answers at {} with {}", management, wait->tap);
    if (const auto* end = std::get_if<EndSwitch>(&act)) {
        return fmt::format(
            "ask the switch at {} to end{}", management, end->kills ? ", else kill it" : "");
    }
    return {};
}

} // namespace ctys::vde
