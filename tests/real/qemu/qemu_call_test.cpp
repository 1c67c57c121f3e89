#include "mesh/qemu/command_line.h"
#include "mesh/qemu/exit_cause.h"
#include "mesh/qemu/saved_state.h"
#include "tests/real/qemu/vm_directory.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <unistd.h>

using namespace ctys;
using namespace ctys::testing;

namespace {

// What is known of an end when no monitor was heard.
Ending ending_from_files(const VmDirectory& vm) {
    const auto exit = qemu::parse_exit_file(vm.text_of(vm.files().exit));
    REQUIRE(exit);
    return qemu::decide_ending(
        {.managed = true,
         .shim = exit->status,
         .trace_cause = qemu::last_trace_cause(vm.text_of(vm.files().trace_log)),
         .stderr_tail = vm.text_of(vm.files().stderr_log)});
}

// Where its configuration says the last word of a key.
std::string place_of(const VmDirectory& vm, const std::string& key) {
    const auto path = vm.path() + "/web.ctys";
    std::istringstream text{vm.text_of(path)};
    int at = 0;
    int found = 0;
    for (std::string line; std::getline(text, line);) {
        ++at;
        if (line.starts_with(key + "=")) found = at;
    }
    REQUIRE(found > 0);
    return path + ":" + std::to_string(found) + ": " + key + ": ";
}

void press_power_button(Peer& qmp) {
    qmp.write("{\"execute\":\"system_powerdown\"}\n");
}

} // namespace

TEST_CASE("a guest that obeys the power button ends by itself", "[qemu][real]") {
    VmDirectory vm{Guest::Obeying};
    QmpListener agent{vm.files().qmp};
    vm.start({"--confirm-start"});
    auto qmp = agent.accept_negotiated();
    auto console = vm.open_console();

    qmp.write("{\"execute\":\"cont\"}\n");
    REQUIRE(console.read_until("up\r\n") != "");
    press_power_button(qmp);

    CHECK(qmp.read_until("guest-shutdown").find("POWERDOWN") != std::string::npos);
    CHECK(vm.wait() == 0);
    const auto ending = ending_from_files(vm);
    CHECK(ending.by == EndedBy::Guest);
    CHECK(ending.evidence == Evidence::Trace);
}

TEST_CASE("a guest that ignores the power button runs on until it is killed", "[qemu][real]") {
    VmDirectory vm{Guest::Ignoring};
    QmpListener agent{vm.files().qmp};
    vm.start({"--confirm-start"});
    auto qmp = agent.accept_negotiated();
    auto console = vm.open_console();
    qmp.write("{\"execute\":\"cont\"}\n");
    REQUIRE(console.read_until("up\r\n") != "");

    press_power_button(qmp);
    REQUIRE(qmp.read_until("POWERDOWN") != "");
    qmp.write("{\"execute\":\"query-status\"}\n");
    CHECK(qmp.read_until("\"running\": true") != "");
    ::kill(static_cast<pid_t>(vm.facts().qemu_pid), SIGKILL);

    CHECK(vm.wait() == 128 + SIGKILL);
    const auto ending = ending_from_files(vm);
    CHECK(ending.by == EndedBy::Signal);
    CHECK(ending.detail == "SIGKILL");
}

TEST_CASE("a guest that suspends itself says so and sleeps on", "[qemu][real]") {
    VmDirectory vm{Guest::Suspending};
    QmpListener agent{vm.files().qmp};
    vm.start({"--confirm-start"});
    auto qmp = agent.accept_negotiated();

    qmp.write("{\"execute\":\"cont\"}\n");
    REQUIRE(qmp.read_until("SUSPEND") != "");
    qmp.write("{\"execute\":\"query-status\"}\n");
    CHECK(qmp.read_until("\"suspended\"") != "");
    qmp.write("{\"execute\":\"quit\"}\n");

    CHECK(vm.wait() == 0);
    CHECK(ending_from_files(vm).by == EndedBy::Host);
}

