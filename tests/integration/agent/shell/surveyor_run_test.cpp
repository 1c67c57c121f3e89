#include "agent/shell/surveyor.h"
#include "schema/codec.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <memory>

using namespace ctys;
using namespace ctys::agent;
using namespace ctys::support;

namespace {

/// A surveyor that runs a command, and what it told, in that order.
struct OneSurvey : LoopFixture {
    TemporaryDirectory dir;
    setup::Logger log{setup::LogLevel::Error, setup::LogFormat::Plain, 2};
    std::vector<std::string> told;
    std::unique_ptr<Surveyor> surveyor;

    void begin(std::vector<std::string> call) {
        surveyor = std::make_unique<Surveyor>(
            loop,
            log,
            std::move(call),
            Surveyor::Events{
                .surveyed = [this](const WorkerRecord& found,
                                   WallTime) { told.push_back("surveyed " + found.host); },
                .ended = [this] { told.emplace_back("ended"); }});
        surveyor->begin();
    }
    void run(std::vector<std::string> call) {
        begin(std::move(call));
        run_until([&] { return !told.empty() && told.back() == "ended"; });
    }
};

using Told = std::vector<std::string>;

} // namespace

TEST_CASE("a survey tells what it has found, then that it has ended", "[agent]") {
    OneSurvey survey;
    const auto bytes = schema::encode(WorkerRecord{.host = "lab02"});
    std::ofstream{survey.dir / "record", std::ios::binary}.write(
        reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));

    survey.run({"/bin/cat", survey.dir / "record"});

    CHECK(survey.told == Told{"surveyed lab02", "ended"});
}

TEST_CASE("a survey that fails, talks nonsense or cannot begin has ended, too", "[agent]") {
    OneSurvey survey;
    const auto call = GENERATE(as<std::vector<std::string>>{},
                               std::vector<std::string>{"/bin/false"},
                               std::vector<std::string>{"/bin/echo", "nonsense"},
                               std::vector<std::string>{"/nowhere/ctys-agent"});

    survey.run(call);

    CHECK(survey.told == Told{"ended"});
}

TEST_CASE("a surveyor may go as soon as its survey has ended", "[agent]") {
    OneSurvey survey;
    survey.run({"/bin/false"});

    survey.surveyor.reset();
    survey.drain();

    CHECK(survey.told == Told{"ended"});
}

TEST_CASE("a surveyor that goes while its survey is under way tells nothing", "[agent]") {
    OneSurvey survey;
    survey.begin({"/usr/bin/tail", "-f", "/dev/null"});
    survey.drain();

    survey.surveyor.reset();
    survey.drain();

    CHECK(survey.told.empty());
}
