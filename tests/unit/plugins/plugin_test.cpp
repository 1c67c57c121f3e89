#include "tests/unit/plugins/machine.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;
using namespace ctys::testing;

namespace {

const std::vector<PluginType> all{plugin_types.begin(), plugin_types.end()};

PluginRequest verify() {
    return {.loaded = all, .working = {}, .as_server = true, .ignored = {}};
}

Plugin qemu_on(const WorkerRecord& worker) {
    return plugin_in(judge_plugins(verify(), worker), PluginType::Qemu);
}

/// "name: command" of each needed thing that is missing.
std::vector<std::string> missing(const Plugin& plugin) {
    std::vector<std::string> out;
    for (const auto& check : plugin.checks) {
        if (!check.passed && check.needed) out.push_back(check.what + ": " + check.command);
    }
    return out;
}

} // namespace

TEST_CASE("states have the original's names and numbers", "[plugins]") {
    CHECK(to_string(PluginState::Ignored) == "IGNORED");
    CHECK(number_text(PluginState::Ignored) == "-");
    CHECK(to_string(PluginState::Available) == "AVAILABLE");
    CHECK(number_text(PluginState::Available) == "0");
    CHECK(to_string(PluginState::Disabled) == "DISABLED");
    CHECK(number_text(PluginState::Disabled) == "1");
    CHECK(to_string(PluginState::Enabled) == "ENABLED");
    CHECK(number_text(PluginState::Enabled) == "2");
    CHECK(to_string(PluginState::Idle) == "IDLE");
    CHECK(number_text(PluginState::Idle) == "3");
    CHECK(to_string(PluginState::Busy) == "BUSY");
    CHECK(number_text(PluginState::Busy) == "4");
}

TEST_CASE("where everything is there each plugin is ENABLED", "[plugins]") {
    const auto plugins = judge_plugins(verify(), whole_machine());

    for (const auto& plugin : plugins)
        CHECK(plugin.state == PluginState::Enabled);
    CHECK(all_green(verify(), plugins));
}

TEST_CASE("QEMU tells the version of the machine's own emulator, and that KVM runs it",
          "[plugins]") {
    const auto qemu = qemu_on(whole_machine());

    CHECK(qemu.version == "7.2.22");
    CHECK(qemu.accelerator == "KVM");
    CHECK(qemu.remarks.empty());
}

TEST_CASE("without KVM QEMU is ENABLED by its own emulation, and says why", "[plugins]") {
    auto worker = whole_machine();
    worker.accelerators[1] = {.name = "kvm", .usable = false, .why = "guests hang"};

    const auto qemu = qemu_on(worker);

    CHECK(qemu.state == PluginState::Enabled);
    CHECK(qemu.accelerator == "QEMU");
    CHECK(qemu.remarks ==
          std::vector<std::string>{"KVM is not used, QEMU's own emulation is: guests hang"});
}

TEST_CASE("the first result after an installation lacks the two sockets of the switch",
          "[plugins]") {
    auto worker = whole_machine();
    take_away(worker, "QEMUSOCK", "/var/tmp/vde_switch0.lab/ctl does not exist");
    take_away(worker, "QEMUMGMT", "/var/tmp/vde_mgmt0.lab does not exist");
    const std::string command =
        "vde_switch -d -s /var/tmp/vde_switch0.lab -M /var/tmp/vde_mgmt0.lab -m 600 --mgmtmode 600";

    const auto qemu = qemu_on(worker);

    CHECK(qemu.state == PluginState::Disabled);
    CHECK(missing(qemu) ==
          std::vector<std::string>{"QEMUSOCK: " + command, "QEMUMGMT: " + command});
    CHECK_FALSE(all_green(verify(), judge_plugins(verify(), worker)));
}

TEST_CASE("where ctys-setupVDE is there it is the command that makes the switch", "[plugins]") {
    auto worker = whole_machine();
    take_away(worker, "QEMUMGMT", "/var/tmp/vde_mgmt0.lab nobody listens at it");
    worker.equipment.requisites.push_back({"ctys-setupVDE", true, "/usr/bin/ctys-setupVDE"});

    CHECK(missing(qemu_on(worker)) ==
          std::vector<std::string>{"QEMUMGMT: ctys-setupVDE -u lab create"});
}

