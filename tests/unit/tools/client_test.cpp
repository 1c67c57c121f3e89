#include "tests/support/temporary_directory.h"
#include "tools/client/action_wait.h"
#include "tools/client/agent_sockets.h"
#include "tools/client/broker_choice.h"
#include "tools/client/sum_up.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <filesystem>
#include <set>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::tools;
using namespace std::chrono_literals;

namespace {

constexpr ActionId first{0x81d0b20000000001};
constexpr ActionId second{0x81d0b20000000002};

Event about(ActionId id, EventKind kind, std::string text) {
    Event event{.kind = kind};
    event.action = id;
    event.label = "web";
    event.text = std::move(text);
    return event;
}

Event ended(ActionId id, Outcome outcome) {
    auto event = about(id, EventKind::ActionEnded, "over");
    ActionRecord record{.label = "web", .state = ActionState::Ended, .outcome = std::move(outcome)};
    record.action.id = id;
    event.payload = std::move(record);
    return event;
}

std::string broker_of(const BrokerWish& wish, const std::set<std::string>& sockets) {
    const auto endpoint =
        choose_broker(wish, [&](const std::string& path) { return sockets.count(path) != 0; });
    return endpoint ? endpoint->to_string() : endpoint.error().message;
}

} // namespace

TEST_CASE("an action is waited for until its end comes with an outcome", "[tools][wait]") {
    ActionWait wait({first});

    CHECK(wait.on_event(about(first, EventKind::Asked, "asked by power button")));
    CHECK_FALSE(wait.is_done());
    CHECK(wait.line() == ".. web asked by power button");
    CHECK(wait.on_event(ended(first, {.error = {}, .text = "gone after 0.3 s"})));

    CHECK(wait.is_done());
    CHECK(wait.outcome().has_value());
    CHECK(wait.line() == "ok web gone after 0.3 s");
}

TEST_CASE("a command that repeats an order keeps its deadline", "[tools][wait]") {
    ActionWait wait({first});
    ActionRecord asked{.action = {.id = first, .verb = Verb::Shutdown}};
    asked.action.deadline = std::chrono::seconds{90};
    wait.on_record(asked);
    // An agent that was restarted knows verb and VM only.
    ActionRecord told{.action = {.id = first, .verb = Verb::Shutdown}, .state = ActionState::Ended};
    told.outcome = Outcome{.error = Error{.code = ErrorCode::Unreachable,
                                          .message = "its agent was restarted",
                                          .evidence = {},
                                          .try_next = "ctys shutdown web"},
                           .text = {}};
    wait.on_record(told);
    CHECK(wait.outcome().error().try_next == "ctys shutdown web --deadline 90s");
}

TEST_CASE("events of other actions change nothing", "[tools][wait]") {
    ActionWait wait({first});

    CHECK_FALSE(wait.on_event(ended(second, {})));
    CHECK_FALSE(wait.is_done());
}

TEST_CASE("an end without a record is asked for, and the record settles it", "[tools][wait]") {
    ActionWait wait({first});
    CHECK(wait.on_event(about(first, EventKind::ActionEnded, "")));
    CHECK_FALSE(wait.is_done());
    REQUIRE(wait.without_record() == std::vector{first});
    ActionRecord record{.outcome = Outcome{}};
    record.action.id = first;

    wait.on_record(record);

    CHECK(wait.is_done());
    CHECK(wait.without_record().empty());
}

TEST_CASE("one failure among several is partial, all failures are that failure", "[tools][wait]") {
    const Outcome failed{.error = Error{.code = ErrorCode::Conflict, .message = "held"}};
    ActionWait wait({first, second});
    CHECK(wait.on_event(ended(first, failed)));
    SECTION("the other is done") {
        CHECK(wait.on_event(ended(second, {})));
        REQUIRE_FALSE(wait.outcome().has_value());
        CHECK(wait.outcome().error().code == ErrorCode::Partial);
        CHECK(wait.outcome().error().evidence == std::vector<std::string>{"web: held"});
    }
    SECTION("the other fails too") {
        CHECK(wait.on_event(ended(second, failed)));
        REQUIRE_FALSE(wait.outcome().has_value());
        CHECK(wait.outcome().error().code == ErrorCode::Conflict);
    }
}

TEST_CASE("when all fail, the first that was asked decides, whatever the ids", "[tools][wait]") {
    ActionWait wait({second, first});
    const auto refused = [](ActionId id, ErrorCode code) {
        ActionRecord record{.outcome = Outcome{.error = Error{.code = code, .message = "no"}}};
        record.action.id = id;
        record.action.deadline = 90s;
        return record;
    };

    wait.on_record(refused(first, ErrorCode::NotFound));
    wait.on_record(refused(second, ErrorCode::Conflict));

    REQUIRE(wait.is_done());
    CHECK(wait.outcome().error().code == ErrorCode::Conflict);
    CHECK_FALSE(wait.deadline().has_value());
}