TEST_CASE("signals to the parent of an agent's VM do not reach it, QEMU's own are named",
          "[qemu][real]") {
    VmDirectory vm{Guest::Idle};
    QmpListener agent{vm.files().qmp};
    vm.start({"--confirm-start"});
    auto qmp = agent.accept_negotiated();
    const auto facts = vm.facts();
    for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
        vm.signal_wrapper(signal);
    }

    qmp.write("{\"execute\":\"cont\"}\n");
    CHECK(qmp.read_until("RESUME") != "");
    ::kill(static_cast<pid_t>(facts.qemu_pid), SIGTERM);

    CHECK(vm.wait() == 0);
    const auto ending = ending_from_files(vm);
    CHECK(ending.by == EndedBy::Signal);
    CHECK(ending.signal == SIGTERM);
    CHECK(ending.evidence == Evidence::Stderr);
}

TEST_CASE("a signal to a wrapper in the foreground asks its guest to end", "[qemu][real]") {
    const int signal = GENERATE(SIGTERM, SIGINT, SIGHUP);
    VmDirectory vm{Guest::Obeying};
    vm.start({"--alone"});
    REQUIRE(vm.facts().qemu_pid != 0);
    REQUIRE(vm.open_console().read_until("up\r\n") != "");

    vm.signal_wrapper(signal);

    CHECK(vm.wait() == 0);
    CHECK(vm.output().find("web is asked to end by its power button") != std::string::npos);
    CHECK(ending_from_files(vm).by == EndedBy::Guest);
}

TEST_CASE("a second signal cuts the power of a guest that does not obey", "[qemu][real]") {
    VmDirectory vm{Guest::Ignoring};
    vm.start({});
    REQUIRE(vm.facts().qemu_pid != 0);
    REQUIRE(vm.open_console().read_until("up\r\n") != "");

    vm.signal_wrapper(SIGHUP);
    REQUIRE(vm.says("web is asked to end by its power button"));
    vm.signal_wrapper(SIGHUP); // a terminal that closes may send several
    vm.signal_wrapper(SIGTERM);

    CHECK(vm.wait() == 0);
    CHECK(vm.output().find("the power of web is cut\n") != std::string::npos);
    const auto ending = ending_from_files(vm);
    CHECK(ending.by == EndedBy::Signal);
    CHECK(ending.signal == SIGTERM);
}

TEST_CASE("a wrapper under nohup outlives its terminal", "[qemu][real]") {
    VmDirectory vm{Guest::Obeying};
    vm.ignore(SIGHUP);
    vm.start({});
    REQUIRE(vm.facts().qemu_pid != 0);
    REQUIRE(vm.open_console().read_until("up\r\n") != "");

    vm.signal_wrapper(SIGHUP);
    vm.signal_wrapper(SIGTERM);

    CHECK(vm.wait() == 0);
    const auto said = vm.output();
    const auto asked = said.find("is asked to end");
    CHECK(asked != std::string::npos);
    CHECK(said.find("the power of web is cut") == std::string::npos);
    CHECK(ending_from_files(vm).by == EndedBy::Guest);
}

