#include "tests/unit/agent/core/core_fixture.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;
using Answer = msg::HandGrant::Answer;

namespace {

constexpr auto root = "/p";

PathFacts configured(unsigned number, OnBoot on_boot, std::vector<std::string> after = {}) {
    PathFacts facts;
    facts.vm.id = facts.path.vm = CoreFixture::vm(number);
    facts.vm.label = fmt::format("vm{}", number);
    facts.vm.on_boot = on_boot;
    facts.vm.start_after = std::move(after);
    facts.path.config = fmt::format("/p/{}.ctys", number);
    facts.path.wrapper = fmt::format("/p/{}.sh", number);
    facts.path.pool_root = root;
    return facts;
}

/// What the last life of the agent remembers, in another boot.
Recovered before(std::vector<VmId> ran = {}) {
    Recovered recovered;
    recovered.memory.boot = BootId{Uuid::from_name({}, "the boot before")};
    recovered.memory.ran = std::move(ran);
    return recovered;
}

/// The first agent of a boot, welcomed by its broker.
struct Booted : CoreFixture {
    explicit Booted(const std::vector<PathFacts>& known,
                    Recovered recovered = before(),
                    Duration survey_patience = {})
        : CoreFixture(std::move(recovered), {}, known, {}, {}, survey_patience) {}

    [[nodiscard]] std::vector<std::string> asked() const {
        std::vector<std::string> labels;
        for (const auto& one : answers<msg::HandStart>()) {
            labels.push_back(one.label);
        }
        return labels;
    }
    ActionId action(unsigned number) const {
        for (const auto& one : answers<msg::HandStart>()) {
            if (one.vm == vm(number)) return one.action;
        }
        return {};
    }
    void answer(unsigned number, Answer answer, std::string reason = {}) {
        tell(msg::HandGrant{
            .action = action(number), .answer = answer, .token = 5, .reason = std::move(reason)});
    }
    /// Its wrapper and its QEMU do what they should.
    void come_up(unsigned number, ActionId id) {
        InstanceRecord record{.key = key(100 + number),
                              .vm = vm(number),
                              .label = fmt::format("vm{}", number),
                              .managed = true,
                              .owner = Owner::Ctys,
                              .state = VmState::Starting};
        record.started_by = id;
        input(Appeared{std::move(record)});
        monitor_up(100 + number, VmState::Starting);
        if (!answers<msg::Confirm>().empty()) tell(msg::Confirmed{id, true, {}});
        const auto commands = done<MonitorCommand>();
        REQUIRE(!commands.empty());
        REQUIRE(commands.back().command == Monitor::Cont);
        input(
            MonitorReply{.key = key(100 + number), .number = commands.back().number, .reason = {}});
    }
    void start(unsigned number) {
        answer(number, Answer::Granted);
        come_up(number, action(number));
    }
    void wait(Duration span) {
        for (; span > 0ms; span -= 1s) {
            live(1s);
            fire({.kind = TimerKind::Boot, .instance = {}, .action = {}});
        }
    }
    [[nodiscard]] std::vector<std::string> not_started() const {
        std::vector<std::string> texts;
        for (const auto& event : events(EventKind::VmChanged)) {
            texts.push_back(event.label + ": " + event.text);
        }
        return texts;
    }
};

using Labels = std::vector<std::string>;

} // namespace

TEST_CASE("on boot what is to be started is, with a lease", "[agent]") {
    Booted host{{configured(1, OnBoot::Start),
                 configured(2, OnBoot::No),
                 configured(3, OnBoot::LikeBefore),
                 configured(4, OnBoot::LikeBefore)},
                before({CoreFixture::vm(3), CoreFixture::vm(2)})};

    CHECK(host.asked() == Labels{"vm1", "vm3"});
    host.start(1);

    const auto running = host.events(EventKind::Running);
    REQUIRE(running.size() == 1);
    CHECK(running[0].by == "boot");
    CHECK(host.answers<msg::Confirm>().size() == 1);
}

