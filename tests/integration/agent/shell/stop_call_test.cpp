#include "agent/shell/stop_call.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace ctys;
using namespace ctys::agent;

TEST_CASE("only an agent that has been here can stop its guests", "[agent]") {
    const support::TemporaryDirectory root;
    const setup::Directories directories{root / "state", root / "run"};

    const auto nowhere = require_known_agent(directories, "w1");
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().code == ErrorCode::NotFound);
    CHECK(std::filesystem::is_empty(root.path()));

    SECTION("its state is enough") {
        std::filesystem::create_directories(root / "state/agent-w1");
        CHECK(require_known_agent(directories, "w1"));
    }
    SECTION("its runtime folder is enough") {
        std::filesystem::create_directories(root / "run/agent-w1");
        CHECK(require_known_agent(directories, "w1"));
    }
    SECTION("others are named") {
        std::filesystem::create_directories(root / "state/agent-rack1");
        const auto other = require_known_agent(directories, "w1");
        REQUIRE_FALSE(other);
        CHECK_THAT(other.error().message, Catch::EndsWith("; known: rack1"));
        CHECK(other.error().try_next == "ctys-agent --stop-guests --name rack1");
    }
}
