#include "tests/integration/agent/scanner/pool_fixture.h"

#include <csignal>
#include <sys/stat.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::agent;
using namespace ctys::support;

namespace {

std::size_t max_queued_events() {
    std::ifstream file("/proc/sys/fs/inotify/max_queued_events");
    std::size_t value = 0;
    file >> value;
    return value;
}

} // namespace

TEST_CASE("a VM directory that is made, changed and deleted is told", "[scanner]") {
    PoolFixture f;
    f.start_and_scan();

    f.write_vm("web");
    f.run_until([&] { return f.has("web/web.ctys"); });
    f.write_vm("web", "#@#VMSTATE = \"ACTIVE\"\n");
    f.run_until([&] { return f.found.at("web/web.ctys").path.vmstate == "ACTIVE"; });
    std::filesystem::remove_all(f.at("web"));
    f.run_until([&] { return f.is_gone("web/web.ctys"); });

    CHECK(f.altered >= 1);
    CHECK(f.pool.pool.vms == 0);
}

TEST_CASE("a file that a configuration sources completes it, and its change is told", "[scanner]") {
    PoolFixture f;
    f.write("web/lab.inc", "MEMSIZE=32\n#@#OS = \"Linux\"\n");
    f.write("web/web.conf", "#@#MAGICID-IGNORE\n#@#DIST = \"debian\"\n#@#OS = \"other\"\n");
    f.write_vm("web", ". ./lab.inc\n");
    f.start_and_scan();
    const auto key = [&](std::string_view name) {
        return std::string{find_setting(f.found.at("web/web.ctys").vm.settings, name)};
    };
    CHECK(f.found.at("web/web.ctys").vm.memory_mb == 32);
    CHECK(key("OS") == "Linux");
    CHECK(key("DIST") == "debian");

    f.write("web/lab.inc", "MEMSIZE=64\n");
    f.run_until([&] { return f.found.at("web/web.ctys").vm.memory_mb == 64; });
    CHECK(key("OS") == "other");
    f.write("web/web.vmx", "#@#OS = \"vmx\"\n");
    f.run_until([&] { return key("OS") == "vmx"; });
    std::filesystem::remove(f.at("web/lab.inc"));
    f.run_until([&] { return f.found.at("web/web.ctys").vm.memory_mb == 0; });
}

