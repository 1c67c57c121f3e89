#include "mesh/setup/config.h"

#include <catch2/catch.hpp>

#include <map>

using namespace ctys;
using namespace ctys::setup;
using namespace std::chrono_literals;

namespace {

constexpr SettingRule rules[] = {
    {.name = "store.map_size",
     .type = SettingType::Size,
     .default_text = "64G",
     .minimum = 1 << 20},
    {.name = "store.durable", .type = SettingType::Boolean, .default_text = "true"},
    {.name = "heartbeat", .type = SettingType::Duration, .default_text = "1s"},
    {.name = "workers.most",
     .type = SettingType::Integer,
     .default_text = "1000",
     .minimum = 1,
     .maximum = 5000},
    {.name = "name", .type = SettingType::Text},
    {.name = "pools", .type = SettingType::TextList, .default_text = "/srv/vm, /home/vm"},
    {.name = "owner.*.shutdown", .type = SettingType::TextList},
};

Result<Settings> merge(std::vector<Assignment> assignments) {
    return Settings::merge(rules, assignments);
}

} // namespace

TEST_CASE("without assignments every setting has its default", "[setup]") {
    const auto settings = merge({}).value();

    CHECK(settings.bytes("store.map_size") == std::uint64_t{64} << 30);
    CHECK(settings.boolean("store.durable"));
    CHECK(settings.duration("heartbeat") == 1s);
    CHECK(settings.integer("workers.most") == 1000);
    CHECK(settings.text("name").empty());
    CHECK(settings.texts("pools") == std::vector<std::string>{"/srv/vm", "/home/vm"});
    CHECK(settings.names_like("owner.*.shutdown").empty());
    CHECK(settings.origin("name") == "default");
}

TEST_CASE("later assignments replace earlier ones and are named as origin", "[setup]") {
    const auto settings = merge({{"name", std::string("a"), "f.toml:1"},
                                 {"heartbeat", std::int64_t{3}, "f.toml:2"},
                                 {"name", std::string("b"), "CTYS_NAME"}})
                              .value();

    CHECK(settings.text("name") == "b");
    CHECK(settings.origin("name") == "CTYS_NAME");
    CHECK(settings.duration("heartbeat") == 3s);
}

TEST_CASE("settings are read from text and from typed values", "[setup]") {
    const auto [name, given, printed] = GENERATE(table<std::string, SettingValue, std::string>({
        {"store.map_size", std::int64_t{2097152}, "2097152"},
        {"store.map_size", std::string("512M"), "536870912"},
        {"store.durable", std::string("off"), "false"},
        {"store.durable", true, "true"},
        {"heartbeat", 0.25, "\"250ms\""},
        {"heartbeat", std::string("1m30s"), "\"90s\""},
        {"workers.most", std::string(" 17 "), "17"},
        {"pools", std::string(""), "[]"},
        {"pools", std::vector<std::string>{"a, b", "c"}, "[\"a, b\", \"c\"]"},
        {"name", std::string("say \"hi\"\n"), "\"say \\\"hi\\\"\\u000A\""},
    }));

    const auto settings = merge({{name, given, "here"}}).value();

    CHECK_THAT(settings.to_text(), Catch::Contains(name + " = " + printed + "   # here\n"));
}

TEST_CASE("a value of a wrong type or out of range names its origin", "[setup]") {
    const auto [name, given] = GENERATE(table<std::string, SettingValue>({
        {"store.map_size", std::string("many")},
        {"store.map_size", std::int64_t{-1}},
        {"store.map_size", std::int64_t{4096}},
        {"store.map_size", std::string("9999999999T")},
        {"store.durable", std::int64_t{1}},
        {"store.durable", std::string("perhaps")},
        {"heartbeat", std::string("-1s")},
        {"heartbeat", -1.0},
        {"heartbeat", std::numeric_limits<double>::quiet_NaN()},
        {"heartbeat", std::int64_t{INT64_MAX}},
        {"workers.most", std::int64_t{0}},
        {"workers.most", 1.5},
        {"name", std::int64_t{5}},
        {"name", std::string("\xff")},
        {"pools", true},
    }));

    const auto settings = merge({{name, given, "/etc/ctys/broker.toml:4"}});

    REQUIRE_FALSE(settings);
    CHECK(settings.error().code == ErrorCode::Usage);
    CHECK_THAT(settings.error().message, Catch::StartsWith("/etc/ctys/broker.toml:4: " + name));
}

TEST_CASE("an unknown setting is answered with the nearest known one", "[setup]") {
    const auto settings = merge({{"stroe.map_size", std::int64_t{1}, "b.toml:12"}});
    REQUIRE_FALSE(settings);
    CHECK(settings.error().message ==
          "b.toml:12: unknown setting stroe.map_size; the nearest known one is store.map_size");
    CHECK(nearest_name(rules, "completely different").empty());
    CHECK(nearest_name(rules, std::string(100'000, 'x')).empty());
}

TEST_CASE("all mistakes are reported at once", "[setup]") {
    const auto settings = merge({{"nome", std::string("x"), "a:1"}, {"heartbeat", true, "a:2"}});
    REQUIRE_FALSE(settings);
    CHECK_THAT(settings.error().message, Catch::StartsWith("a:1"));
    REQUIRE(settings.error().evidence.size() == 1);
    CHECK_THAT(settings.error().evidence[0], Catch::StartsWith("a:2"));
}

TEST_CASE("a rule with a star takes any one name in its place", "[setup]") {
    const std::vector<std::string> command = {"virsh", "shutdown"};
    const auto settings = merge({{"owner.libvirt.shutdown", command, "f:1"}}).value();

    CHECK(settings.names_like("owner.*.shutdown") ==
          std::vector<std::string>{"owner.libvirt.shutdown"});
    CHECK(settings.texts("owner.libvirt.shutdown") == command);
    CHECK_FALSE(merge({{"owner.a.b.shutdown", command, "f:1"}}));
    CHECK_FALSE(merge({{"owner..shutdown", command, "f:1"}}));
}

TEST_CASE("environment variables are looked up by the names of settings", "[setup]") {
    const std::map<std::string, std::string> environment = {
        {"CTYS_STORE_MAP_SIZE", "128M"}, {"CTYS_UNKNOWN", "1"}, {"NAME", "x"}};

    const auto found =
        assignments_from_environment(rules, [&](const auto& name) -> std::optional<std::string> {
            const auto at = environment.find(name);
            return at == environment.end() ? std::nullopt : std::optional(at->second);
        });

    REQUIRE(found.size() == 1);
    CHECK(found[0].origin == "CTYS_STORE_MAP_SIZE");
    CHECK(merge(found)->bytes("store.map_size") == 128 << 20);
}