TEST_CASE("several people share one console and its monitor", "[qemu][real]") {
    VmDirectory vm{Guest::Idle};
    QmpListener agent{vm.files().qmp};
    vm.start({"--confirm-start"});
    auto qmp = agent.accept_negotiated();
    const auto facts = vm.facts();
    auto first = vm.open_console();
    auto second = vm.open_console();

    qmp.write("{\"execute\":\"cont\"}\n");
    // Both read at once: firmware prints byte by byte, and who does not read loses what is printed.
    auto heard = std::async(std::launch::async, [&] { return second.read_until("up\r\n"); });
    CHECK(first.read_until("up\r\n") != "");
    REQUIRE(heard.get() != "");
    second.write("\x01"
                 "c"); // Ctrl-A c: the multiplexer turns to the monitor
    second.write("info name\r");

    CHECK(first.read_until("web\r\n") != "");
    std::string old_name;
    for (const auto& entry : std::filesystem::directory_iterator{"/var/tmp"}) {
        const auto name = entry.path().string();
        const auto wanted = "/var/tmp/qemumon.web." + std::to_string(facts.shim_pid) + ".";
        if (name.starts_with(wanted)) old_name = std::filesystem::read_symlink(name).string();
    }
    CHECK(old_name == vm.files().console);
    ::kill(static_cast<pid_t>(facts.qemu_pid), SIGKILL);
    CHECK(vm.wait() == 128 + SIGKILL);
}

TEST_CASE("a start by hand without an agent runs at once and says so", "[qemu][real]") {
    VmDirectory vm{Guest::Ending};

    vm.start({});

    CHECK(vm.wait() == 0);
    CHECK(vm.output().find("no agent answers on this machine, web starts without a lease") !=
          std::string::npos);
    CHECK(vm.text_of(vm.files().serial_log).find("up\r\n") != std::string::npos);
    CHECK(ending_from_files(vm).by == EndedBy::Guest);
    CHECK(vm.facts().config == vm.path() + "/web.ctys");
    CHECK_FALSE(std::filesystem::exists(vm.files().console));
}

TEST_CASE("printing shows the final command line and starts nothing", "[qemu][real]") {
    VmDirectory vm{Guest::Idle};

    vm.start({"--print", "--check", "--argsadd=-rtc base=localtime"});

    CHECK(vm.wait() == 0);
    CHECK(vm.output().find("-name guest=web,process=ctys-web,debug-threads=on") !=
          std::string::npos);
    CHECK(vm.output().find("-rtc base=localtime -drive file=" + vm.path() +
                           "/web.img,format=raw,if=ide\n") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(vm.files().facts));
}

TEST_CASE("words that QEMU has lost are translated, with one warning each", "[qemu][real]") {
    VmDirectory vm{Guest::Idle};
    vm.append_to_configuration("VGADRIVER='-vga cirrus '\nTIMEOPT=-localtime\n");

    vm.start({"--print", "--check", "--argsadd=-no-kqemu"});

    CHECK(vm.wait() == 0);
    CHECK(vm.output().find("-localtime is gone from QEMU 7.2; -rtc base=localtime takes its place\n"
                           "ctys-qemu-call: -no-kqemu is dropped: KQEMU does not exist any more; "
                           "ACCELERATOR says KVM or QEMU\n") != std::string::npos);
    CHECK(vm.output().find("-vga cirrus -rtc base=localtime -drive file=" + vm.path()) !=
          std::string::npos);
}

TEST_CASE("a boot mode is shown in the command line", "[qemu][real]") {
    VmDirectory vm{Guest::Idle};
    vm.append_to_configuration("INSTSRCCDROM=$CTYSWRAPPERPATH/web.ctys\n");

    vm.start({"--print", "--bootmode=cd"});

    CHECK(vm.wait() == 0);
    CHECK(vm.output().find("-drive media=cdrom,readonly=on,format=raw,file=" + vm.path() +
                           "/web.ctys -boot order=d -drive file=" + vm.path() +
                           "/web.img,format=raw,if=ide\n") != std::string::npos);
}

TEST_CASE("a guest is booted from a floppy instead of its disk", "[qemu][real]") {
    VmDirectory vm{Guest::Ending};
    std::filesystem::rename(vm.path() + "/web.img", vm.path() + "/floppy.img");
    std::ofstream{vm.path() + "/web.img"} << std::string(1'048'576, '\0');

    // What the configuration says of the order does not go before the call.
    vm.start({"--bootmode=FDD%floppy.img", "--argsadd=-boot c"});

    CHECK(vm.wait() == 0);
    CHECK(vm.text_of(vm.files().serial_log).find("up\r\n") != std::string::npos);
}

