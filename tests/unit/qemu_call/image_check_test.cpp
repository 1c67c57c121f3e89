#include "tests/support/temporary_directory.h"
#include "tests/support/without_rights.h"
#include "tools/qemu_call/image_check.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::call;

TEST_CASE("a file that can be read is an image", "[call]") {
    const ctys::support::TemporaryDirectory folder;
    const auto path = folder.path() + "/a.iso";
    std::ofstream{path} << "CD001";

    CHECK(check_image(path));
}

TEST_CASE("what is no image is told in words", "[call]") {
    const ctys::support::TemporaryDirectory folder;
    const auto pipe = folder.path() + "/pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);

    CHECK(check_image(folder.path() + "/none.iso").error().code == ErrorCode::NotFound);
    CHECK(check_image(folder.path() + "/pipe/a.iso").error().code == ErrorCode::NotFound);
    for (const auto& path : {folder.path(), pipe, std::string{"/dev/null"}}) {
        const auto fine = check_image(path);
        REQUIRE_FALSE(fine);
        CHECK(fine.error().message.ends_with("is neither a regular file nor a block device"));
    }
}

TEST_CASE("an image that the account may not read is refused", "[call]") {
    const ctys::support::TemporaryDirectory folder;
    const auto path = folder.path() + "/a.iso";
    std::ofstream{path} << "CD001";
    REQUIRE(::chmod(path.c_str(), 0) == 0);

    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);

    const ctys::support::WithoutRights as_nobody;
    const auto fine = check_image(path);

    REQUIRE_FALSE(fine);
    CHECK(fine.error().code == ErrorCode::Refused);
}
