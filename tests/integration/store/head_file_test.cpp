#include "mesh/store/head_file.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace ctys;

TEST_CASE("the head file gives back the last cursor that was written", "[store]") {
    const support::TemporaryDirectory directory;
    const auto path = directory / "head";

    CHECK_FALSE(store::read_head(path).value());
    REQUIRE(store::write_head(path, {1700000000, 41}));
    REQUIRE(store::write_head(path, {1700000000, UINT64_MAX}));

    CHECK(store::read_head(path).value() == Cursor{1700000000, UINT64_MAX});
    CHECK_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_CASE("a head file that is not a cursor is malformed", "[store]") {
    const support::TemporaryDirectory directory;
    const auto path = directory / "head";
    std::ofstream(path) << GENERATE("", "7", "seven-1", "1-2 3");

    const auto head = store::read_head(path);

    REQUIRE_FALSE(head);
    CHECK(head.error().code == ErrorCode::Malformed);
    CHECK_THAT(head.error().message, Catch::Contains(path));
}

TEST_CASE("a head file that cannot be written is a storage error", "[store]") {
    const support::TemporaryDirectory directory;
    const auto written = store::write_head(directory / "missing/head", {1, 1});
    REQUIRE_FALSE(written);
    CHECK(written.error().code == ErrorCode::Storage);
}
