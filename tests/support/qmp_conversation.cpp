#include "tests/support/qmp_conversation.h"

#include "agent/qmp/ask_facts.h"

namespace ctys::support {

qmp::Client::Callbacks RecordingClient::callbacks() {
    return {
        .on_ready = [this](const qmp::Ready& ready) { heard.push_back("ready " + ready.version); },
        .on_event = [this](const qmp::Event& event) { heard.push_back(event.name); },
        .on_closed =
            [this](const Error& why) {
                closed = true;
                heard.push_back(fmt::format("closed {}", to_string(why.code)));
            }};
}

void RecordingClient::ask(const std::string& command, Duration patience) {
    REQUIRE(client->execute(command, {}, patience, [this, command](const qmp::Reply& reply) {
        using Outcome = qmp::Reply::Outcome;
        switch (reply.outcome) {
        case Outcome::Done:
            return heard.push_back(command + ": done " + reply.value.to_json());
        case Outcome::Declined:
            return heard.push_back(command + ": " + reply.error_class);
        case Outcome::Interrupted:
            return heard.push_back(command + ": interrupted");
        case Outcome::TimedOut:
            return heard.push_back(command + ": timed out");
        }
    }));
}

bool RecordingClient::has(const std::string& word) const {
    return std::find(heard.begin(), heard.end(), word) != heard.end();
}

void hold_conversation(LoopFixture& fixture, RecordingClient& self) {
    std::optional<Result<qmp::QmpFacts>> facts;
    REQUIRE(qmp::ask_facts(
        *self.client, LoopFixture::patience, [&](const auto& answer) { facts = answer; }));
    fixture.run_until([&] { return facts.has_value(); });
    REQUIRE(*facts);
    CHECK((*facts)->status == "prelaunch");
    CHECK((*facts)->state.state == VmState::Starting);
    CHECK_FALSE((*facts)->uuid);
    CHECK((*facts)->accelerator == "tcg");
    CHECK((*facts)->version.substr(0, 2) == "7.");

    self.heard.clear();
    self.ask("no-such-command");
    self.ask("cont");
    self.ask("quit");
    fixture.run_until([&] { return self.closed; });

    // Events overtake the replies of the commands that cause them.
    CHECK(self.heard == std::vector<std::string>{"no-such-command: CommandNotFound",
                                                 "RESUME",
                                                 "cont: done {}",
                                                 "SHUTDOWN",
                                                 "quit: done {}",
                                                 "closed unreachable"});
}

} // namespace ctys::support
