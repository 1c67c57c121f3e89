#include "mesh/setup/config.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::setup;

TEST_CASE("tables become dotted names with the line of each value", "[setup]") {
    const auto read = parse_toml("name = 'x'\n"
                                 "[store]\n"
                                 "map_size = 5\n"
                                 "durable = false\n"
                                 "[owner.libvirt]\n"
                                 "shutdown = [\"virsh\", \"shutdown\"]\n",
                                 "f.toml");

    REQUIRE(read);
    std::map<std::string, Assignment> by_name;
    for (const auto& assignment : *read) {
        by_name[assignment.name] = assignment;
    }
    CHECK(by_name.size() == 4);
    CHECK(by_name["name"].value == SettingValue(std::string("x")));
    CHECK(by_name["store.map_size"].value == SettingValue(std::int64_t{5}));
    CHECK(by_name["store.map_size"].origin == "f.toml:3");
    CHECK(by_name["store.durable"].value == SettingValue(false));
    CHECK(by_name["owner.libvirt.shutdown"].value ==
          SettingValue(std::vector<std::string>{"virsh", "shutdown"}));
}

TEST_CASE("what no setting can hold is a usage error with file and line", "[setup]") {
    const auto text = GENERATE("a = 1\nb = \n",
                               "a = 1\nb = 1979-05-27\n",
                               "a = 1\nb = [1, 2]\n",
                               "a = 1\nb = [['x']]\n",
                               "a = 1\na = 2\n",
                               "a = 1\n[[list]]\nx = 1\n");

    const auto read = parse_toml(text, "f.toml");

    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::Usage);
    CHECK_THAT(read.error().message,
               Catch::StartsWith("f.toml:2: ") || Catch::StartsWith("f.toml:3: "));
}

TEST_CASE("a document that is not UTF-8 is a usage error", "[setup]") {
    const auto read = parse_toml("a = 1\n\xff = 3\n", "f.toml");
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::Usage);
}

TEST_CASE("absurdly nested documents are refused", "[setup]") {
    CHECK_FALSE(parse_toml("a = " + std::string(100'000, '['), "f.toml"));
    std::string dotted = "a";
    for (int i = 0; i < 10'000; ++i) {
        dotted += ".a";
    }
    CHECK_FALSE(parse_toml(dotted + " = 1", "f.toml"));
}