TEST_CASE("an installation creates its target and boots its source", "[qemu][real]") {
    VmDirectory vm{Guest::Ending};
    vm.append_to_configuration("FDDIMAGE=$CTYSWRAPPERPATH/web.img\nHDDBOOTIMAGE_INST_SIZE=2M\n");

    vm.start({"--instmode=FDD%none%HDD%new.img%INIT"});

    CHECK(vm.wait() == 0);
    CHECK(vm.text_of(vm.files().serial_log).find("up\r\n") != std::string::npos);
    CHECK(std::filesystem::file_size(vm.path() + "/new.img") == 2'097'152);
    CHECK(vm.output().find("INIT creates " + vm.path() + "/new.img: 2097152 bytes, raw") !=
          std::string::npos);
}

TEST_CASE("a guest is installed from a disk that is not written, onto one that is",
          "[qemu][real]") {
    VmDirectory vm{Guest::Ending};
    std::filesystem::rename(vm.path() + "/web.img", vm.path() + "/source.img");
    std::ofstream{vm.path() + "/web.img"} << std::string(1'048'576, '\0');

    vm.start({"--instmode=HDD%source.img%HDD%default%none"});

    CHECK(vm.wait() == 0);
    CHECK(vm.text_of(vm.files().serial_log).find("up\r\n") != std::string::npos);
}

TEST_CASE("storage alone is made without a source to install from", "[qemu][real]") {
    VmDirectory vm{Guest::Obeying};
    vm.remove_image();
    vm.append_to_configuration("HDDBOOTIMAGE_INST_SIZE=2M\n");

    vm.start({"--initmodeonly"});

    CHECK(vm.wait() == 0);
    CHECK(std::filesystem::file_size(vm.path() + "/web.img") == 2'097'152);
}

