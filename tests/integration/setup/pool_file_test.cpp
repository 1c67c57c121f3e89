#include "mesh/setup/pool_file.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace ctys;
using namespace ctys::setup;

TEST_CASE("pools come back from their file as they were put there", "[setup]") {
    const support::TemporaryDirectory directory;
    const auto path = pool_file(directory.path());
    std::vector<PoolEntry> entries{{.root = "/srv/a \"quoted\" \\ name", .trusted = true}};
    for (int i = 0; i < 12; ++i)
        entries.push_back({.root = "/srv/" + std::to_string(i)});

    REQUIRE(write_pool_file(path, entries));

    CHECK(read_pool_file(path) == entries);
}

TEST_CASE("no pool file is no pool", "[setup]") {
    const support::TemporaryDirectory directory;

    CHECK(read_pool_file(directory / "pools.toml") == std::vector<PoolEntry>{});
}

TEST_CASE("what is no pool is refused and names its line", "[setup]") {
    const support::TemporaryDirectory directory;
    const auto path = directory / "pools.toml";
    const auto* text = GENERATE("[pool.a]\npath = \"relative\"\n",
                                "[pool.a]\npath = 3\n",
                                "[pool.a]\ntrust = true\n",
                                "[pool.a]\npath = \"/a\"\ntrust = \"yes\"\n",
                                "[pool.a]\npath = \"/a\"\ncolour = \"red\"\n",
                                "pools = [\"/a\"]\n");
    std::ofstream(path) << text;

    const auto read = read_pool_file(path);

    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::Usage);
    CHECK(read.error().message.find("pools.toml") != std::string::npos);
}

TEST_CASE("a path that is none is not written", "[setup]") {
    const support::TemporaryDirectory directory;
    const auto path = directory / "pools.toml";
    const auto* root = GENERATE("relative", "", "/with\nnewline");

    CHECK_FALSE(write_pool_file(path, {{.root = root}}));
    CHECK(read_pool_file(path)->empty());
}
