#include "tests/support/temporary_directory.h"
#include "tools/qemu_call/emulator_check.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace ctys;
using namespace ctys::call;

namespace {

EmulatorQuestion about(const std::string& key, const std::string& value) {
    return {.key = key, .value = value, .argv = {"/q"}};
}

qemu::VmPlan plan_with(const std::string& binary) {
    qemu::VmPlan plan;
    plan.binary = binary;
    plan.cpu = "nosuch";
    plan.machine = "nowhere";
    plan.nic_model = "zz";
    plan.user_network = true;
    return plan;
}

std::string script(const support::TemporaryDirectory& folder, const std::string& text) {
    const auto path = folder / "qemu";
    std::ofstream{path} << "#!/bin/sh\n" << text << '\n';
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
}

} // namespace

TEST_CASE("a CPU, a board and a card that QEMU does not know are refused", "[call]") {
    const auto [key,
                value,
                said,
                status,
                why] = GENERATE(table<std::string, std::string, std::string, int, std::string>({
        {"CPU",
         "nosuch",
         "qemu-system-x86_64: unable to find CPU model 'nosuch'\n",
         1,
         "QEMU knows no CPU nosuch; /q -cpu help lists them"},
        {"CPU",
         "qemu64,+zz",
         "qemu-system-x86_64: Property 'qemu64-x86_64-cpu.zz' not found\n",
         1,
         "QEMU does not take qemu64,+zz: Property 'qemu64-x86_64-cpu.zz' not found"},
        {"CPU",
         "qemu64,rdrand=zz",
         "q: can't apply global qemu64-x86_64-cpu.rdrand=zz: Parameter 'rdrand' expects 'on' or "
         "'off'\n",
         1,
         "QEMU does not take qemu64,rdrand=zz: Parameter 'rdrand' expects 'on' or 'off'"},
        {"MACHINE",
         "nowhere",
         "Supported machines are:\nmicrovm   microvm (i386)\n",
         0,
         "QEMU knows no board nowhere; /q -machine help lists them"},
        {"MACHINE",
         "nowhere",
         "qemu: unsupported machine type\nUse -machine help to list supported machines\n",
         1,
         "QEMU knows no board nowhere; /q -machine help lists them"},
        {"NIC",
         "zz",
         "qemu-system-arm: -device zz,help: Device 'zz' not found\n",
         0,
         "QEMU knows no network card zz; /q -device help lists them"},
        {"NIC",
         "zz",
         "qemu: -device zz,help: 'zz' is not a valid device model name\n",
         1,
         "QEMU knows no network card zz; /q -device help lists them"},
        {"NIC",
         "usb-tablet",
         "usb-tablet options:\n  attached=<bool>\n",
         0,
         "usb-tablet is a device of QEMU and no network card; /q -device help lists them"},
    }));
    CAPTURE(key, said);

    CHECK(why_refused(about(key, value), said, status) == why);
}

TEST_CASE("what QEMU takes, or answers in words that nobody knows, is not refused", "[call]") {
    const auto [key, value, said, status] =
        GENERATE(table<std::string, std::string, std::string, int>({
            {"CPU", "qemu64", "qemu: -device ctys-none: 'ctys-none' is not a valid device", 1},
            {"CPU", "host", "qemu: apic-id property was not initialized properly\n", 1},
            {"CPU", "nosuch", "", 127},
            {"MACHINE", "q35", "pc-q35-7.2-machine options:\n  acpi=<OnOffAuto>\n", 0},
            {"MACHINE", "q35", "Segmentation fault\n", 139},
            {"NIC", "virtio-net", "virtio-net-pci options:\n  netdev=<str>  - ID\n", 0},
            {"NIC", "e1000", "nothing that is understood\n", 0},
            {"NIC", "e1000", "Device 'other' not found\n", 0},
        }));
    CAPTURE(key, said);

    CHECK(why_refused(about(key, value), said, status).empty());
}

