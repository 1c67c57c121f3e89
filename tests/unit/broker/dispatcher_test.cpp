#include "tests/unit/broker/bench.h"

using namespace ctys;
using namespace ctys::broker;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

void put(Bench& bench, Record record) {
    REQUIRE(bench.store().commit({Put{std::make_shared<const Record>(std::move(record))}}));
}

/// A process of the VM on this worker, told by nobody but the store.
void run(Bench& bench, const VmId& vm, const std::string& worker, std::uint32_t pid) {
    InstanceRecord instance;
    instance.vm = vm;
    instance.worker = Bench::worker(worker);
    instance.key = {.boot = {Bench::named(3, worker)}, .pid = pid, .start_ticks = 1};
    instance.state = VmState::Running;
    instance.managed = true;
    instance.owner = Owner::Ctys;
    put(bench, instance);
}

msg::Submit order(Verb verb, const std::string& target, const std::string& on) {
    auto submit = Bench::start(1, target);
    submit.action.verb = verb;
    submit.on = on;
    return submit;
}

Error refusal(const Bench& bench) {
    const auto told = bench.told<msg::Failure>("ann");
    REQUIRE(told.size() == 1);
    return told[0].error;
}

/// Somebody on w1 runs the wrapper of web.
void ask_by_hand(Bench& bench, ActionId start) {
    bench.say("w1",
              msg::HandStart{.action = start,
                             .vm = Bench::vm("web"),
                             .config = "/p/web/web.ctys",
                             .label = "web",
                             .user = "ann"});
}

} // namespace

TEST_CASE("a start with the machine is journaled as one of the boot policy", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});

    bench.say("w1",
              msg::HandStart{.action = {7},
                             .vm = Bench::vm("web"),
                             .config = "/p/web/web.ctys",
                             .label = "web",
                             .user = "boot",
                             .on_boot = true});

    const auto requested = bench.recorded_of(EventKind::ActionRequested);
    REQUIRE(requested.size() == 1);
    CHECK(requested[0].text == "start web by its boot policy (ONBOOT)");
}

TEST_CASE("a start by hand that was given back has ended, and nobody holds its VM", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    const ActionId start{7};
    ask_by_hand(bench, start);
    const auto grants = bench.told<msg::HandGrant>("w1");
    REQUIRE(grants.size() == 1);
    REQUIRE(grants[0].answer == msg::HandGrant::Answer::Granted);
    REQUIRE(bench.core().leases().find(Bench::vm("web")) != nullptr);

    bench.say("w1", msg::Withdrawn{start});
    // A question that was under way: it is not "nobody knows how it ended".
    bench.say("w1", msg::CommandStatus{.action = start, .known = msg::CommandStatus::Known::Never});

    const auto ended = bench.recorded_of(EventKind::ActionEnded);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].text == "its wrapper did not wait for the answer");
    CHECK(bench.core().leases().find(Bench::vm("web")) == nullptr);
}

TEST_CASE("a start by hand whose VM is gone before its agent tells of it holds nothing",
          "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    const ActionId start{7};
    ask_by_hand(bench, start);
    REQUIRE(bench.core().leases().find(Bench::vm("web")) != nullptr);

    const bool is_telling = GENERATE(false, true);
    if (is_telling) bench.call("w1");
    // Another agent of the machine saw the process come and go.
    Event ended{.kind = EventKind::ActionEnded, .worker = Bench::worker("w1")};
    ended.action = start;
    ended.payload = ActionRecord{.action = {.id = start, .verb = Verb::Start},
                                 .state = ActionState::Ended,
                                 .outcome = Outcome{.text = "started by hand, pid 9"}};
    bench.say("w1",
              msg::Publish{.stream = Bench::stream("w1"),
                           .first = 1,
                           .events = {schema::encode_event(ended)}});

    CHECK(bench.core().dispatcher().find(start)->state == ActionState::Ended);
    // What it runs may be told with all the rest.
    CHECK((bench.core().leases().find(Bench::vm("web")) != nullptr) == is_telling);
    if (is_telling) bench.exchange("w1", {"web"});
    CHECK(bench.core().leases().find(Bench::vm("web")) == nullptr);
}