TEST_CASE("nothing outside of the folder, and no other VM, completes a configuration",
          "[scanner]") {
    PoolFixture f;
    f.write("secret.conf", "#@#OS = \"secret\"\n");
    f.write_vm("web", ". ./link.conf\n. ../secret.conf\n. ./fifo\n. ./big.conf\n");
    std::filesystem::create_symlink("../secret.conf", f.at("web/link.conf"));
    REQUIRE(::mkfifo(f.at("web/fifo").c_str(), 0600) == 0);
    f.write("web/big.conf", "#@#OS = \"big\"\n" + std::string(30'000, '#'));
    // Another VM in its folder, whose name is that of the folder.
    f.write("web/test.ctys", "#@#MAGICID-QEMU\n#@#LABEL = \"test\"\n");
    f.write("web/web.ctys",
            std::string{"#@#MAGICID-QEMU\n#@#LABEL = \"web\"\n"} +
                "#@#UUID = \"91d24b1a-0b2c-4d3e-8f90-0123456789ab\"\n"
                ". ./link.conf\n. ../secret.conf\n. ./fifo\n. ./big.conf\n");
    f.start_and_scan();

    CHECK(find_setting(f.found.at("web/web.ctys").vm.settings, "OS").empty());
    CHECK(find_setting(f.found.at("web/test.ctys").vm.settings, "UUID").empty());
}

TEST_CASE("what another account keeps to itself completes no configuration", "[scanner]") {
    if (::geteuid() != 0) {
        WARN("nothing is shown: only root can give a file away");
        return;
    }
    PoolFixture f;
    f.write_vm("web", ". ./secret.inc\n. ./lab.inc\n");
    f.write("web/secret.inc", "TOKEN=abc\n");
    f.write("web/lab.inc", "SEEN=yes\n");
    const auto give = [&](const char* name, uid_t to, mode_t mode) {
        REQUIRE(::chown(f.at(name).c_str(), to, to) == 0);
        REQUIRE(::chmod(f.at(name).c_str(), mode) == 0);
    };
    give("web/web.ctys", 54321, 0644);
    give("web/secret.inc", 12345, 0600);
    give("web/lab.inc", 12345, 0640);
    f.start_and_scan();

    const auto& settings = f.found.at("web/web.ctys").vm.settings;
    CHECK(find_setting(settings, "SEEN") == "yes");
    CHECK(find_setting(settings, "TOKEN").empty());
}

TEST_CASE("a renamed directory is one path gone and one found, and is watched", "[scanner]") {
    PoolFixture f;
    f.write_vm("a/web");
    f.write("a/web/web.ctys", "#@#MAGICID-QEMU\n");
    f.start_and_scan();
    REQUIRE(f.has("a/web/web.ctys"));

    std::filesystem::rename(f.at("a"), f.at("b"));
    f.run_until([&] { return f.has("b/web/web.ctys") && f.is_gone("a/web/web.ctys"); });
    std::filesystem::remove(f.at("b/web/web.ctys"));
    f.run_until([&] { return f.is_gone("b/web/web.ctys"); });

    CHECK(f.found.size() == 1);
}

TEST_CASE("a wrapper that becomes writable for others changes its path", "[scanner]") {
    PoolFixture f;
    f.write_vm("web");
    f.write("web/web.sh", "#!/bin/bash\n");
    f.start_and_scan();
    REQUIRE(f.found.at("web/web.ctys").path.runnable);

    std::filesystem::permissions(f.at("web/web.sh"), std::filesystem::perms{0777});

    f.run_until([&] { return !f.found.at("web/web.ctys").path.runnable; });
}

TEST_CASE("events that the kernel dropped lead to a scan of everything", "[scanner]") {
    PoolFixture f;
    f.write("busy/keep.txt", "");
    f.start_and_scan();
    const auto burst = max_queued_events() + 1000;
    REQUIRE(burst < 100'000);
    const auto helper = f.scanner->helper_pid(f.root());

    REQUIRE(::kill(helper, SIGSTOP) == 0);
    const auto x = f.at("busy/x");
    const auto y = f.at("busy/y");
    REQUIRE(::mkdir(x.c_str(), 0700) == 0);
    for (std::size_t i = 0; i < burst; i += 2) {
        ::rename(x.c_str(), y.c_str());
        ::rename(y.c_str(), x.c_str());
    }
    f.write_vm("web");
    REQUIRE(::kill(helper, SIGCONT) == 0);

    f.run_until([&] { return f.has("web/web.ctys"); });
}

TEST_CASE("a pool that is not watched is polled, with the reason", "[scanner]") {
    PoolFixture f;
    auto settings = PoolFixture::settings();
    settings.poll_period = std::chrono::milliseconds{50};
    PoolSettings unwatched;
    unwatched.watch = false;
    f.start_and_scan(settings, unwatched);
    REQUIRE_FALSE(f.pool.watching);
    CHECK(f.pool.polling_reason == "watching is switched off");

    f.write_vm("web");

    f.run_until([&] { return f.has("web/web.ctys"); });
}

TEST_CASE("a pool that hangs is stalled within the deadline and comes back", "[scanner]") {
    PoolFixture f;
    f.write_vm("web");
    auto settings = PoolFixture::settings();
    settings.deadline = std::chrono::milliseconds{300};
    settings.ping_period = std::chrono::milliseconds{50};
    f.start_and_scan(settings);
    const auto helper = f.scanner->helper_pid(f.root());
    REQUIRE(helper > 0);

    REQUIRE(::kill(helper, SIGSTOP) == 0);
    f.run_until([&] { return f.pool.pool.health == PoolHealth::Stalled; });
    CHECK(f.health.at("web/web.ctys") == PathHealth::Stalled);
    CHECK(f.pool.pool.reason.starts_with("mount has not answered for "));
    f.run_until([&] { return f.pool.pool.health == PoolHealth::Good; });

    CHECK(f.health.at("web/web.ctys") == PathHealth::Good);
    CHECK(f.gone.empty());
    CHECK(f.scanner->helper_pid(f.root()) != helper);
}

TEST_CASE("requests to a pool that stalls end as unreachable", "[scanner]") {
    PoolFixture f;
    auto settings = PoolFixture::settings();
    settings.deadline = std::chrono::milliseconds{300};
    f.start_and_scan(settings);
    std::vector<ErrorCode> errors;
    const auto keep = [&](const Status& status) { errors.push_back(status.error().code); };

    REQUIRE(::kill(f.scanner->helper_pid(f.root()), SIGSTOP) == 0);
    f.scanner->scan(f.root(), keep);
    f.scanner->scan_directory(f.at("a"), keep);
    f.run_until([&] { return errors.size() == 2; });

    CHECK(errors == std::vector{ErrorCode::Unreachable, ErrorCode::Unreachable});
    f.scanner->scan("/no/such/pool", keep);
    CHECK(errors.back() == ErrorCode::NotFound);
}

TEST_CASE("a scanner that is dropped in the middle of a scan leaves nothing behind", "[scanner]") {
    PoolFixture f;
    bool called = false;
    f.start();
    f.run_until([&] { return f.scanner->helper_pid(f.root()) > 0; });
    f.scanner->scan(f.root(), [&](const Status&) { called = true; });

    f.scanner.reset();
    f.run_until([&] { return f.fixture.loop.open_handles().empty(); }); // Reaped.

    CHECK_FALSE(called);
}

TEST_CASE("a helper that cannot be started is a stalled pool with its reason", "[scanner]") {
    PoolFixture f;
    auto settings = PoolFixture::settings();
    settings.helper = "/no/such/program";

    f.start_and_scan(settings);

    CHECK(f.pool.pool.health == PoolHealth::Stalled);
    CHECK(f.pool.pool.reason.find("/no/such/program") != std::string::npos);
}

TEST_CASE("a helper that breaks the protocol is given up and replaced", "[scanner]") {
    PoolFixture f;
    auto settings = PoolFixture::settings();
    settings.helper = "/bin/ls"; // Writes names where frames are expected.
    f.write("aaaaaaaaaaaaaaaa", "");

    f.start(settings);
    f.run_until([&] { return f.scans >= 2; });

    CHECK(f.pool.pool.health == PoolHealth::Stalled);
}

TEST_CASE("a pool whose root is gone is missing and its paths are stale", "[scanner]") {
    PoolFixture f;
    f.write_vm("web");
    auto settings = PoolFixture::settings();
    settings.ping_period = std::chrono::milliseconds{50};
    settings.poll_period = std::chrono::milliseconds{50};
    f.start_and_scan(settings);

    std::filesystem::rename(f.root(), f.dir / "elsewhere");
    f.run_until([&] { return f.pool.pool.health == PoolHealth::Missing; });
    CHECK(f.health.at("web/web.ctys") == PathHealth::Stale);
    std::filesystem::rename(f.dir / "elsewhere", f.root());
    f.run_until([&] { return f.pool.pool.health == PoolHealth::Good; });

    CHECK(f.health.at("web/web.ctys") == PathHealth::Good);
    CHECK(f.gone.empty());
}

TEST_CASE("a mount point without its storage gets no new marker", "[scanner]") {
    PoolFixture f;
    f.write_vm("web");
    auto settings = PoolFixture::settings();
    settings.poll_period = std::chrono::milliseconds{50};
    f.start_and_scan(settings);
    const auto known = f.scanner->known();
    REQUIRE(known.size() == 1);
    f.scanner.reset();
    std::filesystem::rename(f.root(), f.dir / "elsewhere");
    std::filesystem::create_directory(f.root());

    f.scans = 0;
    f.start(settings, {}, known);
    f.run_until([&] { return f.scans > 0; });

    CHECK(f.pool.pool.health == PoolHealth::Missing);
    CHECK(f.health.at("web/web.ctys") == PathHealth::Stale);
    CHECK_FALSE(std::filesystem::exists(f.at(".ctys-pool")));
}

TEST_CASE("what vanished while no scanner ran is told by the next one", "[scanner]") {
    PoolFixture f;
    f.write_vm("web");
    f.write_vm("db");
    f.start_and_scan();
    const auto known = f.scanner->known();
    f.scanner.reset();
    std::filesystem::remove_all(f.at("db"));
    f.found.clear();

    f.scans = 0;
    f.start(PoolFixture::settings(), {}, known);
    f.run_until([&] { return f.scans > 0; });

    CHECK(f.gone == std::vector<std::string>{"db/db.ctys"});
    CHECK(f.found.empty());
    CHECK(f.pool.pool.vms == 1);
}