TEST_CASE("QEMU is asked only of what the configuration chooses and the VM has", "[call]") {
    const auto keys = [](const qemu::VmPlan& plan) {
        std::vector<std::string> out;
        for (const auto& question : questions_to_emulator(plan))
            out.push_back(question.key);
        return out;
    };
    auto plan = plan_with("/bin/true");
    CHECK(keys(plan) == std::vector<std::string>{"CPU", "MACHINE", "NIC"});

    plan.nic_model = "board";
    CHECK(keys(plan) == std::vector<std::string>{"CPU", "MACHINE"});
    plan.nic_model = "zz";
    plan.user_network = false;
    CHECK(keys(plan) == std::vector<std::string>{"CPU", "MACHINE"});
    plan.cpu.clear();
    plan.machine.clear();
    CHECK(keys(plan).empty());
}

TEST_CASE("features of a CPU are asked about on the board of the VM", "[call]") {
    auto plan = plan_with("/q");
    plan.cpu = "qemu64,+rdrand";
    plan.machine = GENERATE(as<std::string>{}, "", "q35");

    const auto questions = questions_to_emulator(plan);

    REQUIRE(questions.size() >= 2);
    const auto& argv = questions[1].argv;
    const auto board = std::find(argv.begin(), argv.end(), "-machine");
    REQUIRE(board != argv.end());
    CHECK(*(board + 1) == (plan.machine.empty() ? qemu::default_machine("x86_64") : "q35"));
    CHECK(questions[1].key == "CPU");
}

TEST_CASE("the CPU of the machine is not asked about, and needs KVM", "[call]") {
    auto plan = plan_with("/bin/true");
    plan.cpu = GENERATE(as<std::string>{}, "host", "host,migratable=off");
    plan.machine.clear();
    plan.user_network = false;
    std::vector<std::string> notes;

    CHECK(questions_to_emulator(plan).empty());
    const auto problems = ask_emulator(plan, notes);
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().key == "CPU");
    plan.accelerator = qemu::Accelerator::Kvm;
    CHECK(ask_emulator(plan, notes).empty());
}

TEST_CASE("an agent knows from each question that it is no VM", "[call]") {
    for (const auto& question : questions_to_emulator(plan_with("/q"))) {
        const auto name = std::find(question.argv.begin(), question.argv.end(), "-name");
        REQUIRE(name != question.argv.end());
        CHECK(*(name + 1) == "guest=ctys-survey,process=ctys-survey");
    }
}

TEST_CASE("each wrong value is told with its key by the QEMU that is asked", "[call]") {
    const support::TemporaryDirectory folder;
    const auto emulator = script(folder,
                                 "case \"$*\" in\n"
                                 "*'-cpu nosuch'*) echo \"unable to find CPU model 'nosuch'\" >&2; "
                                 "exit 1;;\n"
                                 "*nowhere,help) echo 'unsupported machine type' >&2; exit 1;;\n"
                                 "*zz,help) echo \"Device 'zz' not found\";;\nesac");
    std::vector<std::string> notes;

    const auto problems = ask_emulator(plan_with(emulator), notes);

    REQUIRE(problems.size() == 3);
    CHECK(problems[0].key == "CPU");
    CHECK(problems[1].key == "MACHINE");
    CHECK(problems[2].key == "NIC");
    CHECK(notes.empty());
}

TEST_CASE("a QEMU that hangs is asked once and refuses nothing", "[call]") {
    const support::TemporaryDirectory folder;
    const auto emulator = script(folder, "exec tail -f /dev/null");
    std::vector<std::string> notes;

    const auto problems = ask_emulator(plan_with(emulator), notes, std::chrono::milliseconds{100});

    CHECK(problems.empty());
    REQUIRE(notes.size() == 1);
    CHECK(notes.front().starts_with("CPU: QEMU was not asked whether it knows nosuch: "));
}
