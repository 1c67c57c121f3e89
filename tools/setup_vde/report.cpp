#include "tools/setup_vde/report.h"

#include "mesh/core/text.h"
#include "tools/output/table.h"

#include <fmt/format.h>

#include <iterator>

namespace ctys::vde {

namespace {

std::string_view word_of(SwitchState state) {
    switch (state) {
    case SwitchState::Absent:
        return "absent";
    case SwitchState::Answers:
        return "answers";
    case SwitchState::Dead:
        return "dead";
    case SwitchState::Hung:
        return "hung";
    case SwitchState::Strange:
        return "unknown";
    }
    return "unknown";
}

std::string create_words(const Observed& machine) {
    return fmt::format("ctys-setupVDE -u {} create", machine.account.name);
}

/// "ctysbr0 (made by ctys-setupVDE, leads out by eth0)"
std::string words_of_bridge(const Observed& machine, const Link& tap) {
    const auto* bridge = machine.find(tap.master);
    if (bridge == nullptr) return "none";
    std::string ports;
    for (const auto& link : machine.links) {
        if (link.master == bridge->name && link.kind != "tun")
            ports.append(ports.empty() ? "" : ", ").append(link.name);
    }
    return fmt::format("{} ({}{})",
                       bridge->name,
                       bridge->is_ours() ? "made by ctys-setupVDE, " : "",
                       ports.empty() ? "leads nowhere" : "leads out by " + ports);
}

} // namespace

std::string created_text(const Observed& machine) {
    const auto tap = tap_of(machine.account);
    const auto* link = machine.find(tap);
    return fmt::format("switch of {}: {}, pid {}, TAP {} on {}\n"
                       "VMs of {} join by NETWORK=vde{}; back: ctys-setupVDE -u {} cancel\n",
                       machine.account.name,
                       machine.paths.data,
                       machine.vde.info.pid,
                       tap,
                       link == nullptr ? "none" : words_of_bridge(machine, *link),
                       machine.account.name,
                       machine.paths == qemu::default_vde_paths(machine.account.name)
                           ? ""
                           : " and QEMUSOCK=" + machine.paths.data,
                       machine.account.name);
}

Status check_works(const Observed& machine) {
    const auto& one = machine.vde;
    const auto& name = machine.account.name;
    if (one.state == SwitchState::Absent) {
        return fail(ErrorCode::NotFound,
                    fmt::format("there is no switch of {}", name),
                    create_words(machine));
    }
    if (one.state == SwitchState::Dead) {
        return fail(
            ErrorCode::Failed,
            fmt::format("the switch of {} is dead, its files are at {}", name, machine.paths.data),
            create_words(machine));
    }
    if (one.state != SwitchState::Answers) return fail(ErrorCode::Failed, one.why);
    const auto tap = tap_of(machine.account);
    const auto* link = machine.find(tap);
    const auto again = fmt::format("ctys-setupVDE -u {} cancel, then create", name);
    if (link == nullptr || !one.carries(tap)) {
        return fail(
            ErrorCode::Failed, fmt::format("the switch of {} has no TAP {}", name, tap), again);
    }
    if (!link->up) {
        return fail(ErrorCode::Failed,
                    fmt::format("the TAP {} is down", tap),
                    "ip link set " + tap + " up");
    }
    if (!link->master.empty()) return {};
    return fail(ErrorCode::Failed, fmt::format("the TAP {} is on no bridge", tap), again);
}

std::string info_text(const Observed& machine) {
    const auto& one = machine.vde;
    const auto tap = tap_of(machine.account);
    const auto* link = machine.find(tap);
    std::string text = fmt::format("switch    of {}, {}", machine.account.name, word_of(one.state));
    if (one.info.pid != 0) text += fmt::format(", pid {}", one.info.pid);
    if (one.state == SwitchState::Answers)
        text += fmt::format(", {}, up {} s", one.info.version, one.info.uptime_s);
    text +=
        fmt::format("\nQEMUSOCK  {}\nQEMUMGMT  {}\n", machine.paths.data, machine.paths.management);
    if (!one.why.empty()) text += fmt::format("          {}\n", one.why);
    text += link == nullptr ? "tap       none\n"
                            : fmt::format("tap       {}, {}{}\nbridge    {}\n",
                                          tap,
                                          link->up ? "up" : "down",
                                          one.carries(tap) ? "" : ", not on the switch",
                                          words_of_bridge(machine, *link));
    const auto clients = one.clients();
    text += fmt::format("attached  {}\n", clients.size());
    for (const auto& client : clients) {
        text += fmt::format("          {}\n", client);
    }
    return text;
}

std::string ports_text(const Observed& machine, const tools::View& view) {
    tools::TextTable table({{"PORT", tools::Align::Right},
                            {"IN", tools::Align::Right},
                            {"OUT", tools::Align::Right},
                            {"USER"},
                            {"ATTACHED"}});
    for (const auto& port : machine.vde.ports) {
        for (const auto& endpoint : port.endpoints) {
            table.add({std::to_string(port.number),
                       std::to_string(port.bytes_in),
                       std::to_string(port.bytes_out),
                       port.user,
                       (endpoint.is_tap ? "TAP " : "") + endpoint.text});
        }
    }
    fmt::memory_buffer out;
    table.render(out, view);
    return fmt::to_string(out);
}

std::string list_text(const std::vector<Listed>& switches, bool sockets, const tools::View& view) {
    tools::TextTable table({{"SWITCH"},
                            {"USER"},
                            {"GROUP"},
                            {"MODE"},
                            {"STATE"},
                            {"PID", tools::Align::Right},
                            {"TAP"},
                            {"BRIDGE"},
                            {"ATTACHED", tools::Align::Right}});
    for (const auto& one : switches) {
        const bool answers = one.vde.state == SwitchState::Answers;
        table.add({one.paths.data,
                   one.owner.name,
                   one.group,
                   one.mode,
                   std::string{word_of(one.vde.state)},
                   one.vde.info.pid == 0 ? "" : std::to_string(one.vde.info.pid),
                   one.tap,
                   one.bridge,
                   answers ? std::to_string(one.vde.clients().size()) : ""});
        for (const auto& socket : one.sockets) {
            if (sockets) {
                table.add({one.paths.data + "/" + socket,
                           one.owner.name,
                           one.group,
                           "",
                           "",
                           "",
                           "",
                           "",
                           ""});
            }
        }
    }
    fmt::memory_buffer out;
    table.render(out, view);
    return fmt::to_string(out);
}

std::string plan_text(const Plan& plan, const Observed& machine) {
    std::string text;
    for (const auto& step : plan.steps) {
        const auto act = describe(step.act, machine);
        if (!act.empty()) text += act + "\n";
    }
    for (const auto& note : plan.notes) {
        text += "# " + note + "\n";
    }
    for (const auto& lack : plan.missing) {
        text += fmt::format("# missing: {}\n#   try: {}\n", lack.message, lack.try_next);
    }
    return text;
}

} // namespace ctys::vde