TEST_CASE("an order that could wait for more than a day is refused", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    auto submit = Bench::start(1, "web");
    submit.action.expiry = hours{25};

    bench.say("ann", submit);

    REQUIRE(bench.told<msg::Failure>("ann").size() == 1);
    CHECK(bench.told<msg::Failure>("ann")[0].error.code == ErrorCode::Usage);
}

TEST_CASE("a restart of the broker leaves an action the time it had left", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    auto submit = Bench::start(1, "web");
    submit.action.expiry = seconds{60};
    bench.say("ann", submit);
    for (int i = 0; i < 50; ++i) {
        bench.tick();
        bench.say("w1", msg::Pong{});
    }

    bench.restart();
    bench.clear();
    bench.call("w1");
    for (int i = 0; i < 16; ++i) {
        bench.tick();
        bench.say("w1", msg::Pong{});
    }
    // It was never heard of again and has expired: it is not sent once more.
    bench.say("w1",
              msg::CommandStatus{.action = ActionId{1}, .known = msg::CommandStatus::Known::Never});

    CHECK(bench.told<msg::Command>("w1").empty());
    REQUIRE(bench.recorded_of(EventKind::ActionEnded).size() == 1);
    CHECK(bench.core().leases().all().empty());
}

TEST_CASE("a reset whose worker stays silent may have happened", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    run(bench, Bench::vm("web"), "w1", 5);
    const auto verb = GENERATE(Verb::Reset, Verb::Reboot, Verb::Shutdown);
    bench.say("ann", order(verb, "web", ""));
    REQUIRE(bench.told<msg::Command>("w1").size() == 1);
    for (int i = 0; i < 31; ++i) {
        bench.tick();
    }
    const auto* record = bench.core().dispatcher().find(ActionId{1});
    REQUIRE(record != nullptr);
    REQUIRE(record->outcome.has_value());
    CHECK(record->outcome->error->code ==
          (is_repeatable(verb) ? ErrorCode::Unreachable : ErrorCode::Indeterminate));
}

TEST_CASE("what an action has left is stored now and then, not each second", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    auto submit = Bench::start(1, "web");
    submit.action.expiry = hours{24};
    bench.say("ann", submit);

    for (int i = 0; i < 60; ++i)
        bench.tick();

    // A sixteenth of a day is longer than a minute.
    CHECK(bench.store().actions().at(ActionId{1}).action.expiry == hours{24});
}

TEST_CASE("a reserved lease whose action was lost is settled with its worker", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.say("ann", Bench::start(1, "web"));
    REQUIRE(bench.store().commit({EraseAction{ActionId{1}}}));
    bench.restart();
    bench.clear();

    bench.join("w1", {"web"});
    REQUIRE(bench.told<msg::CommandQuery>("w1").size() == 1);
    bench.say("w1",
              msg::CommandStatus{.action = ActionId{1}, .known = msg::CommandStatus::Known::Never});

    CHECK(bench.core().leases().all().empty());
    CHECK(bench.told<msg::Command>("w1").empty());
}

TEST_CASE("refusals do not fill the journal and are all counted", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.clear();

    for (std::uint64_t id = 1; id <= 1000; ++id)
        bench.say("eve", Bench::start(id, "web"), Role::None);
    bench.tick();
    for (int i = 0; i < 5; ++i)
        bench.tick();

    CHECK(bench.told<msg::Failure>("eve").size() == 1000);
    const auto events = bench.recorded_of(EventKind::AuditRefused);
    REQUIRE(events.size() == 2);
    CHECK(events[0].by == "eve");
    CHECK(events[1].text.find("999 times more") == 0);
}

