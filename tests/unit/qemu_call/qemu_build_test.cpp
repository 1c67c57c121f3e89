#include "tests/support/temporary_directory.h"
#include "tools/qemu_call/qemu_build.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace ctys;
using namespace ctys::call;

namespace {

// Stand-ins: what they answer to --version, and whether they were run at all.
struct Builds {
    support::TemporaryDirectory folder;

    std::string add(const std::string& name, const std::string& script) const {
        const auto path = folder / name;
        std::ofstream{path} << "#!/bin/sh\n: > '" + folder.path() + "/was-run'\n" << script << '\n';
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
        return path;
    }
    std::string add_version(const std::string& name, const std::string& version) const {
        return add(name,
                   "[ \"$*\" = --version ] && echo 'QEMU emulator version " + version +
                       " (a build)'");
    }
    bool was_run() const { return std::filesystem::remove(folder / "was-run"); }

    static qemu::KvmNote note(const std::string& path, qemu::QemuVersion version) {
        struct stat facts {};
        REQUIRE(::stat(path.c_str(), &facts) == 0);
        return {.usable = false,
                .why = {},
                .binaries = {},
                .builds = {{path, qemu::stamp_of(facts), version}}};
    }
};

} // namespace

TEST_CASE("a build that nobody knows is asked for its version", "[call]") {
    const Builds builds;
    const auto emulator = builds.add_version("qemu", "9.2.0");

    CHECK(version_of(emulator, std::nullopt) == BuildVersion{{9, 2}, {}});
    CHECK(builds.was_run());
    CHECK(version_of(emulator, Builds::note("/bin/sh", {5, 2})) == BuildVersion{{9, 2}, {}});
    CHECK(builds.was_run());
}

TEST_CASE("a build that the agent's note knows is not asked", "[call]") {
    const Builds builds;
    const auto emulator = builds.add_version("qemu", "9.2.0");
    std::filesystem::create_symlink(emulator, builds.folder / "link");
    const auto note = Builds::note(emulator, {5, 2});

    CHECK(version_of(emulator, note) == BuildVersion{{5, 2}, {}});
    CHECK(version_of(builds.folder / "link", note) == BuildVersion{{5, 2}, {}});
    CHECK_FALSE(builds.was_run());
}

TEST_CASE("a note is believed only while the file is unchanged", "[call]") {
    const Builds builds;
    const auto emulator = builds.add_version("qemu", "9.2.0");
    const auto note = Builds::note(emulator, {5, 2});
    const auto change = GENERATE(as<std::string>{}, "longer", "another", "later");
    CAPTURE(change);
    if (change == "longer") std::ofstream{emulator, std::ios::app} << "#\n";
    if (change == "another") {
        std::filesystem::copy_file(emulator, builds.folder / "copy");
        std::filesystem::last_write_time(builds.folder / "copy",
                                         std::filesystem::last_write_time(emulator));
        std::filesystem::rename(builds.folder / "copy", emulator);
    }
    if (change == "later") {
        std::filesystem::last_write_time(
            emulator, std::filesystem::last_write_time(emulator) + std::chrono::nanoseconds{1});
    }

    CHECK(version_of(emulator, note) == BuildVersion{{9, 2}, {}});
    CHECK(builds.was_run());
}

TEST_CASE("a build that does not tell its version counts as 7.2, and people are told", "[call]") {
    const Builds builds;
    const auto script = GENERATE(as<std::string>{},
                                 "exit 0",
                                 "exit 1",
                                 "echo 9.2.0",
                                 "kill -KILL $$",
                                 "exec yes 'QEMU emulator'");
    CAPTURE(script);
    const auto emulator = builds.add("qemu", script);

    CHECK(version_of(emulator, std::nullopt, std::chrono::seconds{30}) ==
          BuildVersion{qemu::usual_version,
                       "STARTERCALL: the version of " + emulator +
                           " is not known (it tells none of QEMU), it counts as QEMU 7.2"});
}

TEST_CASE("a build that hangs when it is asked is ended and counts as 7.2", "[call]") {
    const Builds builds;
    const auto emulator = builds.add("qemu", "exec tail -f /dev/null");

    const auto build = version_of(emulator, std::nullopt, std::chrono::milliseconds{50});

    CHECK(build.version == qemu::usual_version);
    CHECK(build.note.find("did not end within") != std::string::npos);
}

TEST_CASE("a file that is no program counts as 7.2", "[call]") {
    const Builds builds;
    const auto emulator = builds.folder / "none";

    CHECK(version_of(emulator, std::nullopt) ==
          BuildVersion{qemu::usual_version,
                       "STARTERCALL: the version of " + emulator + " is not known (cannot run " +
                           emulator + ": No such file or directory), it counts as QEMU 7.2"});
}

TEST_CASE("a build from before 4.2 is named", "[call]") {
    const Builds builds;
    const auto emulator = builds.add_version("qemu", "2.11.1");

    CHECK(version_of(emulator, std::nullopt) ==
          BuildVersion{{2, 11},
                       "STARTERCALL: " + emulator +
                           " is QEMU 2.11, command lines are made for 4.2 and later"});
}
