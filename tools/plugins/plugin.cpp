#include "tools/plugins/plugin.h"

#include "mesh/core/shell_quoted.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::tools {

namespace {

/// A package of Debian that provides a program; of a socket, the command that makes it.
std::string command_for(std::string_view name) {
    struct Source {
        std::string_view name;
        std::string_view package;
    };
    constexpr auto sources = std::to_array<Source>({{"bash", "bash"},
                                                    {"ssh", "openssh-client"},
                                                    {"vncviewer", "tigervnc-viewer"},
                                                    {"vncserver", "tigervnc-standalone-server"},
                                                    {"xterm", "xterm"},
                                                    {"vde_switch", "vde2"}});
    for (const auto& source : sources) {
        if (source.name == name) return fmt::format("apt install {}", source.package);
    }
    return {};
}

std::string package_of(std::string_view arch) {
    const bool is_arm = arch == "aarch64" || arch.starts_with("arm");
    return is_arm ? "apt install qemu-system-arm" : "apt install qemu-system-x86";
}

/// Path in the fact of a socket: "/var/tmp/x/ctl does not exist".
std::string path_in(std::string_view fact) {
    return std::string{fact.substr(0, fact.find(' '))};
}

/// Looks up what was found on one machine and collects the checks of one plugin.
class Inspection {
public:
    explicit Inspection(const WorkerRecord& worker) : worker_(worker) {}

    [[nodiscard]] const Requisite* find(std::string_view name) const {
        for (const auto& each : worker_.equipment.requisites) {
            if (each.name == name) return &each;
        }
        return nullptr;
    }

    void need(std::string_view name) { look(name, true, command_for(name)); }
    void need(std::string_view name, std::string command) { look(name, true, std::move(command)); }
    void want(std::string_view name) { look(name, false, {}); }

    void add(PluginCheck check) { checks_.push_back(std::move(check)); }
    [[nodiscard]] bool holds() const {
        return std::all_of(checks_.begin(), checks_.end(), [](const PluginCheck& check) {
            return check.passed || !check.needed;
        });
    }
    [[nodiscard]] std::vector<PluginCheck> take() { return std::move(checks_); }

    [[nodiscard]] const WorkerRecord& worker() const { return worker_; }

private:
    void look(std::string_view name, bool needed, std::string command) {
        const auto* found = find(name);
        const bool passed = found != nullptr && found->met;
        add({.what = std::string{name},
             .passed = passed,
             .needed = needed,
             .fact = found != nullptr ? found->fact : "this agent did not look for it",
             .command = passed || !needed ? std::string{} : std::move(command)});
    }

    const WorkerRecord& worker_;
    std::vector<PluginCheck> checks_;
};

/// The original calls ctys-setupVDE; without it, what that would run.
std::string switch_command(const Inspection& inspection) {
    constexpr std::string_view usual = "/var/tmp/vde_mgmt0."; // and the user behind it
    const auto* data = inspection.find("QEMUSOCK");
    const auto* management = inspection.find("QEMUMGMT");
    if (data == nullptr || management == nullptr) return {};
    const auto* setup = inspection.find("ctys-setupVDE");
    const auto place = path_in(management->fact);
    if (setup != nullptr && setup->met && place.starts_with(usual))
        return shell_quoted({"ctys-setupVDE", "-u", place.substr(usual.size()), "create"});
    auto folder = path_in(data->fact);
    if (folder.ends_with("/ctl")) folder.resize(folder.size() - std::string_view{"/ctl"}.size());
    return shell_quoted(
        {"vde_switch", "-d", "-s", folder, "-M", place, "-m", "600", "--mgmtmode", "600"});
}

void inspect_emulators(Inspection& inspection, Plugin& plugin) {
    const auto& worker = inspection.worker();
    const Emulator* best = nullptr;
    for (const auto& each : worker.equipment.emulators) {
        const bool works = each.problem.empty();
        inspection.add({.what = each.path,
                        .passed = works,
                        .needed = false,
                        .fact = works ? fmt::format("emulates {}, QEMU {}, {}",
                                                    each.arch,
                                                    each.version,
                                                    each.accelerators)
                                      : each.problem,
                        .command = {}});
        if (!works) continue;
        const bool is_better =
            best == nullptr || (each.arch == worker.arch && best->arch != worker.arch);
        if (is_better) best = &each;
    }
    inspection.add({.what = "qemu-system-*",
                    .passed = best != nullptr,
                    .needed = true,
                    .fact = best != nullptr ? best->path : "none that can be used",
                    .command = best != nullptr ? std::string{} : package_of(worker.arch)});
    if (best != nullptr) plugin.version = best->version;
    plugin.accelerator = best != nullptr ? "QEMU" : "";
    for (const auto& each : worker.accelerators) {
        inspection.add({.what = each.name,
                        .passed = each.usable,
                        .needed = false,
                        .fact = each.why.empty() ? "runs guests" : each.why,
                        .command = {}});
        if (each.name != "kvm") continue;
        if (each.usable && best != nullptr) plugin.accelerator = "KVM";
        if (!each.usable) {
            plugin.remarks.push_back(
                fmt::format("KVM is not used, QEMU's own emulation is: {}", each.why));
        }
    }
}

void inspect_qemu(Inspection& inspection, Plugin& plugin, bool as_server) {
    if (as_server) {
        inspect_emulators(inspection, plugin);
        inspection.need("vde_switch");
        const auto command = switch_command(inspection);
        inspection.need("QEMUSOCK", command);
        inspection.need("QEMUMGMT", command);
        inspection.want("unixterm");
        inspection.want("vdeq");
        if (!inspection.holds())
            plugin.remarks.emplace_back("VMs with NETWORK=user or none need no VDE switch");
    }
    inspection.want("vncviewer");
    inspection.want("xterm");
    inspection.need("bash"); // of its console by CLI
}

Plugin inspect(PluginType type, const PluginRequest& request, const WorkerRecord& worker) {
    Plugin plugin{.type = type};
    const auto is_in = [&](const std::vector<PluginType>& types) {
        return std::find(types.begin(), types.end(), type) != types.end();
    };
    if (is_in(request.ignored)) {
        plugin.state = PluginState::Ignored;
        plugin.remarks.emplace_back("switched off by plugins.ignore");
        return plugin;
    }
    if (!request.asks_for(type)) return plugin;
    Inspection inspection{worker};
    switch (type) {
    case PluginType::Cli:
        inspection.need("bash");
        inspection.want("ssh");
        break;
    case PluginType::X11:
        inspection.need("xterm");
        if (!request.as_server) inspection.need("DISPLAY", "export DISPLAY=:0");
        break;
    case PluginType::Vnc:
        inspection.need(request.as_server ? "vncserver" : "vncviewer");
        if (request.as_server) inspection.want("vncviewer");
        break;
    case PluginType::Qemu:
        inspect_qemu(inspection, plugin, request.as_server);
        break;
    }
    plugin.state = PluginState::Enabled;
    if (request.working)
        plugin.state = *request.working == type ? PluginState::Busy : PluginState::Idle;
    if (!inspection.holds()) plugin.state = PluginState::Disabled;
    plugin.checks = inspection.take();
    return plugin;
}

} // namespace