TEST_CASE("refusals of one do not hide those of another", "[broker]") {
    Bench bench;
    bench.say("eve", Bench::start(1, "web"), Role::Viewer);
    bench.say("mallory", Bench::start(2, "web"), Role::Viewer);

    CHECK(bench.recorded_of(EventKind::AuditRefused).size() == 2);
}

TEST_CASE("a start is confirmed although a neighbour's agent saw its process first", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.say("ann", Bench::start(1, "web"));
    InstanceRecord seen;
    seen.vm = Bench::vm("web");
    seen.worker = Bench::worker("w2");
    seen.key = {.boot = {Bench::named(3, "w1")}, .pid = 7, .start_ticks = 1};
    seen.state = VmState::Running;
    const auto* lease = bench.core().leases().find(Bench::vm("web"));
    REQUIRE(lease != nullptr);
    const msg::Confirm confirm{
        .action = ActionId{1}, .vm = Bench::vm("web"), .token = lease->token};

    SECTION("in the directory of this start") {
        seen.owner = Owner::Ctys;
        seen.console = "/run/ctys/agent-w1/i/0000000000000001/console.sock";
        REQUIRE(bench.store().commit({Put{std::make_shared<const Record>(seen)}}));
        bench.say("w1", confirm);
        REQUIRE(bench.told<msg::Confirmed>("w1").size() == 1);
        CHECK(bench.told<msg::Confirmed>("w1")[0].holds);
    }
    SECTION("but not when it is of another start") {
        seen.owner = Owner::Ctys;
        seen.console = "/run/ctys/agent-w1/i/0000000000000002/console.sock";
        REQUIRE(bench.store().commit({Put{std::make_shared<const Record>(seen)}}));
        bench.say("w1", confirm);
        REQUIRE(bench.told<msg::Confirmed>("w1").size() == 1);
        CHECK_FALSE(bench.told<msg::Confirmed>("w1")[0].holds);
    }
    SECTION("but not when somebody started it by hand") {
        seen.owner = Owner::ByHand;
        REQUIRE(bench.store().commit({Put{std::make_shared<const Record>(seen)}}));
        bench.say("w1", confirm);
        REQUIRE(bench.told<msg::Confirmed>("w1").size() == 1);
        CHECK_FALSE(bench.told<msg::Confirmed>("w1")[0].holds);
    }
}

TEST_CASE("REUSE does not promise a VM on a worker that is away", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    InstanceRecord instance;
    instance.vm = Bench::vm("web");
    instance.label = "web";
    instance.worker = Bench::worker("w1");
    instance.key = {.boot = {Bench::named(3, "w1")}, .pid = 7, .start_ticks = 1};
    instance.state = VmState::Running;
    instance.managed = true;
    REQUIRE(bench.store().commit({Put{std::make_shared<const Record>(instance)}}));
    auto submit = Bench::start(1, "web");
    submit.action.if_running = IfRunning::Reuse;

    SECTION("it is there") {
        bench.say("ann", submit);
        REQUIRE(bench.told<msg::Accepted>("ann").size() == 1);
        CHECK(bench.told<msg::Accepted>("ann")[0].text == "runs already (pid 7)");
    }
    SECTION("it is lost") {
        for (int i = 0; i < 10; ++i)
            bench.tick();
        bench.say("ann", submit);
        REQUIRE(bench.told<msg::Failure>("ann").size() == 1);
        CHECK(bench.told<msg::Failure>("ann")[0].error.code == ErrorCode::Conflict);
    }
}

TEST_CASE("a cancel reaches a worker that was away when it was asked", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.say("ann", Bench::start(1, "web"));
    bench.step(PeerGone{"w1"});
    bench.say("ann", msg::CancelAction{.action = ActionId{1}.to_string()});
    bench.clear();

    bench.join("w1", {"web"});
    REQUIRE(bench.told<msg::CommandQuery>("w1").size() == 1);
    bench.say(
        "w1",
        msg::CommandStatus{.action = ActionId{1}, .known = msg::CommandStatus::Known::Running});

    CHECK(bench.told<msg::CancelCommand>("w1").size() == 1);
}