TEST_CASE("a start with the machine says that nobody has asked for it", "[agent]") {
    const Booted host({configured(1, OnBoot::Start)});

    const auto asked = host.answers<msg::HandStart>();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].on_boot);
}

TEST_CASE("on boot nothing is started before the survey has judged KVM", "[agent]") {
    Booted host{
        {configured(1, OnBoot::Start), configured(2, OnBoot::Start, {"vm1"})}, before(), 3min};

    host.wait(20s);
    CHECK(host.asked().empty());
    CHECK(host.not_started().empty());

    host.input(SurveyEnded{});
    CHECK(host.asked() == Labels{"vm1"});
    host.start(1);
    CHECK(host.asked() == Labels{"vm1", "vm2"});
}

TEST_CASE("a survey that never ends delays a start on boot for its own time only", "[agent]") {
    Booted host{{configured(1, OnBoot::Start)}, before(), 3min};

    host.wait(179s);
    CHECK(host.asked().empty());
    host.wait(2s);

    CHECK(host.asked() == Labels{"vm1"});
}

TEST_CASE("a VM that a person starts while the survey runs is not delayed, nor started again",
          "[agent]") {
    Booted host{{configured(1, OnBoot::Start)}, before(), 3min};
    host.wait(2s);
    Action by_hand{.token = 7};
    by_hand.config = "/p/1.ctys";

    const auto id = host.order(Verb::Start, 1, by_hand);

    REQUIRE(host.done<Launch>().size() == 1);
    host.come_up(1, id);
    host.input(SurveyEnded{});
    CHECK(host.asked().empty());
}

TEST_CASE("a machine that goes down while the survey runs starts nothing after it", "[agent]") {
    Booted host{{configured(1, OnBoot::Start)}, before(), 3min};
    host.wait(2s);

    host.input(StopAsked{.deadline = {}, .why = "host stops"});
    host.input(SurveyEnded{});

    CHECK(host.asked().empty());
}

TEST_CASE("the same boot starts nothing twice", "[agent]") {
    Recovered recovered = before();
    recovered.memory.boot = CoreFixture::worker().boot;

    const Booted host{{configured(1, OnBoot::Start)}, std::move(recovered)};

    CHECK(host.asked().empty());
}

TEST_CASE("the boot is remembered with the first news", "[agent]") {
    Booted host{{configured(1, OnBoot::Start)}};
    host.start(1);

    REQUIRE(host.memory());
    CHECK(host.memory()->boot == CoreFixture::worker().boot);
}

TEST_CASE("a VM starts after those it names run", "[agent]") {
    Booted host{{configured(1, OnBoot::Start, {"vm2", "unknown"}), configured(2, OnBoot::Start)}};

    CHECK(host.asked() == Labels{"vm2"});
    host.start(2);
    CHECK(host.asked() == Labels{"vm2", "vm1"});
}

TEST_CASE("a VM is not started when what it needs was not", "[agent]") {
    Booted host{{configured(1, OnBoot::Start, {"vm2"}), configured(2, OnBoot::Start)}};
    host.answer(2, Answer::Granted);

    host.input(LaunchEnded{.action = host.action(2), .exit_code = 1, .output = "no image"});

    CHECK(host.not_started() ==
          Labels{"vm2: not started on boot: it could not be started",
                 "vm1: not started on boot: what it starts after was not started"});
    CHECK(host.asked() == Labels{"vm2"});
}

TEST_CASE("VMs that wait for each other are told, and the others start", "[agent]") {
    Booted host{{configured(1, OnBoot::Start, {"vm2"}),
                 configured(2, OnBoot::Start, {"vm1"}),
                 configured(3, OnBoot::Start)}};
    host.start(3);

    CHECK(host.asked() == Labels{"vm3"});
    CHECK(host.not_started() ==
          Labels{"vm1: not started on boot: STARTAFTER makes a circle: it waits for vm2",
                 "vm2: not started on boot: STARTAFTER makes a circle: it waits for vm1"});
}

