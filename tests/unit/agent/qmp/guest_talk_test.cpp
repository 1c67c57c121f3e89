#include "agent/qmp/guest_talk.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace ctys;
using namespace ctys::qmp;
using namespace std::chrono_literals;

namespace {

using Kind = GuestRequest::Kind;

constexpr std::int64_t sync_number = 4711;
const std::string sync_reply = "\xff{\"return\": 4711}\n";
const std::string runs_as_9 = "{\"return\": {\"pid\": 9}}\n";

Instant time_at(Duration span) {
    return {span};
}

/// A talk at a time from its connection, and what has come of it.
struct Talk {
    explicit Talk(GuestRequest request, GuestTalkLimits limits = {})
        : talk(std::move(request), sync_number, limits) {
        take(talk.connected(time_at(0s)));
    }

    void hear(std::string_view bytes, Duration span = 0s) {
        take(talk.receive(bytes, time_at(span)));
    }
    void reach(Duration span) { take(talk.tick(time_at(span))); }
    void lose() {
        take(talk.disconnected({.code = ErrorCode::Unreachable, .message = "it has hung up"}));
    }
    void take(const GuestTalkEffects& effects) {
        if (!effects.write.empty()) written = effects.write;
        if (!effects.end) return;
        CHECK_FALSE(end);
        end = effects.end;
    }
    /// "done", "done 3", or how it failed.
    [[nodiscard]] std::string outcome() const {
        if (!end) return "open";
        if (!*end)
            return fmt::format("{}: {}", to_string((*end).error().code), (*end).error().message);
        return (*end)->exit_status ? fmt::format("done {}", *(*end)->exit_status) : "done";
    }

    GuestTalk talk;
    std::string written; ///< last
    std::optional<Result<GuestAnswer>> end;
};

Talk power_off() {
    return Talk{{.kind = Kind::PowerOff}};
}

Talk running() {
    Talk talk{{.kind = Kind::Run, .argv = {"/sbin/init", "3"}}};
    talk.hear(sync_reply);
    return talk;
}

} // namespace

TEST_CASE("a guest is asked to power off once it has shown that it is there", "[qga]") {
    auto talk = power_off();
    CHECK(talk.written ==
          "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":4711}}\n");

    talk.hear(sync_reply, 900ms);

    CHECK(talk.written ==
          "{\"execute\":\"guest-shutdown\",\"arguments\":{\"mode\":\"powerdown\"}}\n");
    CHECK(talk.outcome() == "open");
    talk.reach(5800ms);
    CHECK(talk.outcome() == "open");
    CHECK(talk.talk.next_deadline() == time_at(5900ms));
    talk.reach(5900ms); // it answers nothing when it has taken it
    CHECK(talk.outcome() == "done");
    CHECK_FALSE(talk.talk.next_deadline());
}

TEST_CASE("a guest that ends the connection after it was asked goes down", "[qga]") {
    auto talk = power_off();
    talk.hear(sync_reply);
    talk.lose();
    CHECK(talk.outcome() == "done");
}

TEST_CASE("a guest agent that cannot power off says so", "[qga]") {
    auto talk = power_off();
    talk.hear(sync_reply);
    talk.hear("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no \\u001b[2J shutdown\"}}\n",
              1s);
    CHECK(talk.outcome() == "failed: it refused: no ?[2J shutdown");
}

TEST_CASE("a guest without an agent is given up when its time is over", "[qga]") {
    auto talk = power_off();
    CHECK(talk.talk.next_deadline() == time_at(1s));
    talk.reach(999ms);
    CHECK(talk.outcome() == "open");
    talk.reach(1s);
    CHECK(talk.outcome() == "timed-out: it did not answer within 1.0 s");

    talk.hear(sync_reply, 1100ms); // too late
    talk.lose();
    CHECK(talk.outcome() == "timed-out: it did not answer within 1.0 s");
}

TEST_CASE("what was meant for others is not taken for the sync", "[qga]") {
    const auto left_over = GENERATE(as<std::string>{},
                                    "{\"return\": 4711}\n",             // it has no 0xFF
                                    "\xff{\"return\": 4710}\n",         // of an earlier talk
                                    "\xff{\"return\": \"4711\"}\n",     // no number
                                    "{\"error\": {\"desc\": \"x\"}}\n", // to our 0xFF
                                    "\xff\n",
                                    "half a \xff line {\n",
                                    "\xff[1, 2]\r\n");
    CAPTURE(left_over);
    auto talk = power_off();
    talk.hear(left_over);
    CHECK(talk.talk.phase() == GuestTalk::Phase::Syncing);

    talk.hear("the rest of something" + sync_reply);

    CHECK(talk.talk.phase() == GuestTalk::Phase::Asking);
    CHECK(talk.outcome() == "open");
}

TEST_CASE("a guest that hangs up before it was asked was not asked", "[qga]") {
    auto talk = power_off();
    talk.lose();
    CHECK(talk.outcome() == "unreachable: it has hung up");
}