TEST_CASE("a worker tells nothing of an action of another one", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.join("w2", {});
    bench.say("ann", Bench::start(1, "web"));
    bench.clear();
    Event forged{.kind = EventKind::ActionEnded, .worker = Bench::worker("w2")};
    forged.action = ActionId{1};

    bench.say("w2",
              msg::Publish{.stream = Bench::stream("w2"),
                           .first = 1,
                           .events = {schema::encode_event(forged)}});

    CHECK(bench.recorded_of(EventKind::ActionEnded).empty());
    CHECK(bench.core().dispatcher().open_count() == 1);
}

TEST_CASE("only an administrator starts a VM as another account", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    auto submit = Bench::start(1, "web");
    submit.action.user = "alice";

    bench.say("bob", submit, Role::Operator);
    bench.say("ann", submit, Role::Admin);

    REQUIRE(bench.told<msg::Failure>("bob").size() == 1);
    CHECK(bench.told<msg::Failure>("bob")[0].error.code == ErrorCode::Refused);
    CHECK(bench.told<msg::Accepted>("ann").size() == 1);
}

TEST_CASE("a copy is started only after a decision, and never beside its original", "[broker]") {
    Bench bench;
    bench.join("w1", {"web", "copy"});
    auto copy = *bench.store().vm(Bench::vm("copy"));
    copy.copy_of = Bench::vm("web");
    auto path = bench.store().paths(copy.id).at(0);
    const auto put = [&] {
        REQUIRE(bench.store().commit({Put{std::make_shared<const Record>(copy)},
                                      Put{std::make_shared<const Record>(path)}}));
    };
    const auto refusal = [&] {
        const auto failures = bench.told<msg::Failure>("ann");
        REQUIRE(failures.size() == 1);
        CHECK(failures[0].error.code == ErrorCode::Conflict);
        return failures[0].error.message;
    };

    SECTION("without one") {
        put();
        bench.say("ann", Bench::start(1, "copy"));
        CHECK(refusal().find("it is a copy of web (u:") == 0);
    }
    SECTION("marked as a backup") {
        path.vmstate = "BACKUP";
        put();
        bench.say("ann", Bench::start(1, "copy"));
        CHECK(bench.told<msg::Accepted>("ann").size() == 1);
    }
    SECTION("marked as a backup, and the original may run") {
        path.vmstate = "BACKUP";
        put();
        bench.say("bob", Bench::start(1, "web"));
        bench.say("ann", Bench::start(2, "copy"));
        CHECK(refusal().find("it is a backup of web (u:") == 0);
    }
}

TEST_CASE("an order for what runs on a worker reaches no other worker", "[broker]") {
    Bench bench;
    bench.join("lab02", {"web"});
    bench.join("lab07", {"web"});
    run(bench, Bench::vm("web"), "lab07", 7);
    bench.clear();
    const auto verb =
        GENERATE(Verb::Shutdown, Verb::Kill, Verb::Reboot, Verb::Reset, Verb::Pause, Verb::Resume);
    INFO(to_string(verb));

    SECTION("named beside the address") {
        bench.say("ann", order(verb, "web", "lab02"));
    }
    SECTION("named in the address") {
        bench.say("ann", order(verb, "l:web,w:lab02", ""));
    }

    CHECK(refusal(bench).code == ErrorCode::Conflict);
    CHECK(refusal(bench).message == "runs on lab07, not on lab02");
    CHECK(bench.told<msg::Command>("lab07").empty());
    CHECK(bench.told<msg::Command>("lab02").empty());
}

