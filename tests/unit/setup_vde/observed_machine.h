#pragma once

#include "mesh/core/shell_quoted.h"
#include "tools/setup_vde/plan.h"

namespace ctys::vde::testing {

/// A machine with one interface that leads out, and nothing of ctys-setupVDE yet.
inline Observed bare_machine() {
    Observed machine{.account = {.uid = 1000, .gid = 1000, .name = "alice", .home = "/home/alice"},
                     .paths = qemu::default_vde_paths("alice"),
                     .is_root = true};
    machine.links = {{.name = "lo", .up = true, .loopback = true},
                     {.name = "eth1", .mac = "52:54:00:00:00:01"},
                     {.name = "eth0",
                      .mac = "52:54:00:00:00:09",
                      .up = true,
                      .addresses = {"10.1.1.5/24", "10.1.1.6/24"}}};
    machine.routes = {
        {.link = "eth0", .destination = "default", .gateway = "10.1.1.1", .metric = 100}};
    return machine;
}

/// The same after `create`.
inline Observed made_machine() {
    auto machine = bare_machine();
    machine.links[2].master = "ctysbr0";
    machine.links[2].addresses.clear();
    machine.routes[0].link = "ctysbr0";
    machine.links.push_back({.name = "ctysbr0",
                             .kind = "bridge",
                             .alias = "ctys-setupVDE uplink=eth0",
                             .up = true,
                             .addresses = {"10.1.1.5/24", "10.1.1.6/24"}});
    machine.links.push_back({.name = "ctys1000",
                             .kind = "tun",
                             .master = "ctysbr0",
                             .alias = alias_of_tap(machine.paths),
                             .up = true});
    machine.vde = {.state = SwitchState::Answers,
                   .info = {4711, "VDE switch V.2.3.2", 86},
                   .ports = {{1, "", 0, 0, {{true, "ctys1000", 0}}}}};
    return machine;
}

inline Port client(std::uint32_t number, std::string text) {
    return {number, "alice", 0, 0, {{false, std::move(text), 0}}};
}

/// What the steps do, and what their undoing does in its order, as a person reads it.
inline std::vector<std::string> acts(const Plan& plan, const Observed& machine) {
    std::vector<std::string> out;
    for (const auto& step : plan.steps) {
        out.push_back(describe(step.act, machine));
    }
    return out;
}
inline std::vector<std::string> undoing(const Plan& plan, const Observed& machine) {
    std::vector<std::string> out;
    for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
        if (step->undo) out.push_back(describe(*step->undo, machine));
    }
    return out;
}

} // namespace ctys::vde::testing
