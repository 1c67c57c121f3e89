#include "tests/support/temporary_directory.h"
#include "tools/client/log_tail.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace ctys;
using namespace ctys::tools;

TEST_CASE("the last lines of a log are shown, whatever they contain", "[tools][logs]") {
    const support::TemporaryDirectory directory;
    const auto path = directory.path() + "/serial.log";
    std::ofstream(path) << "one\ntwo\r\n\033c\033[?7l\033[2Jth\007ree\033[\n";

    CHECK(log_tail(path, 2) == "  two\n  th?ree\n");
    CHECK(log_tail(path, 0) == "");
    CHECK(log_tail(path + ".old", 2) == "");
}

TEST_CASE("of a long log only the end is read", "[tools][logs]") {
    const support::TemporaryDirectory directory;
    const auto path = directory.path() + "/serial.log";
    std::ofstream(path) << std::string(200'000, '\n') << "last\n";

    CHECK(log_tail(path, 1) == "  last\n");
}

TEST_CASE("what is no regular file is not read", "[tools][logs]") {
    const support::TemporaryDirectory directory;
    const auto path = directory.path() + "/serial.log";
    SECTION("a pipe without writer") {
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    }
    SECTION("a folder") {
        std::filesystem::create_directory(path);
    }
    SECTION("a link") {
        std::filesystem::create_symlink("/etc/hostname", path);
    }

    const auto text = log_tail(path, 2);

    REQUIRE_FALSE(text.has_value());
    CHECK(text.error().code == ErrorCode::Conflict);
    CHECK(text.error().message == path + " is no regular file and is not read");
}
