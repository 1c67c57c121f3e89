#include "agent/qmp/session.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace ctys;
using namespace ctys::qmp;
using namespace std::chrono_literals;

namespace {

constexpr auto greeting =
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 9, \"minor\": 2, \"major\": 7}, "
    "\"package\": \"Debian 1:7.2\"}, \"capabilities\": [\"oob\"]}}\r\n";
constexpr auto negotiated = "{\"return\": {}, \"id\": 0}\r\n";

Instant at(Duration span) {
    return {span};
}

Session running_session(SessionLimits limits = {}) {
    Session session(limits);
    session.connected(at(0s));
    static_cast<void>(session.receive(greeting, at(0s)));
    static_cast<void>(session.receive(negotiated, at(0s)));
    REQUIRE(session.phase() == Session::Phase::Running);
    return session;
}

/// Shows notices as words, in order.
std::vector<std::string> words(const SessionEffects& effects) {
    std::vector<std::string> out;
    for (const auto& notice : effects.notices) {
        if (const auto* ready = std::get_if<Ready>(&notice))
            out.push_back("ready " + ready->version);
        if (const auto* event = std::get_if<Event>(&notice)) out.push_back("event " + event->name);
        if (const auto* closed = std::get_if<Closed>(&notice)) {
            out.push_back(fmt::format("closed {}", to_string(closed->why.code)));
        }
        if (const auto* reply = std::get_if<Reply>(&notice)) {
            static constexpr const char* names[] = {"done", "declined", "interrupted", "timed out"};
            out.push_back(fmt::format(
                "{} {}", names[static_cast<std::size_t>(reply->outcome)], reply->command));
        }
    }
    return out;
}

using Words = std::vector<std::string>;

} // namespace

TEST_CASE("a session negotiates after the greeting and then can be used", "[qmp]") {
    Session session;
    session.connected(at(0s));

    const auto greeted = session.receive(greeting, at(0s));
    const auto ready = session.receive(negotiated, at(0s));

    CHECK(greeted.write == "{\"execute\":\"qmp_capabilities\",\"id\":0}\n");
    CHECK(greeted.notices.empty());
    CHECK(words(ready) == Words{"ready 7.2.9"});
    CHECK(std::get<Ready>(ready.notices[0]).package == "Debian 1:7.2");
}

TEST_CASE("commands asked for before the session runs are sent in order when it does", "[qmp]") {
    Session session;
    REQUIRE(session.submit("query-status", {}, at(5s))->effects.write.empty());
    session.connected(at(0s));
    REQUIRE(session.submit("stop", Value::object(), at(5s))->effects.write.empty());
    static_cast<void>(session.receive(greeting, at(0s)));

    const auto ready = session.receive(negotiated, at(0s));

    CHECK(ready.write == "{\"execute\":\"query-status\",\"id\":1}\n"
                         "{\"execute\":\"stop\",\"id\":2,\"arguments\":{}}\n");
}

TEST_CASE("replies are routed by id and events keep their place among them", "[qmp]") {
    auto session = running_session();
    const auto a = session.submit("a", {}, at(5s));
    const auto b = session.submit("quit", {}, at(5s));
    REQUIRE((a && b));

    const auto effects = session.receive(
        "{\"timestamp\": {\"seconds\": 5, \"microseconds\": 7}, \"event\": \"SHUTDOWN\", \"data\": "
        "{\"guest\": false, \"reason\": \"host-qmp-quit\"}}\r\n"
        "{\"return\": {}, \"id\": 2}\r\n{\"id\": 1, \"error\": {\"class\": \"CommandNotFound\", "
        "\"desc\": \"no a\"}}\r\n",
        at(1s));

    CHECK(words(effects) == Words{"event SHUTDOWN", "done 2", "declined 1"});
    const auto& event = std::get<Event>(effects.notices[0]);
    CHECK(event.at == WallTime{5'000'007});
    CHECK(event.data.text("reason") == "host-qmp-quit");
    const auto result = std::get<Reply>(effects.notices[2]).to_result();
    CHECK(result.error().code == ErrorCode::Unsupported);
    CHECK(result.error().message == "no a");
}

TEST_CASE("an answer to nothing that was asked is dropped and counted", "[qmp]") {
    auto session = running_session();
    REQUIRE(session.submit("a", {}, at(5s)));

    const auto effects = session.receive("{\"return\": {}, \"id\": 77}\n"
                                         "{\"return\": {}, \"id\": \"1\"}\n"
                                         "{\"return\": {}, \"id\": -1}\n"
                                         "{\"return\": {}, \"id\": 0}\n"
                                         "{\"something\": 1}\n",
                                         at(0s));

    CHECK(effects.notices.empty());
    CHECK(session.counters().unknown_ids == 4);
    CHECK(session.counters().unknown_messages == 1);
    CHECK(words(session.receive("{\"return\": 1, \"id\": 1}\n{\"return\": 1, \"id\": 1}\n",
                                at(0s))) == Words{"done 1"});
    CHECK(session.counters().unknown_ids == 5);
}

