#include "tests/support/temporary_directory.h"
#include "tools/qemu_call/console_link.h"
#include "tools/qemu_call/local_socket.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace ctys;
using namespace ctys::call;

namespace {

std::string why_no_link(const std::string& path) {
    const auto fine = check_console_link(path);
    return fine ? "" : fine.error().message;
}

bool is_link(const std::string& path) {
    return std::filesystem::is_symlink(std::filesystem::symlink_status(path));
}

} // namespace

TEST_CASE("a link to a console is there as long as its VM", "[call]") {
    support::TemporaryDirectory folder;
    {
        ConsoleLink link;
        REQUIRE(link.make(folder / "i/console.sock", folder / "mon"));
        CHECK(std::filesystem::read_symlink(folder / "mon") == folder / "i/console.sock");
    }
    CHECK_FALSE(is_link(folder / "mon"));
}

TEST_CASE("a link that was left is replaced, everything else is kept", "[call]") {
    support::TemporaryDirectory folder;
    const auto path = folder / "mon";
    SECTION("of a console that is gone") {
        std::filesystem::create_symlink(folder / "gone/console.sock", path);
        ConsoleLink link;
        CHECK(link.make(folder / "i/console.sock", path));
        CHECK(std::filesystem::read_symlink(path) == folder / "i/console.sock");
    }
    SECTION("of a console that is in use") {
        const auto console = listen_at(folder / "console.sock");
        REQUIRE(console);
        std::filesystem::create_symlink(folder / "console.sock", path);
        CHECK(why_no_link(path).find("leads to the console of a VM that runs") !=
              std::string::npos);
        ::close(*console);
        CHECK(why_no_link(path).empty());
    }
    SECTION("of something else") {
        std::filesystem::create_symlink("/etc/passwd", path);
        ConsoleLink link;
        CHECK_FALSE(link.make(folder / "i/console.sock", path));
        CHECK(std::filesystem::read_symlink(path) == "/etc/passwd");
    }
    SECTION("a file") {
        std::ofstream{path} << "x";
        ConsoleLink link;
        CHECK_FALSE(link.make(folder / "i/console.sock", path));
        CHECK(std::filesystem::file_size(path) == 1);
    }
}

TEST_CASE("a link is made where a socket can be, and nobody replaces it", "[call]") {
    support::TemporaryDirectory folder;
    CHECK(why_no_link(folder / "mon").empty());
    CHECK(why_no_link("/tmp/" + std::string(102, 'a')).empty());
    CHECK(why_no_link("/tmp/" + std::string(103, 'a'))
              .ends_with(" has 108 bytes, the name of a socket at most 107"));
    CHECK(why_no_link("mon") == "mon is not the absolute path of a file");
    CHECK(why_no_link("/tmp/") == "/tmp/ is not the absolute path of a file");
    CHECK(why_no_link(folder / "none/mon") ==
          "the folder " + (folder / "none") + " does not exist");
    std::filesystem::create_directory(folder / "open");
    std::filesystem::permissions(folder / "open", std::filesystem::perms::all);
    CHECK(why_no_link(folder / "open/mon") ==
          "in " + (folder / "open") + " everybody may replace what lies there");
}

TEST_CASE("by default the number in the name of a console is that of its parent", "[call]") {
    CHECK(default_console_link("web").starts_with("/var/tmp/qemumon.web." +
                                                  std::to_string(::getpid()) + "."));
}
