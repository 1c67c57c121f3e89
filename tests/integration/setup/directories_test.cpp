#include "mesh/setup/directories.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::setup;

namespace {

unsigned mode_of(const std::string& path) {
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 07777U;
}

} // namespace

TEST_CASE("a prepared directory is private, whatever it was before", "[setup]") {
    const support::TemporaryDirectory directory;
    const auto path = directory / "a/b/state";

    REQUIRE(prepare_directory(path));
    CHECK(mode_of(path) == 0700);
    std::filesystem::permissions(path, std::filesystem::perms(0777));
    REQUIRE(prepare_directory(path));
    CHECK(mode_of(path) == 0700);
    REQUIRE(prepare_directory(path + "/"));
}

TEST_CASE("a group may enter a directory that is prepared for it", "[setup]") {
    const support::TemporaryDirectory directory;
    const auto path = directory / "run";

    REQUIRE(prepare_directory(path, {.group = ::getegid()}));
    CHECK(mode_of(path) == 0750);
    REQUIRE(prepare_directory(path, {.group = {}, .keep_group = true}));
    CHECK(mode_of(path) == 0750);
    REQUIRE(prepare_directory(path));
    CHECK(mode_of(path) == 0700);
}

TEST_CASE("a symbolic link in the place of a directory is refused", "[setup]") {
    const support::TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "real");
    std::filesystem::create_directory_symlink(directory / "real", directory / "link");

    CHECK(prepare_directory(directory / "link").error().code == ErrorCode::Refused);
    CHECK(mode_of(directory / "real") != 0700);
    CHECK(prepare_directory(directory / "link/below"));
}

TEST_CASE("a parent that others may write is refused, unless it is sticky", "[setup]") {
    const support::TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "open");
    std::filesystem::permissions(directory / "open", std::filesystem::perms(0777));

    const auto refused = prepare_directory(directory / "open/state");

    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Refused);
    CHECK_THAT(refused.error().message, Catch::Contains("open is writable by others"));
    std::filesystem::permissions(directory / "open", std::filesystem::perms(01777));
    CHECK(prepare_directory(directory / "open/state"));
}

TEST_CASE("a file in the place of a directory is a storage error", "[setup]") {
    const support::TemporaryDirectory directory;
    std::ofstream(directory / "file") << "x";
    CHECK(prepare_directory(directory / "file").error().code == ErrorCode::Storage);
    CHECK(prepare_directory(directory / "file/below").error().code == ErrorCode::Storage);
    CHECK(prepare_directory("relative").error().code == ErrorCode::Usage);
}

TEST_CASE("a directory of another user is refused", "[setup]") {
    if (::geteuid() != 0) return; // only root can make one
    const support::TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "theirs");
    REQUIRE(::chown((directory / "theirs").c_str(), 12345, 12345) == 0);

    const auto itself = prepare_directory(directory / "theirs");
    const auto below = prepare_directory(directory / "theirs/state");

    CHECK(itself.error().code == ErrorCode::Refused);
    CHECK(below.error().code == ErrorCode::Refused);
    CHECK_THAT(below.error().message, Catch::Contains("belongs to user 12345"));
}