TEST_CASE("an order for what runs on a worker is carried out there", "[broker]") {
    Bench bench;
    bench.join("lab02", {"web"});
    bench.join("lab07", {"web"});
    run(bench, Bench::vm("web"), "lab07", 7);
    bench.clear();

    SECTION("named by its name") {
        bench.say("ann", order(Verb::Kill, "web", "lab07"));
    }
    SECTION("named by its id") {
        bench.say("ann", order(Verb::Kill, "web", Bench::worker("lab07").to_string()));
    }
    SECTION("one of two that run it, though nobody could choose between them") {
        run(bench, Bench::vm("web"), "lab02", 2);
        bench.say("ann", order(Verb::Kill, "web", "lab07"));
    }

    REQUIRE(bench.told<msg::Command>("lab07").size() == 1);
    CHECK(bench.told<msg::Command>("lab07")[0].action.instance.pid == 7);
    CHECK(bench.told<msg::Command>("lab02").empty());
}

TEST_CASE("an order names no VM where no worker is called so", "[broker]") {
    Bench bench;
    bench.join("lab02", {"web"});
    run(bench, Bench::vm("web"), "lab02", 2);

    SECTION("an unknown worker") {
        bench.say("ann", order(Verb::Kill, "web", "lab99"));
        CHECK(refusal(bench).code == ErrorCode::NotFound);
    }
    SECTION("two workers at once") {
        bench.join("lab07", {});
        bench.say("ann", order(Verb::Kill, "l:web,w:lab07", "lab02"));
        CHECK(refusal(bench).code == ErrorCode::Usage);
    }
    CHECK(bench.told<msg::Command>("lab02").empty());
}

TEST_CASE("of several VMs with one label the one that runs on the worker is meant", "[broker]") {
    Bench bench;
    bench.join("lab02", {"web"});
    bench.join("lab07", {});
    VmRecord copy;
    copy.id = Bench::vm("a copy of web");
    copy.label = "web";
    put(bench, copy);
    run(bench, Bench::vm("web"), "lab02", 2);
    bench.clear();

    SECTION("one runs there") {
        run(bench, copy.id, "lab07", 7);
        bench.say("ann", order(Verb::Kill, "web", "lab07"));
        REQUIRE(bench.told<msg::Command>("lab07").size() == 1);
        CHECK(bench.told<msg::Command>("lab07")[0].action.vm == copy.id);
    }
    SECTION("none runs there") {
        bench.say("ann", order(Verb::Kill, "web", "lab07"));
        CHECK(refusal(bench).code == ErrorCode::Conflict);
        CHECK(refusal(bench).message == "2 VMs match this address, and none runs on lab07");
        CHECK(refusal(bench).evidence.size() == 2);
    }
    SECTION("both run there") {
        run(bench, copy.id, "lab02", 3);
        bench.say("ann", order(Verb::Kill, "web", "lab02"));
        CHECK(refusal(bench).code == ErrorCode::Ambiguous);
    }
    SECTION("no worker was named") {
        bench.say("ann", order(Verb::Kill, "web", ""));
        CHECK(refusal(bench).code == ErrorCode::Ambiguous);
    }
}

TEST_CASE("an order for a worker whose agent restarts waits for it", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    run(bench, Bench::vm("web"), "w1", 7);
    bench.restart();
    bench.join("w1", {"web"});
    run(bench, Bench::vm("web"), "w1", 7);
    bench.step(PeerGone{"w1"});
    bench.clear();

    bench.say("ann", order(Verb::Shutdown, "web", {}));
    CHECK(bench.told<msg::Failure>("ann").empty());
    bench.call("w1");

    REQUIRE(bench.told<msg::Accepted>("ann").size() == 1);
    CHECK(bench.told<msg::Command>("w1").size() == 1);
}

TEST_CASE("an order for a worker whose agent does not return is refused once it is lost",
          "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    run(bench, Bench::vm("web"), "w1", 7);
    bench.restart();
    bench.join("w1", {"web"});
    run(bench, Bench::vm("web"), "w1", 7);
    bench.step(PeerGone{"w1"});
    bench.clear();

    bench.say("ann", order(Verb::Shutdown, "web", {}));
    for (int i = 0; i < 12; ++i)
        bench.tick();

    CHECK(refusal(bench).code == ErrorCode::Unreachable);
}
