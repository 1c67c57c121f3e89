#include "tests/support/temporary_directory.h"
#include "tools/qemu_call/state_note.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace ctys;
using namespace ctys::call;

TEST_CASE("a note is written, read, written again and taken away", "[call]") {
    const ctys::support::TemporaryDirectory folder;
    const auto config = folder.path() + "/web.ctys";
    CHECK_FALSE(read_state_note(config).value());

    REQUIRE(write_state_note(config, {.tag = "old", .at = {1}}));
    REQUIRE(write_state_note(config, {.tag = "ctys-suspend", .at = {2}}));

    const auto note = read_state_note(config).value();
    REQUIRE(note);
    CHECK(*note == qemu::StateNote{.tag = "ctys-suspend", .at = {2}});
    CHECK(std::distance(std::filesystem::directory_iterator{folder.path()}, {}) == 1);

    CHECK(remove_state_note(config));
    CHECK(remove_state_note(config)); // also where there is none
    CHECK_FALSE(read_state_note(config).value());
}

TEST_CASE("a note that cannot be read or written is told", "[call]") {
    const ctys::support::TemporaryDirectory folder;
    const auto config = folder.path() + "/web.ctys";
    std::ofstream{config + ".suspended"} << "nonsense";

    CHECK(read_state_note(config).error().code == ErrorCode::Malformed);
    CHECK(read_state_note(config).error().message.find("--discard-state") != std::string::npos);
    const auto nowhere = folder.path() + "/none/web.ctys";
    CHECK(write_state_note(nowhere, {.tag = "x", .at = {}}).error().code == ErrorCode::Failed);
}