std::string_view to_string(PluginType type) {
    switch (type) {
    case PluginType::Cli:
        return "CLI";
    case PluginType::X11:
        return "X11";
    case PluginType::Vnc:
        return "VNC";
    case PluginType::Qemu:
        return "QEMU";
    }
    return "";
}

Result<PluginType> parse_plugin_type(std::string_view text) {
    constexpr auto elsewhere =
        std::to_array<std::string_view>({"PM", "VMW", "XEN", "VBOX", "OVZ", "RDP", "KVM"});
    for (const auto type : plugin_types) {
        if (equals_ignoring_case(to_string(type), text)) return type;
    }
    for (const auto name : elsewhere) {
        if (!equals_ignoring_case(name, text)) continue;
        return fail(ErrorCode::Unsupported,
                    name == "KVM" ? std::string{"KVM is no plugin of its own: QEMU uses it"}
                                  : fmt::format("not built yet: the plugin {}", name),
                    "ctys-plugins -T QEMU,VNC,X11,CLI -E");
    }
    return fail(ErrorCode::Usage,
                fmt::format("no such plugin: {}", printable(text, 40)),
                "ctys-plugins -T QEMU,VNC,X11,CLI -E");
}

std::string_view to_string(PluginState state) {
    switch (state) {
    case PluginState::Ignored:
        return "IGNORED";
    case PluginState::Available:
        return "AVAILABLE";
    case PluginState::Disabled:
        return "DISABLED";
    case PluginState::Enabled:
        return "ENABLED";
    case PluginState::Idle:
        return "IDLE";
    case PluginState::Busy:
        return "BUSY";
    }
    return "";
}

std::string number_text(PluginState state) {
    return state == PluginState::Ignored ? "-" : std::to_string(static_cast<int>(state));
}

bool is_green(PluginState state) {
    return state == PluginState::Enabled || state == PluginState::Idle ||
           state == PluginState::Busy;
}

bool PluginRequest::asks_for(PluginType type) const {
    return working == type || std::find(loaded.begin(), loaded.end(), type) != loaded.end();
}

std::vector<Plugin> judge_plugins(const PluginRequest& request, const WorkerRecord& worker) {
    std::vector<Plugin> out;
    for (const auto type : plugin_types)
        out.push_back(inspect(type, request, worker));
    return out;
}

bool all_green(const PluginRequest& request, const std::vector<Plugin>& plugins) {
    return std::all_of(plugins.begin(), plugins.end(), [&](const Plugin& plugin) {
        return !request.asks_for(plugin.type) || is_green(plugin.state);
    });
}

std::vector<Plugin> plugins_of(const WorkerRecord& worker) {
    if (worker.equipment == Equipment{}) return {};
    const PluginRequest all{.loaded = {plugin_types.begin(), plugin_types.end()},
                            .working = {},
                            .as_server = true,
                            .ignored = {}};
    return judge_plugins(all, worker);
}

} // namespace ctys::tools
