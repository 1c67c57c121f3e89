#include "agent/shell/instance_dirs.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::agent;

namespace {

struct Started {
    Started() : dirs(InstanceDirs::open(root.path()).value()), directory(dirs.path_of(action)) {
        REQUIRE(dirs.make(action, ::geteuid(), ::getegid()));
    }

    void write(const std::string& path, const std::string& text) const {
        std::ofstream{path} << text;
    }

    support::TemporaryDirectory root;
    const ActionId action{7};
    InstanceDirs dirs;
    std::string directory;
    const std::string words = "qemu-system-x86_64: could not open disk";
};

} // namespace

TEST_CASE_METHOD(Started, "the words of QEMU are read from its folder", "[agent]") {
    write(directory + "/stderr.log", words + "\n");
    CHECK(InstanceDirs::last_words(directory) == words);
}

TEST_CASE_METHOD(Started, "nothing but a plain file of its user is read", "[agent]") {
    const auto elsewhere = root.path() + "/elsewhere";
    write(elsewhere, words + "\n");
    const auto log = directory + "/stderr.log";
    SECTION("a symbolic link") {
        REQUIRE(::symlink(elsewhere.c_str(), log.c_str()) == 0);
    }
    SECTION("a hard link") {
        REQUIRE(::link(elsewhere.c_str(), log.c_str()) == 0);
    }
    SECTION("a pipe that nobody writes to") {
        REQUIRE(::mkfifo(log.c_str(), 0600) == 0);
    }
    SECTION("a folder") {
        REQUIRE(::mkdir(log.c_str(), 0700) == 0);
    }
    SECTION("by a link in place of the folder itself") {
        write(log, words + "\n");
        std::filesystem::rename(directory, root.path() + "/moved");
        REQUIRE(::symlink((root.path() + "/moved").c_str(), directory.c_str()) == 0);
    }
    CHECK(InstanceDirs::last_words(directory).empty());
}

TEST_CASE_METHOD(Started, "the record of an instance lies where its user cannot write", "[agent]") {
    InstanceRecord record{.label = "web"};
    REQUIRE(InstanceDirs::keep(directory, record));

    CHECK(InstanceDirs::kept(directory) == record);
    CHECK_FALSE(std::filesystem::exists(directory + "/record"));
    CHECK(dirs.list() == std::vector{directory});
    dirs.remove(directory);
    CHECK_FALSE(InstanceDirs::kept(directory));
    CHECK(std::filesystem::is_empty(root.path() + "/i"));
}

TEST_CASE_METHOD(Started,
                 "the log of a wrapper is made before its folder is handed over",
                 "[agent]") {
    struct stat found {};
    REQUIRE(::lstat((directory + "/wrapper.log").c_str(), &found) == 0);
    CHECK(S_ISREG(found.st_mode));
    CHECK((found.st_mode & 0777) == 0600);
    CHECK(InstanceDirs::owner_of(directory) == ::geteuid());
    CHECK_FALSE(dirs.make(action, ::geteuid(), ::getegid()));
}