TEST_CASE("few VMs start at the same time", "[agent]") {
    std::vector<PathFacts> known;
    for (unsigned number = 1; number <= 10; ++number) {
        known.push_back(configured(number, OnBoot::Start));
    }
    Booted host{known};

    CHECK(host.asked().size() == BootStarts::width);
    host.start(1);
    CHECK(host.asked().size() == BootStarts::width + 1);
}

TEST_CASE("a broker that has just begun is asked again", "[agent]") {
    Booted host{{configured(1, OnBoot::Start)}};
    host.answer(1, Answer::Refused, "the broker has just begun");
    host.wait(BootStarts::ask_again);

    CHECK(host.asked().size() == 2);
    SECTION("until it grants") {
        host.start(1);
        CHECK(host.events(EventKind::Running).size() == 1);
    }
    SECTION("or for so long") {
        for (int i = 0; i < 20; ++i) {
            host.answer(1, Answer::Refused, "running on w2 (pid 7)");
            host.wait(BootStarts::ask_again);
        }
        CHECK(host.not_started() == Labels{"vm1: not started on boot: running on w2 (pid 7)"});
        CHECK(host.asked().size() < 20);
    }
}

namespace {

/// The first agent of a boot, whose broker is away.
struct Lonely : Booted {
    explicit Lonely(bool shared, Duration survey_patience = {})
        : Booted{{configured(1, OnBoot::Start)}, before(), survey_patience} {
        auto record = worker();
        record.pools.push_back({.root = root, .shared = shared});
        input(FactsChanged{std::move(record)});
        // It was asked before it went away.
        forget_deeds();
        wait_silently(BootStarts::lone_after + 10s);
    }
    void wait_silently(Duration span) {
        for (; span > 0ms; span -= 1s) {
            pass(1s);
            fire({.kind = TimerKind::Uplink, .instance = {}, .action = {}});
            fire({.kind = TimerKind::Boot, .instance = {}, .action = {}});
        }
    }
};

} // namespace

TEST_CASE("without a broker a VM on a local pool starts alone", "[agent]") {
    Lonely host{/*shared=*/false};

    const auto launches = host.done<Launch>();
    REQUIRE(launches.size() == 1);
    host.come_up(1, launches[0].action);
    CHECK(host.events(EventKind::Running).size() == 1);
}

TEST_CASE("without a broker a VM on a local pool waits for the survey, and no longer", "[agent]") {
    Lonely host{/*shared=*/false, 3min};
    CHECK(host.done<Launch>().empty());

    host.input(SurveyEnded{});

    CHECK(host.done<Launch>().size() == 1);
}

TEST_CASE("without a broker nothing on shared storage starts", "[agent]") {
    Lonely host{/*shared=*/true};
    CHECK(host.done<Launch>().empty());

    host.wait_silently(BootStarts::broker_patience);

    CHECK(host.done<Launch>().empty());
    REQUIRE(host.not_started().size() == 1);
    CHECK(host.not_started()[0].find("no broker answers") != std::string::npos);
}

TEST_CASE("a machine that goes down again starts nothing more", "[agent]") {
    Booted host{{configured(1, OnBoot::Start), configured(2, OnBoot::Start, {"vm1"})}};

    host.input(StopAsked{.deadline = 10s, .why = "host stops"});
    host.answer(1, Answer::Granted);

    CHECK(host.done<Launch>().empty());
    CHECK(host.answers<msg::Withdrawn>().size() == 1);
    host.wait(5s);
    CHECK(host.asked() == Labels{"vm1"});
}

TEST_CASE("what a slow pool holds counts as found on boot", "[agent]") {
    Booted host{{}};
    Event seen{.kind = EventKind::PathSeen};
    const auto wait = GENERATE(10s, 70s);
    host.wait(wait);
    seen.payload = configured(1, OnBoot::Start);

    host.input(Scanned{{seen}});

    CHECK(host.asked().size() == (wait < BootStarts::look_around ? 1 : 0));
}
