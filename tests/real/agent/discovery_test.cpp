#include "agent/discovery/discovery.h"
#include "agent/discovery/owner.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/real_qemu.h"
#include "tests/support/recording_discovery.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>

using namespace ctys;
using namespace ctys::agent;
using namespace ctys::support;
using namespace std::chrono_literals;

namespace {

std::uint32_t pid_of(const RealQemu& qemu) {
    return static_cast<std::uint32_t>(qemu.pid());
}

} // namespace

TEST_CASE("a QEMU started by hand is found with its sockets and images", "[discovery]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    std::ofstream(dir / "disk.img") << std::string(65536, '\0');
    RealQemu qemu(fixture.loop,
                  {"-qmp",
                   "unix:" + (dir / "m") + ",server=on,wait=off",
                   "-drive",
                   "if=none,id=d,format=raw,file=" + (dir / "disk.img")});
    RecordingDiscovery seen;
    // What it opens late is there once its monitor is.
    fixture.run_until([&] { return std::filesystem::exists(dir / "m"); });

    const auto discovery = Discovery::start(fixture.loop, {.probe = CTYS_PROBE}, seen.callbacks());
    fixture.run_until([&] { return seen.find(pid_of(qemu)) != nullptr; });

    const auto& facts = *seen.find(pid_of(qemu));
    CHECK(facts.sockets == std::vector<std::string>{dir / "m"});
    CHECK(std::count(facts.argv.begin(), facts.argv.end(), "-S") == 1);
    CHECK(std::filesystem::path(facts.executable).filename() == "qemu-system-x86_64");
    CHECK(decide_owner(facts, "/run/ctys/agent").owner == Owner::ByHand);
    // The drive is opened after the monitor's socket, so it is either there or not yet.
    // Whoever ran the test may have left files of its own open in it: those do not count.
    for (const auto& file : facts.open_files) {
        if (file.starts_with(dir / "")) CHECK(file == dir / "disk.img");
    }
}

TEST_CASE("a killed QEMU is reported with its signal where the kernel tells", "[discovery]") {
    LoopFixture fixture;
    RecordingDiscovery seen;
    const auto discovery =
        Discovery::start(fixture.loop, {.probe = CTYS_PROBE, .period = 50ms}, seen.callbacks())
            .value();
    fixture.run_until([&] { return seen.settled; });
    RealQemu qemu(fixture.loop, {});
    fixture.run_until([&] { return seen.find(pid_of(qemu)) != nullptr; });

    qemu.kill(SIGKILL);
    fixture.run_until([&] { return seen.find_exit(pid_of(qemu)) != nullptr; });

    const auto status = seen.find_exit(pid_of(qemu))->wait_status;
    if (discovery->visibility().has_connector) {
        REQUIRE(status);
        CHECK(WTERMSIG(*status) == SIGKILL);
    } else {
        CHECK_FALSE(status);
    }
}

TEST_CASE("of a QEMU that daemonizes only the one that stays is reported", "[discovery]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    RecordingDiscovery seen;
    const auto discovery =
        Discovery::start(fixture.loop, {.probe = CTYS_PROBE, .period = 10ms}, seen.callbacks())
            .value();
    fixture.run_until([&] { return seen.settled; });

    RealQemu launcher(fixture.loop, {"-daemonize", "-pidfile", dir / "pid"});
    fixture.run_until([&] { return launcher.result().has_value(); });
    std::uint32_t daemon = 0;
    std::ifstream(dir / "pid") >> daemon;
    REQUIRE(daemon != 0);
    fixture.run_until([&] { return seen.find(daemon) != nullptr; });

    CHECK(seen.count(daemon) == 1);
    CHECK(seen.find(pid_of(launcher)) == nullptr);
    CHECK(discovery->send_signal(seen.find(daemon)->key, SIGKILL));
    fixture.run_until([&] { return seen.find_exit(daemon) != nullptr; });
}
