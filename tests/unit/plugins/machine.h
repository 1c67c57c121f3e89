#pragma once

#include "tools/plugins/plugin.h"

#include <algorithm>

namespace ctys::testing {

/// A machine that has everything; a test takes something away.
inline WorkerRecord whole_machine() {
    WorkerRecord worker{.host = "lab02", .arch = "x86_64", .cpus = 2, .memory_mb = 1024};
    worker.accelerators = {{.name = "tcg", .usable = true, .why = {}},
                           {.name = "kvm", .usable = true, .why = "a probe guest came up"}};
    worker.equipment.cpu_flags = "fpu pae svm";
    worker.equipment.emulators = {{.path = "/usr/bin/qemu-system-arm",
                                   .arch = "arm",
                                   .version = "7.2.1",
                                   .accelerators = "tcg"},
                                  {.path = "/usr/bin/qemu-system-x86_64",
                                   .arch = "x86_64",
                                   .version = "7.2.22",
                                   .accelerators = "kvm tcg"}};
    for (const auto* name : {"bash", "ssh", "vncviewer", "vncserver", "xterm", "vde_switch"})
        worker.equipment.requisites.push_back({name, true, std::string{"/usr/bin/"} + name});
    worker.equipment.requisites.push_back({"unixterm", false, "no unixterm in PATH"});
    worker.equipment.requisites.push_back({"QEMUSOCK", true, "/var/tmp/vde_switch0.lab/ctl"});
    worker.equipment.requisites.push_back({"QEMUMGMT", true, "/var/tmp/vde_mgmt0.lab"});
    worker.equipment.requisites.push_back({"DISPLAY", true, ":0"});
    return worker;
}

inline void take_away(WorkerRecord& worker, std::string_view name, std::string fact) {
    for (auto& each : worker.equipment.requisites) {
        if (each.name == name) each = {std::string{name}, false, std::move(fact)};
    }
}

inline const tools::Plugin& plugin_in(const std::vector<tools::Plugin>& plugins,
                                      tools::PluginType type) {
    return *std::find_if(plugins.begin(), plugins.end(), [&](const tools::Plugin& plugin) {
        return plugin.type == type;
    });
}

} // namespace ctys::testing
