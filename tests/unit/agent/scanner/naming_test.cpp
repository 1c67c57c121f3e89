#include "agent/scanner/naming.h"

#include <catch2/catch.hpp>

using namespace ctys::agent;

TEST_CASE("candidates follow directory, image and label in this order", "[scanner]") {
    const auto candidates = candidate_configurations({"hda.img", "/srv/vm/tst253", "web"});

    REQUIRE(candidates.size() == 6);
    CHECK(candidates[0] == NamingMatch{"/srv/vm/tst253/tst253.ctys", NamingConvention::Directory});
    CHECK(candidates[1].config == "/srv/vm/tst253/tst253.conf");
    CHECK(candidates[2] == NamingMatch{"/srv/vm/tst253/hda.ctys", NamingConvention::Image});
    CHECK(candidates[4] == NamingMatch{"/srv/vm/tst253/web.ctys", NamingConvention::Label});
}

TEST_CASE("the first convention that holds names the configuration", "[scanner]") {
    const RunningImage running{"/srv/vm/a/../tst253/hda.img", "/", "web"};

    CHECK(
        match_configuration(
            running, std::vector<std::string>{"/srv/vm/tst253/web.ctys", "/srv/vm/tst253/hda.conf"})
            ->convention == NamingConvention::Image);
    CHECK(match_configuration(running, std::vector<std::string>{"/srv/vm/tst253/web.ctys"})
              ->convention == NamingConvention::Label);
    CHECK_FALSE(
        match_configuration(running, std::vector<std::string>{"/srv/vm/other/tst253.ctys"}));
}

TEST_CASE("a process without an image is matched in its working directory", "[scanner]") {
    const auto candidates = candidate_configurations({"", "/srv/vm/tst253/", "tst253"});

    REQUIRE(candidates.size() == 2);
    CHECK(candidates[0].config == "/srv/vm/tst253/tst253.ctys");
}

TEST_CASE("a label with a slash names no file", "[scanner]") {
    for (const auto& candidate : candidate_configurations({"/a/b.img", "/", "../../etc/x"})) {
        CHECK(candidate.config.starts_with("/a/"));
        CHECK(candidate.convention != NamingConvention::Label);
    }
}

TEST_CASE("an image in the root directory has no directory name", "[scanner]") {
    const auto candidates = candidate_configurations({"/disk.img", "/", ""});

    REQUIRE(candidates.size() == 2);
    CHECK(candidates[0].config == "/disk.ctys");
}

TEST_CASE("only the last suffix is taken off a file name", "[scanner]") {
    CHECK(prefix_of("web.example.img") == "web.example");
    CHECK(prefix_of(".hidden") == ".hidden");
    CHECK(prefix_of("plain") == "plain");
    CHECK(normal_path("../x//y/.", "/a/b") == "/a/x/y");
    CHECK(normal_path("../../..", "/a") == "/");
}