TEST_CASE("what breaks the protocol ends the session and interrupts what is pending", "[qmp]") {
    const auto bytes = GENERATE(as<std::string>{},
                                "{\"error\": {\"class\": \"GenericError\", \"desc\": \"x\"}}\n",
                                "{\"return\": {}}\n",
                                "no json\n",
                                "[]\n",
                                std::string(2000, 'x'));
    auto session = running_session({.message_bytes = 1000});
    REQUIRE(session.submit("a", {}, at(5s)));

    const auto effects = session.receive(bytes, at(0s));

    CHECK(words(effects) == Words{"interrupted 1", "closed malformed"});
    CHECK(session.phase() == Session::Phase::Closed);
    CHECK(session.submit("b", {}, at(5s)).error().code == ErrorCode::Unreachable);
    CHECK(session.receive("{\"event\":\"STOP\"}\n", at(1s)).notices.empty());
    CHECK(session.disconnected({}).notices.empty());
}

TEST_CASE("a peer that does not greet or not negotiate is given up in time", "[qmp]") {
    Session session;
    session.connected(at(0s));
    SECTION("no greeting: the monitor serves somebody else") {
        CHECK(session.next_deadline() == at(1s));
        CHECK(session.tick(at(999ms)).notices.empty());
        CHECK(words(session.tick(at(1s))) == Words{"closed timed-out"});
    }
    SECTION("a greeting of something else") {
        CHECK(words(session.receive("{\"hello\": 1}\n", at(0s))) == Words{"closed malformed"});
    }
    SECTION("no answer to the negotiation") {
        static_cast<void>(session.receive(greeting, at(500ms)));
        CHECK(session.next_deadline() == at(2500ms));
        CHECK(words(session.tick(at(2500ms))) == Words{"closed timed-out"});
    }
    SECTION("the negotiation is declined") {
        static_cast<void>(session.receive(greeting, at(0s)));
        CHECK(words(session.receive("{\"id\":0,\"error\":{\"desc\":\"no\"}}\n", at(0s))) ==
              Words{"closed malformed"});
    }
    CHECK_FALSE(session.next_deadline());
}

TEST_CASE("a command without an answer times out once and its late answer is dropped", "[qmp]") {
    auto session = running_session();
    REQUIRE(session.submit("slow", {}, at(2s)));
    REQUIRE(session.submit("fast", {}, at(5s)));
    CHECK(session.next_deadline() == at(2s));

    const auto timed_out = session.tick(at(2s));
    const auto again = session.tick(at(3s));
    const auto late =
        session.receive("{\"return\":{},\"id\":1}\n{\"return\":{},\"id\":2}\n", at(4s));

    CHECK(words(timed_out) == Words{"timed out 1"});
    CHECK(again.notices.empty());
    CHECK(words(late) == Words{"done 2"});
    CHECK(session.counters().late_replies == 1);
}

TEST_CASE("at most eight commands are in flight, timed out ones included", "[qmp]") {
    auto session = running_session();
    for (int i = 0; i < 8; ++i) {
        REQUIRE_FALSE(session.submit("hang", {}, at(1s))->effects.write.empty());
    }
    REQUIRE(session.submit("ninth", {}, at(2s))->effects.write.empty());
    REQUIRE(session.submit("tenth", {}, at(9s))->effects.write.empty());

    CHECK(session.tick(at(1s)).notices.size() == 8);
    CHECK(words(session.tick(at(2s))) == Words{"timed out 9"});
    const auto freed = session.receive("{\"return\":{},\"id\":3}\n", at(3s));

    CHECK(freed.write == "{\"execute\":\"tenth\",\"id\":10}\n");
    CHECK(freed.notices.empty());
}

TEST_CASE("the queue of a session is bounded", "[qmp]") {
    Session session({.queued = 2, .command_bytes = 100});
    REQUIRE(session.submit("a", {}, at(1s)));
    CHECK(session.submit(std::string(100, 'x'), {}, at(1s)).error().code == ErrorCode::Usage);
    REQUIRE(session.submit("b", {}, at(1s)));
    CHECK(session.submit("c", {}, at(1s)).error().code == ErrorCode::Overloaded);
}

TEST_CASE("a lost connection fails all that is pending, once", "[qmp]") {
    auto session = running_session({.in_flight = 1});
    REQUIRE(session.submit("a", {}, at(1s)));
    REQUIRE(session.submit("b", {}, at(1s)));

    const auto effects =
        session.disconnected({.code = ErrorCode::Unreachable, .message = "closed"});

    CHECK(words(effects) == Words{"interrupted 1", "interrupted 2", "closed unreachable"});
    CHECK(session.tick(at(5s)).notices.empty());
}

TEST_CASE("absurd time stamps of events are no times", "[qmp]") {
    const auto stamp = GENERATE(as<std::string>{},
                                "{\"seconds\": -1, \"microseconds\": -1}",
                                "{\"seconds\": 9223372036854775807, \"microseconds\": 1}",
                                "{\"seconds\": \"5\"}",
                                "7");
    auto session = running_session();

    const auto effects =
        session.receive(fmt::format("{{\"event\": \"STOP\", \"timestamp\": {}}}\n", stamp), at(0s));

    REQUIRE(effects.notices.size() == 1);
    CHECK(std::get<Event>(effects.notices[0]).at.is_none());
}