TEST_CASE("what is no guest agent is given up at once", "[qga]") {
    const auto [said, why] = GENERATE(table<std::string, std::string>(
        {{std::string(65UL * 1024, 'x'), "malformed: a message exceeds 65536 bytes"},
         {"# \x1b[31m\n", "malformed: it said what is no answer: # ?[31m"},
         {"[]\n", "malformed: it said what is no answer: []"},
         {"{\"event\": \"x\"}\n", "malformed: it said what is no answer"}}));
    auto talk = power_off();
    talk.hear(sync_reply);
    talk.hear(said);
    CHECK(talk.outcome() == why);
}

TEST_CASE("a guest that talks without end is given up", "[qga]") {
    Talk talk{{.kind = Kind::PowerOff}, {.total_bytes = 100}};
    const auto line = fmt::format("{:x<19}\n", "");
    for (int i = 0; i < 5; ++i)
        talk.hear(line);
    CHECK(talk.outcome() == "open");
    talk.hear("y");
    CHECK(talk.outcome() == "malformed: it said more than 100 bytes");
}

TEST_CASE("how its bytes are cut changes nothing in what a guest says", "[qga]") {
    const std::string said = "junk\n" + sync_reply + "{\"error\": {\"desc\": \"no\"}}\nmore\n";
    for (std::size_t chunk = 1; chunk <= said.size(); ++chunk) {
        auto talk = power_off();
        for (std::size_t i = 0; i < said.size(); i += chunk)
            talk.hear(std::string_view{said}.substr(i, chunk));
        CHECK(talk.outcome() == "failed: it refused: no");
    }
}

TEST_CASE("what a guest runs is looked at until it has ended", "[qga]") {
    auto talk = running();
    CHECK(talk.written ==
          "{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/sbin/init\",\"arg\":[\"3\"]}}\n");
    talk.hear(runs_as_9);
    const std::string asked = "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":9}}\n";
    CHECK(talk.written == asked);

    talk.written.clear();
    talk.hear("{\"return\": {\"exited\": false}}\n", 1s);
    CHECK(talk.talk.next_deadline() == time_at(1250ms));
    talk.reach(1249ms);
    CHECK(talk.written.empty());
    talk.reach(1250ms);
    CHECK(talk.written == asked);

    SECTION("by itself") {
        talk.hear("{\"return\": {\"exited\": true, \"exitcode\": 3}}\n", 1300ms);
        CHECK(talk.outcome() == "done 3");
    }
    SECTION("by a signal") {
        talk.hear("{\"return\": {\"exited\": true, \"signal\": 9}}\n", 1300ms);
        CHECK(talk.outcome() == "done 137");
    }
}

TEST_CASE("an agent that is gone with what it ran is not waited for", "[qga]") {
    Talk talk{{.kind = Kind::Run, .argv = {"/sbin/init", "3"}}, {.answer = 60s}};
    talk.hear(sync_reply + runs_as_9, 1s);
    CHECK(talk.talk.next_deadline() == time_at(6s));
    talk.reach(5999ms);
    CHECK(talk.outcome() == "open");
    talk.reach(6s);
    CHECK(talk.outcome() == "indeterminate: it does not answer any more");
}

TEST_CASE("what a guest did not begin to run has failed", "[qga]") {
    auto talk = running();
    talk.hear("{\"error\": {\"desc\": \"Command guest-exec has been disabled\"}}\n");
    CHECK(talk.outcome() == "failed: it refused: Command guest-exec has been disabled");
}

TEST_CASE("how it ended is not known where a guest does not tell", "[qga]") {
    auto talk = running();
    std::string why;
    SECTION("what it runs") {
        talk.hear("{\"return\": {}}\n");
        why = "it does not say what it runs";
    }
    SECTION("in time") {
        talk.hear(runs_as_9);
        talk.reach(5s);
        why = "it did not tell within 5.0 s how that ended";
    }
    SECTION("whether it began in time") {
        talk.reach(5s);
        why = "it did not tell within 5.0 s how that ended";
    }
    SECTION("because it is gone") {
        talk.hear(runs_as_9);
        talk.lose();
        why = "it does not tell how that ended: it has hung up";
    }
    SECTION("because it has forgotten") {
        talk.hear(runs_as_9 + "{\"error\": {\"desc\": \"no such pid\"}}\n");
        why = "it does not tell its exit status: no such pid";
    }
    SECTION("anything") {
        talk.hear(runs_as_9 + "{\"return\": {\"exited\": true}}\n");
        why = "it ended, with no exit status";
    }
    SECTION("a status that one can have") {
        talk.hear(runs_as_9 + "{\"return\": {\"exited\": true, \"exitcode\": 256}}\n");
        why = "it ended, with no exit status";
    }
    SECTION("whether") {
        talk.hear(runs_as_9 + "{\"return\": 1}\n");
        why = "it does not tell whether it has ended";
    }
    SECTION("what it was asked for") {
        const std::string runs = "{\"return\": {\"exited\": false}}\n";
        talk.hear(runs_as_9 + runs + runs);
        why = "it answered what was not asked";
    }
    CHECK(talk.outcome() == "indeterminate: " + why);
}
