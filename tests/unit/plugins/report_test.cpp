#include "tests/unit/plugins/machine.h"
#include "tools/plugins/report.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;
using namespace ctys::testing;

namespace {

PluginRequest request_for(std::vector<PluginType> types) {
    return {.loaded = std::move(types), .working = {}, .as_server = true, .ignored = {}};
}

WorkerRecord without_switch() {
    auto worker = whole_machine();
    take_away(worker, "QEMUSOCK", "/var/tmp/vde_switch0.lab/ctl does not exist");
    return worker;
}

} // namespace

TEST_CASE("the report names node, states, what is missing and the command for it", "[plugins]") {
    const auto worker = without_switch();
    const auto request = request_for({PluginType::Qemu, PluginType::Cli});
    fmt::memory_buffer out;

    render_report(out, request, judge_plugins(request, worker), worker, View{});

    CHECK(fmt::to_string(out) ==
          "node lab02: x86_64, 2 CPUs, 1024 MB, as execution target\n"
          "  IGNORED (-)    -\n"
          "  AVAILABLE (0)  X11 VNC\n"
          "  DISABLED (1)   QEMU\n"
          "  ENABLED (2)    CLI\n"
          "  IDLE (3)       -\n"
          "  BUSY (4)       -\n"
          "\n"
          "CLI   ENABLED (2)\n"
          "\n"
          "QEMU  DISABLED (1)   version 7.2.22   accelerator KVM\n"
          " missing   QEMUSOCK: /var/tmp/vde_switch0.lab/ctl does not exist\n"
          " try       vde_switch -d -s /var/tmp/vde_switch0.lab -M /var/tmp/vde_mgmt0.lab -m 600 "
          "--mgmtmode 600\n"
          " note      VMs with NETWORK=user or none need no VDE switch\n"
          " emulates  arm      7.2.1     /usr/bin/qemu-system-arm  (tcg)\n"
          "           x86_64   7.2.22    /usr/bin/qemu-system-x86_64  (kvm tcg)\n");
}

TEST_CASE("each state has the original's colour", "[plugins]") {
    const View colours{.colour = true};

    CHECK(in_colour("x", PluginState::Ignored, colours) == "\x1b[35mx\x1b[0m");
    CHECK(in_colour("x", PluginState::Available, colours) == "\x1b[36mx\x1b[0m");
    CHECK(in_colour("x", PluginState::Disabled, colours) == "\x1b[31mx\x1b[0m");
    CHECK(in_colour("x", PluginState::Enabled, colours) == "\x1b[32mx\x1b[0m");
    CHECK(in_colour("x", PluginState::Idle, colours) == "\x1b[34mx\x1b[0m");
    CHECK(in_colour("x", PluginState::Busy, colours) == "\x1b[33mx\x1b[0m");
    CHECK(in_colour("x", PluginState::Busy, View{}) == "x");
}

TEST_CASE("the quick list has a line for each plugin that is asked for", "[plugins]") {
    const auto worker = whole_machine();
    const auto request = request_for({PluginType::Qemu, PluginType::Vnc});
    fmt::memory_buffer out;

    render_quick_list(out, request, judge_plugins(request, worker), worker, View{});

    CHECK(fmt::to_string(out) ==
          "Hostname | Plugin | Accelerator | Version | MAGIC-ID     | State\n"
          "lab02    | VNC    | -           | -       | MAGICID-VNC  | ENABLED (2)\n"
          "lab02    | QEMU   | KVM         | 7.2.22  | MAGICID-QEMU | ENABLED (2)\n");
}

TEST_CASE("the quick table is one line for the machine", "[plugins]") {
    auto worker = without_switch();
    take_away(worker, "vncserver", "not in PATH");
    const auto request = request_for({plugin_types.begin(), plugin_types.end()});
    fmt::memory_buffer out;

    render_quick_tab(out, judge_plugins(request, worker), worker, View{});

    CHECK(fmt::to_string(out) == "Hostname | VMX/SVM | PAE | CLI | X11 | VNC | QEMU | PM\n"
                                 "lab02    | SVM     | PAE | x   | x   | -   | -    | P\n");
}

TEST_CASE("a trace has a line for each check, with what is not needed told apart", "[plugins]") {
    const auto worker = without_switch();
    const auto request = request_for({PluginType::Qemu});
    fmt::memory_buffer out;

    render_trace(out, judge_plugins(request, worker));

    const auto text = fmt::to_string(out);
    CHECK(text.find("ctys-plugins: QEMU: vde_switch: there: /usr/bin/vde_switch\n") !=
          std::string::npos);
    CHECK(text.find("ctys-plugins: QEMU: QEMUSOCK: missing: /var/tmp/vde_switch0.lab/ctl does not "
                    "exist\n") != std::string::npos);
    CHECK(text.find("ctys-plugins: QEMU: unixterm: not there, not needed: no unixterm in PATH\n") !=
          std::string::npos);
}

TEST_CASE("hostile text of a machine does not reach the terminal", "[plugins]") {
    auto worker = whole_machine();
    worker.host = "lab\x1b[2J";
    worker.equipment.emulators[1].version = "7\x1b[2J";
    take_away(worker, "QEMUSOCK", "\x1b[2J");
    const auto request = request_for({PluginType::Qemu});
    const auto plugins = judge_plugins(request, worker);
    fmt::memory_buffer out;

    render_report(out, request, plugins, worker, View{});
    render_quick_list(out, request, plugins, worker, View{});
    render_quick_tab(out, plugins, worker, View{});
    render_trace(out, plugins);

    CHECK(fmt::to_string(out).find('\x1b') == std::string::npos);
}
