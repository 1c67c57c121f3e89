#include "agent/discovery/discovery.h"
#include "agent/discovery/proc_reader.h"
#include "tests/support/fake_qemu.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/recording_discovery.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::agent;
using namespace ctys::support;
using namespace std::chrono_literals;

namespace {

Discovery::Options options(bool use_connector) {
    return {
        .probe = CTYS_PROBE, .period = 20ms, .probe_deadline = 10s, .use_connector = use_connector};
}

} // namespace

TEST_CASE("a QEMU that runs already is found with its facts", "[discovery]") {
    LoopFixture fixture;
    FakeQemuFolder folder;
    TestChild qemu(fixture.loop, {folder.program(), "60"});
    RecordingDiscovery seen;

    const auto discovery = Discovery::start(fixture.loop, options(false), seen.callbacks());
    REQUIRE(discovery);
    fixture.run_until([&] { return seen.settled && seen.find(qemu.pid()) != nullptr; });

    const auto facts = *seen.find(qemu.pid());
    CHECK(facts.key.boot == (*discovery)->boot().id);
    CHECK(facts.argv == std::vector<std::string>{folder.program(), "60"});
    CHECK(facts.executable == folder.program());
    CHECK(facts.uid == ::geteuid());
    CHECK(facts.parent_pid == static_cast<std::uint32_t>(::getpid()));
    CHECK(facts.missing.empty());
    const auto age = fixture.loop.now().wall - facts.started;
    CHECK((age > -1s && age < 60s));
}

TEST_CASE("a QEMU that starts and ends is reported once, in this order", "[discovery]") {
    LoopFixture fixture;
    FakeQemuFolder folder;
    RecordingDiscovery seen;
    const bool use_connector = GENERATE(false, true);
    const auto discovery =
        Discovery::start(fixture.loop, options(use_connector), seen.callbacks()).value();
    fixture.run_until([&] { return seen.settled; });

    TestChild qemu(fixture.loop, {folder.program(), "60"});
    fixture.run_until([&] { return seen.find(qemu.pid()) != nullptr; });
    CHECK(seen.find_exit(qemu.pid()) == nullptr);
    qemu.kill(SIGKILL);
    fixture.run_until([&] { return seen.find_exit(qemu.pid()) != nullptr; });

    CHECK(seen.find_exit(qemu.pid())->key == seen.find(qemu.pid())->key);
    CHECK(seen.count(qemu.pid()) == 1);
    const auto visibility = discovery->visibility();
    CHECK(visibility.has_connector == visibility.why_no_connector.empty());
    if (visibility.has_connector) {
        const auto status = seen.find_exit(qemu.pid())->wait_status;
        REQUIRE(status);
        CHECK(WIFSIGNALED(*status));
        CHECK(WTERMSIG(*status) == SIGKILL);
    } else {
        CHECK_FALSE(seen.find_exit(qemu.pid())->wait_status);
    }
}