TEST_CASE("several targets are one result, which tells each failure", "[tools][wait]") {
    const FailedTarget held{"web",
                            {.code = ErrorCode::Conflict,
                             .message = "held",
                             .evidence = {"by lab02"},
                             .try_next = "ctys show web"}};

    CHECK(sum_up({}, 3).has_value());
    CHECK(sum_up({held}, 1).error() == held.error);
    CHECK(sum_up({held}, 2).error().code == ErrorCode::Partial);
    CHECK(sum_up({held, {"db", {.code = ErrorCode::NotFound}}}, 2).error() ==
          Error{.code = ErrorCode::Conflict,
                .message = "2 of 2 failed",
                .evidence = {
                    "web: held", "  by lab02", "  try: ctys show web", "db: nothing matches"}});
}

TEST_CASE("the longest deadline of the actions is known from their records", "[tools][wait]") {
    ActionWait wait({first, second});
    CHECK_FALSE(wait.deadline().has_value());
    ActionRecord record;
    record.action.id = first;
    record.action.deadline = 90s;
    wait.on_record(record);
    record.action.id = second;
    record.action.deadline = 20s;
    wait.on_record(record);

    CHECK(wait.deadline() == 90s);
}

TEST_CASE("the own broker comes before the machine's, and a named one before both",
          "[tools][broker]") {
    const BrokerWish wish{.own_runtime = "/run/user/1000/ctys"};
    const std::string own = "/run/user/1000/ctys/broker/mesh";
    const std::string system = "/run/ctys/broker/mesh";

    CHECK(broker_of(wish, {own, system}) == "ipc://" + own);
    CHECK(broker_of(wish, {system}) == "ipc://" + system);
    CHECK(broker_of(wish, {}) == "no broker at ipc://" + system + " (no such socket)");
    CHECK(broker_of({.asked = "tcp://lab02:7510", .own_runtime = "/x"}, {}) == "tcp://lab02:7510");
    CHECK(broker_of({.asked = "ipc:///y/mesh", .own_runtime = "/x"}, {}) ==
          "no broker at ipc:///y/mesh (no such socket)");
}

TEST_CASE("a missing broker ends with 6 and three ways out", "[tools][broker]") {
    const auto endpoint = choose_broker({}, [](const std::string&) { return false; });

    REQUIRE_FALSE(endpoint.has_value());
    CHECK(traits(endpoint.error().code).exit_status == 6);
    CHECK(endpoint.error().try_next ==
          "ctys list --local | ctys up | ctys --broker tcp://HOST:7510 list");
}

TEST_CASE("when an action was asked for is known also from its worker's last word",
          "[tools][wait]") {
    ActionWait wait({first});
    const auto asked = *WallTime::parse("2026-03-01T12:00:00Z");
    const auto ended = *WallTime::parse("2026-03-01T12:00:02Z");
    ActionRecord requested{.action = {.id = first}, .requested = asked};
    ActionRecord told{.action = {.id = first}, .outcome = Outcome{.error = {}, .text = "gone"}};

    wait.on_event(
        {.kind = EventKind::ActionRequested, .time = asked, .action = first, .payload = requested});
    wait.on_event(
        {.kind = EventKind::ActionEnded, .time = ended, .action = first, .payload = told});

    REQUIRE(wait.is_done());
    CHECK(wait.actions().at(first).record->requested == asked);
    CHECK(wait.actions().at(first).record->ended == ended);
}

namespace {

/// As an agent that was killed leaves them behind; nobody holds the lock.
void leave_behind(const std::string& folder, bool with_lock) {
    std::filesystem::create_directory(folder);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder + "/agent.sock").copy(address.sun_path, sizeof address.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(socket);
    if (with_lock) ::close(::open((folder + "/lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
}

} // namespace

TEST_CASE("agents that surely run no more are not asked", "[tools]") {
    const support::TemporaryDirectory run;
    leave_behind(run / "agent-dead", true);
    leave_behind(run / "agent-live", true);
    leave_behind(run / "agent-unknown", false);
    const int held = ::open((run / "agent-live/lock").c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(::flock(held, LOCK_EX | LOCK_NB) == 0);

    std::vector<std::string> found;
    for (const auto& endpoint : agent_sockets(run.path())) {
        found.push_back(endpoint.path());
    }

    CHECK(found == std::vector<std::string>{run / "agent-live/agent.sock",
                                            run / "agent-unknown/agent.sock"});
    ::close(held);
}
