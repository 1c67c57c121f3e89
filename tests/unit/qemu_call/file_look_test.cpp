#include "tests/support/temporary_directory.h"
#include "tools/qemu_call/file_look.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace ctys::call;
using ctys::support::TemporaryDirectory;

TEST_CASE("a file is the same by a link, a step up and a hard link", "[call]") {
    const TemporaryDirectory folder;
    std::filesystem::create_directory(folder / "vm");
    std::filesystem::create_directory_symlink("vm", folder / "link");
    std::ofstream{folder / "vm/a.img"} << "a";
    std::ofstream{folder / "vm/b.img"} << "b";
    std::filesystem::create_hard_link(folder / "vm/a.img", folder / "vm/hard.img");
    const auto own = identity_of(folder / "vm/a.img");

    CHECK(own);
    CHECK(identity_of(folder / "link/a.img") == own);
    CHECK(identity_of(folder / "vm/../vm/a.img") == own);
    CHECK(identity_of(folder / "vm/hard.img") == own);
    CHECK(identity_of(folder / "vm/b.img") != own);
}

TEST_CASE("a file that is not there yet is its folder and its name", "[call]") {
    const TemporaryDirectory folder;
    std::filesystem::create_directory(folder / "vm");
    std::filesystem::create_directory_symlink("vm", folder / "link");

    CHECK(identity_of(folder / "link/a.img") == identity_of(folder / "vm/a.img"));
    CHECK(identity_of(folder / "vm/a.img") != identity_of(folder / "vm/b.img"));
    CHECK(identity_of(folder / "vm/a.img") != identity_of(folder / "vm"));
    CHECK_FALSE(identity_of(folder / "none/a.img"));
}

TEST_CASE("a header of qcow2 is seen, and only by four bytes", "[call]") {
    const TemporaryDirectory folder;
    std::ofstream{folder / "a"} << "QFI\xfb and more";
    std::ofstream{folder / "b"} << "QFI";

    CHECK(has_qcow2_header(folder / "a"));
    CHECK_FALSE(has_qcow2_header(folder / "b"));
    CHECK_FALSE(has_qcow2_header(folder / "none"));
    CHECK_FALSE(has_qcow2_header(folder.path()));
}

TEST_CASE("an absent file lies on the file system of its folder", "[call]") {
    const auto proc = file_system_of("/proc");
    REQUIRE(proc);

    CHECK(file_system_of("/proc/ctys-none") == proc);
    CHECK_FALSE(file_system_of("/proc/ctys-none/a.img"));
    CHECK_FALSE(is_on_shared_storage("/proc/ctys-none"));
}