TEST_CASE("without any emulator QEMU names the package", "[plugins]") {
    auto worker = whole_machine();
    for (auto& each : worker.equipment.emulators)
        each.problem = "hangs";

    CHECK(missing(qemu_on(worker)) ==
          std::vector<std::string>{"qemu-system-*: apt install qemu-system-x86"});
    worker.arch = "aarch64";
    CHECK(missing(qemu_on(worker)) ==
          std::vector<std::string>{"qemu-system-*: apt install qemu-system-arm"});
}

TEST_CASE("each missing program names its package", "[plugins]") {
    auto worker = whole_machine();
    for (const auto* name : {"bash", "xterm", "vncserver", "vde_switch"})
        take_away(worker, name, "not in PATH");
    const auto plugins = judge_plugins(verify(), worker);

    CHECK(missing(plugin_in(plugins, PluginType::Cli)) ==
          std::vector<std::string>{"bash: apt install bash"});
    CHECK(missing(plugin_in(plugins, PluginType::X11)) ==
          std::vector<std::string>{"xterm: apt install xterm"});
    CHECK(missing(plugin_in(plugins, PluginType::Vnc)) ==
          std::vector<std::string>{"vncserver: apt install tigervnc-standalone-server"});
    CHECK(missing(plugin_in(plugins, PluginType::Qemu)) ==
          std::vector<std::string>{"vde_switch: apt install vde2", "bash: apt install bash"});
}

TEST_CASE("a client needs viewers and a display, no servers and no switch", "[plugins]") {
    auto worker = whole_machine();
    take_away(worker, "vncserver", "not in PATH");
    take_away(worker, "QEMUSOCK", "does not exist");
    auto request = verify();
    request.as_server = false;
    CHECK(all_green(request, judge_plugins(request, worker)));

    take_away(worker, "vncviewer", "not in PATH");
    take_away(worker, "DISPLAY", "DISPLAY is not set");
    const auto plugins = judge_plugins(request, worker);
    CHECK(plugin_in(plugins, PluginType::Vnc).state == PluginState::Disabled);
    CHECK(plugin_in(plugins, PluginType::X11).state == PluginState::Disabled);
}

TEST_CASE("the working plugin is BUSY, what is loaded beside it IDLE, both green", "[plugins]") {
    const PluginRequest request{.loaded = {PluginType::Cli, PluginType::Vnc},
                                .working = PluginType::Qemu,
                                .as_server = true,
                                .ignored = {}};
    auto worker = whole_machine();

    const auto plugins = judge_plugins(request, worker);

    CHECK(plugin_in(plugins, PluginType::Qemu).state == PluginState::Busy);
    CHECK(plugin_in(plugins, PluginType::Cli).state == PluginState::Idle);
    CHECK(plugin_in(plugins, PluginType::X11).state == PluginState::Available);
    CHECK(all_green(request, plugins));
}

TEST_CASE("a plugin that configuration switches off is IGNORED and not green", "[plugins]") {
    auto request = verify();
    request.ignored = {PluginType::X11};

    const auto plugins = judge_plugins(request, whole_machine());

    CHECK(plugin_in(plugins, PluginType::X11).state == PluginState::Ignored);
    CHECK_FALSE(all_green(request, plugins));
    request.loaded = {PluginType::Qemu};
    CHECK(all_green(request, judge_plugins(request, whole_machine())));
}

TEST_CASE("what nobody asks for is not looked at and does not spoil the result", "[plugins]") {
    auto worker = whole_machine();
    take_away(worker, "vncserver", "not in PATH");
    auto request = verify();
    request.loaded = {PluginType::Cli};

    const auto plugins = judge_plugins(request, worker);

    CHECK(plugin_in(plugins, PluginType::Vnc) == Plugin{.type = PluginType::Vnc});
    CHECK(all_green(request, plugins));
}

TEST_CASE("a worker without a survey has no plugins to show", "[plugins]") {
    CHECK(plugins_of(WorkerRecord{}).empty());
    CHECK(plugins_of(whole_machine()).size() == plugin_types.size());
}