TEST_CASE("a saved state outlives an INIT that is refused", "[qemu][real]") {
    VmDirectory vm{Guest::Obeying};
    const auto note = qemu::state_note_path(vm.path() + "/web.ctys");
    std::ofstream{note} << qemu::to_text({.tag = "S4", .at = {1}});
    const int image = ::open((vm.path() + "/web.img").c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = F_RDLCK; // as QEMU holds it
    lock.l_whence = SEEK_SET;
    lock.l_start = 201;
    lock.l_len = 1;
    REQUIRE(::fcntl(image, F_OFD_SETLK, &lock) == 0);

    vm.start({"--initmodeonly", "--force", "--discard-state"});

    CHECK(vm.wait() == 5);
    CHECK(vm.output().find("web.img is in use") != std::string::npos);
    CHECK(std::filesystem::exists(note));
    ::close(image);
    vm.start({"--initmodeonly", "--force", "--discard-state"});
    CHECK(vm.wait() == 0);
    CHECK_FALSE(std::filesystem::exists(note));
}

TEST_CASE("what the caller has exported does not name a VM's media", "[qemu][real]") {
    VmDirectory vm{Guest::Idle};
    ::setenv("INSTSRCCDROM", "/etc/passwd", 1);

    vm.start({"--check", "--bootmode=CD"});
    const auto status = vm.wait();
    ::unsetenv("INSTSRCCDROM");

    CHECK(status == 2);
    CHECK(vm.output().find("no CD is named") != std::string::npos);
}

TEST_CASE("INIT over a disk that holds something is refused, unless forced", "[qemu][real]") {
    const bool force = GENERATE(false, true);
    VmDirectory vm{Guest::Obeying};
    const auto before = vm.text_of(vm.path() + "/web.img");

    vm.start(force ? std::vector<std::string>{"--initmodeonly", "--force"}
                   : std::vector<std::string>{"--initmodeonly"});

    CHECK(vm.wait() == (force ? 0 : 5));
    const auto after = vm.text_of(vm.path() + "/web.img");
    CHECK((after == before) == !force);
    CHECK(after.size() == before.size());
    if (!force) {
        CHECK(vm.output() == "ctys-qemu-call: " + place_of(vm, "HDDBOOTIMAGE") +
                                 "INIT would destroy what " + vm.path() +
                                 "/web.img holds; --force does so, the stage none keeps it\n");
    }
}

TEST_CASE("a target that is absent ends a check with 3", "[qemu][real]") {
    VmDirectory vm{Guest::Idle};

    vm.start({"--check", "--instmode=FDD%web.img%HDD%none.img"});

    CHECK(vm.wait() == 3);
    CHECK(vm.output().find("none.img does not exist; the stage INIT creates it") !=
          std::string::npos);
}

TEST_CASE("a boot mode without a word is refused and empties nothing", "[qemu][real]") {
    VmDirectory vm{Guest::Obeying};
    const auto before = vm.text_of(vm.path() + "/web.img");

    vm.start({"--initmodeonly", "--force", "--bootmode=", "--check"});

    CHECK(vm.wait() == 2);
    CHECK(vm.output().find("BOOTMODE, column 1, mode: \"\" is not CD") != std::string::npos);
    CHECK(vm.text_of(vm.path() + "/web.img") == before);
}

TEST_CASE("of an option that is given again the last one holds", "[qemu][real]") {
    VmDirectory vm{Guest::Idle};

    vm.start({"--print", "--bootmode=tape", "--bootmode=HDD"});

    CHECK(vm.wait() == 0);
    CHECK(vm.output().find("-boot order=c ") != std::string::npos);
}

TEST_CASE("a check names each problem with its key", "[qemu][real]") {
    VmDirectory vm{Guest::Idle};
    vm.remove_image();
    vm.append_to_configuration(
        "UUID=xyz\nMAC0=zz\nSTARTERCALL=qemu-system-none\nACCELERATOR=KVM\n");

    vm.start({"--check"});

    CHECK(vm.wait() == 1);
    CHECK(vm.output() ==
          "ctys-qemu-call: " + place_of(vm, "UUID") +
              "\"xyz\" is not a UUID\nctys-qemu-call: " + place_of(vm, "MAC0") +
              "\"zz\" is not a MAC address\nctys-qemu-call: " + place_of(vm, "HDDBOOTIMAGE") +
              vm.path() +
              "/web.img does not exist\nctys-qemu-call: " + place_of(vm, "STARTERCALL") +
              "qemu-system-none is not an executable in PATH, in "
              "/opt/qemu*/bin or by absolute path\n");
}

TEST_CASE("a check names a CPU, a board and a network card that QEMU does not know",
          "[qemu][real]") {
    VmDirectory vm{Guest::Idle};
    vm.append_to_configuration("CPU=nosuch\nMACHINE=nowhere\nNETWORK=user\nNIC=zz\n");

    vm.start({"--check"});

    CHECK(vm.wait() == 1);
    const auto says = [&](const std::string& key, const std::string& text) {
        return vm.output().find("ctys-qemu-call: " + place_of(vm, key) + text) != std::string::npos;
    };
    CHECK(says("CPU", "QEMU knows no CPU nosuch; /"));
    CHECK(says("MACHINE", "QEMU knows no board nowhere; /"));
    CHECK(says("NIC", "QEMU knows no network card zz; /"));
}

TEST_CASE("QEMU's own words are kept when it refuses to start", "[qemu][real]") {
    VmDirectory vm{Guest::Idle};

    vm.start({"--argsadd=-device no-such-device"});

    CHECK(vm.wait() == 1);
    CHECK(vm.text_of(vm.files().stderr_log).find("'no-such-device' is not a valid device") !=
          std::string::npos);
    const auto ending = ending_from_files(vm);
    CHECK(ending.by == EndedBy::Crash);
    CHECK(ending.exit_code == 1);
}
