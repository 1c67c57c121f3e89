#include "mesh/setup/config.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace ctys;
using namespace ctys::setup;

namespace {

void write_file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
}

} // namespace

TEST_CASE("configuration files are read in a fixed order", "[setup]") {
    const support::TemporaryDirectory directory;
    const ConfigPlaces places{directory / "etc", directory / "home"};
    for (const auto* name : {"etc/agent.toml",
                             "etc/broker.toml",
                             "etc/conf.d/90-site.toml",
                             "etc/conf.d/10-agent.toml",
                             "etc/conf.d/20-broker.toml",
                             "etc/conf.d/notes.txt",
                             "home/agent.toml"}) {
        write_file(directory / name, "");
    }

    CHECK(config_files(places, "agent") ==
          std::vector<std::string>{directory / "etc/agent.toml",
                                   directory / "etc/conf.d/10-agent.toml",
                                   directory / "etc/conf.d/90-site.toml",
                                   directory / "home/agent.toml"});
    CHECK(config_files({directory / "none", ""}, "agent").empty());
}

TEST_CASE("a configuration file gives values with its path and line", "[setup]") {
    const support::TemporaryDirectory directory;
    write_file(directory / "a.toml", "\nname = 'x'\n");

    const auto read = read_config_file(directory / "a.toml");

    REQUIRE(read);
    REQUIRE(read->size() == 1);
    CHECK(read->front().origin == (directory / "a.toml") + ":2");
}

TEST_CASE("a configuration file that others may write is refused", "[setup]") {
    const support::TemporaryDirectory directory;
    write_file(directory / "a.toml", "name = 'x'\n");
    REQUIRE(::chmod((directory / "a.toml").c_str(), 0666) == 0);
    CHECK(read_config_file(directory / "a.toml").error().code == ErrorCode::Refused);
}

TEST_CASE("what is no small regular file is refused without waiting", "[setup]") {
    const support::TemporaryDirectory directory;
    write_file(directory / "large.toml", std::string((1 << 20) + 1, '#'));
    REQUIRE(::mkfifo((directory / "pipe.toml").c_str(), 0600) == 0);

    CHECK(read_config_file(directory / "large.toml").error().code == ErrorCode::Refused);
    CHECK(read_config_file(directory / "pipe.toml").error().code == ErrorCode::Storage);
    CHECK(read_config_file(directory.path()).error().code == ErrorCode::Storage);
    CHECK(read_config_file(directory / "none.toml").error().code == ErrorCode::NotFound);
}

TEST_CASE("the command line wins over the environment and that over files", "[setup]") {
    const support::TemporaryDirectory directory;
    const std::vector<SettingRule> rules = {
        {.name = "one"}, {.name = "two"}, {.name = "three"}, {.name = "four"}};
    write_file(directory / "a.toml", "one = 'f'\ntwo = 'f'\nthree = 'f'\n");
    ::setenv("CTYS_TWO", "e", 1);
    ::setenv("CTYS_THREE", "e", 1);
    const std::vector<Assignment> flags = {{"three", std::string("c"), "--three"}};

    const auto settings = load_settings("agent", rules, flags, directory / "a.toml");
    ::unsetenv("CTYS_TWO");
    ::unsetenv("CTYS_THREE");

    REQUIRE(settings);
    CHECK(settings->to_text() == "four = \"\"   # default\n"
                                 "one = \"f\"   # " +
                                     (directory / "a.toml") +
                                     ":1\n"
                                     "three = \"c\"   # --three\n"
                                     "two = \"e\"   # CTYS_TWO\n");
}

TEST_CASE("one folder can stand for all places of settings", "[setup]") {
    REQUIRE(::setenv("CTYS_CONFIG_DIR", "/somewhere/etc", 1) == 0);
    const auto places = config_places();
    REQUIRE(::setenv("CTYS_CONFIG_DIR", "relative", 1) == 0);
    const auto usual = config_places();
    REQUIRE(::unsetenv("CTYS_CONFIG_DIR") == 0);

    CHECK(places.system == "/somewhere/etc");
    CHECK(places.user.empty());
    CHECK(places.own() == "/somewhere/etc");
    CHECK(usual.system == "/etc/ctys");
}