TEST_CASE("a wrapper that becomes a QEMU by exec is found", "[discovery]") {
    LoopFixture fixture;
    FakeQemuFolder folder;
    RecordingDiscovery seen;
    const auto go = folder.dir() / "go";
    REQUIRE(::mkfifo(go.c_str(), 0600) == 0);
    TestChild wrapper(
        fixture.loop,
        {"/bin/sh", "-c", "read line < " + go + "; exec " + folder.program() + " 60"});
    const auto discovery = Discovery::start(fixture.loop, options(false), seen.callbacks());
    fixture.run_until([&] { return seen.settled; });
    CHECK(seen.find(wrapper.pid()) == nullptr);

    // Opens for writing at once, whether the shell has come to its read or not.
    const loop::UniqueFd fifo(::open(go.c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(::write(fifo.value(), "go\n", 3) == 3);
    fixture.run_until([&] { return seen.find(wrapper.pid()) != nullptr; });

    CHECK(seen.find(wrapper.pid())->argv.back() == "60");
}

TEST_CASE("an upgraded executable does not hide its process", "[discovery]") {
    LoopFixture fixture;
    FakeQemuFolder folder;
    TestChild qemu(fixture.loop, {folder.program(), "60"});
    std::filesystem::remove(folder.program());
    RecordingDiscovery seen;

    const auto discovery = Discovery::start(fixture.loop, options(false), seen.callbacks());
    fixture.run_until([&] { return seen.find(qemu.pid()) != nullptr; });

    CHECK(seen.find(qemu.pid())->executable == folder.program());
}

TEST_CASE("signals reach the reported process and no other", "[discovery]") {
    LoopFixture fixture;
    FakeQemuFolder folder;
    TestChild qemu(fixture.loop, {folder.program(), "60"});
    RecordingDiscovery seen;
    const auto discovery = Discovery::start(fixture.loop, options(false), seen.callbacks()).value();
    fixture.run_until([&] { return seen.find(qemu.pid()) != nullptr; });
    const auto key = seen.find(qemu.pid())->key;
    auto predecessor = key;
    predecessor.start_ticks -= 1;

    CHECK(discovery->send_signal(predecessor, SIGTERM).error().code == ErrorCode::NotFound);
    CHECK(discovery->send_signal(key, SIGTERM));
    fixture.run_until([&] { return seen.find_exit(qemu.pid()) != nullptr && qemu.result(); });

    CHECK(qemu.result()->term_signal == SIGTERM);
    CHECK(discovery->send_signal(key, SIGTERM).error().code == ErrorCode::NotFound);
}

TEST_CASE("a probe that hangs or is missing costs facts, not the process", "[discovery]") {
    LoopFixture fixture;
    FakeQemuFolder folder;
    const bool hangs = GENERATE(false, true);
    // Given a pid, sleep is a reader that is stuck.
    auto with = options(false);
    with.probe = hangs ? "/bin/sleep" : folder.dir() / "none";
    with.probe_deadline = 50ms;
    TestChild qemu(fixture.loop, {folder.program(), "60"});
    RecordingDiscovery seen;

    const auto discovery = Discovery::start(fixture.loop, with, seen.callbacks());
    fixture.run_until([&] { return seen.settled && seen.find(qemu.pid()) != nullptr; });

    CHECK(seen.find(qemu.pid())->argv.empty());
    CHECK_FALSE(seen.find(qemu.pid())->missing.empty());
    CHECK_FALSE(seen.find(qemu.pid())->started.is_none());
    qemu.kill(SIGKILL);
    fixture.run_until([&] { return seen.find_exit(qemu.pid()) != nullptr; });
}

TEST_CASE("a process that has given up its arguments is asked again", "[discovery]") {
    LoopFixture fixture;
    FakeQemuFolder folder;
    auto with = options(false);
    with.probe = folder.dir() / "probe";
    const std::string mark = folder.dir() / "asked";
    std::ofstream{with.probe} << "#!/bin/sh\nif mkdir " << mark << " 2>/dev/null\nthen "
                              << CTYS_PROBE
                              << " \"$@\" | sed 's/^cmdline .*/cmdline 0:/'\nelse exec "
                              << CTYS_PROBE << " \"$@\"\nfi\n";
    REQUIRE(::chmod(with.probe.c_str(), 0700) == 0);
    TestChild qemu(fixture.loop, {folder.program(), "60"});
    RecordingDiscovery seen;

    const auto discovery = Discovery::start(fixture.loop, with, seen.callbacks());
    fixture.run_until([&] { return seen.settled && seen.find(qemu.pid()) != nullptr; });

    CHECK(std::filesystem::exists(mark));
    CHECK(seen.find(qemu.pid())->argv == std::vector<std::string>{folder.program(), "60"});
    CHECK(seen.count(qemu.pid()) == 1);
}

TEST_CASE("discovery stops while it is at work", "[discovery]") {
    LoopFixture fixture;
    FakeQemuFolder folder;
    TestChild qemu(fixture.loop, {folder.program(), "60"});
    RecordingDiscovery seen;
    auto discovery = Discovery::start(fixture.loop, options(true), seen.callbacks()).value();
    fixture.loop.run_once_for(Duration{0});

    discovery.reset();
    fixture.drain();

    CHECK(seen.appeared.empty());
}

TEST_CASE("one look gives what runs now", "[discovery]") {
    LoopFixture fixture;
    FakeQemuFolder folder;
    TestChild one(fixture.loop, {folder.program(), "60"});
    TestChild two(fixture.loop, {folder.program(), "61"});

    const auto facts = discover_once(fixture.loop, CTYS_PROBE, LoopFixture::patience);

    REQUIRE(facts);
    for (const auto pid : {one.pid(), two.pid()}) {
        CHECK(std::count_if(facts->begin(), facts->end(), [&](const auto& each) {
                  return each.key.pid == pid;
              }) == 1);
    }
}

TEST_CASE("two hundred QEMUs are found and a quiet poll of them costs little", "[discovery]") {
    LoopFixture fixture;
    FakeQemuFolder folder;
    std::vector<std::unique_ptr<TestChild>> qemus;
    for (int i = 0; i < 200; ++i) {
        qemus.push_back(std::make_unique<TestChild>(
            fixture.loop, std::vector<std::string>{folder.program(), "60"}));
    }
    RecordingDiscovery seen;
    const auto discovery = Discovery::start(fixture.loop, options(true), seen.callbacks());
    const auto all = [&](const auto& holds) {
        return std::all_of(qemus.begin(), qemus.end(), holds);
    };
    fixture.run_until(
        [&] { return all([&](const auto& qemu) { return seen.find(qemu->pid()) != nullptr; }); });

    auto reader = ProcReader::open().value();
    PollPlan plan;
    const auto poll = [&] {
        for (const auto pid : plan.next(reader.list().value())) {
            plan.note(pid, reader.look(pid));
        }
    };
    const auto cpu = [] {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return Duration{std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000};
    };
    poll();
    auto best = Duration::max();
    for (int i = 0; i < 20; ++i) {
        const auto before = cpu();
        poll();
        best = std::min(best, cpu() - before);
    }
    INFO("a poll needs " << best.count() << " us of CPU");
    // 5 ms each second would be the whole budget of an idle agent; sanitizers cost a factor.
    CHECK(best < 5ms);

    for (const auto& qemu : qemus) {
        qemu->kill(SIGKILL);
    }
    fixture.run_until([&] {
        return all([&](const auto& qemu) { return seen.find_exit(qemu->pid()) != nullptr; });
    });
}
