// Two builds of QEMU side by side, laid out as /opt/qemu-X/bin: each VM has the words of its own.
// The first one is the QEMU of this machine behind a link. Debian 12 has no second version, so the
// other is a stand-in: it answers --version as QEMU 9.2 does, and is not started.
#include "mesh/qemu/kvm_note.h"
#include "tests/real/qemu/vm_directory.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace ctys;
using namespace ctys::testing;

namespace {

class SideBySide {
public:
    SideBySide() {
        std::filesystem::create_directories(root_ / "qemu-7.2/bin");
        std::filesystem::create_directories(root_ / "qemu-9.2/bin");
        std::filesystem::create_symlink("/usr/bin/qemu-system-x86_64", usual());
        std::ofstream{later()} << fmt::format("#!/bin/sh\n"
                                              "[ \"$*\" = --version ] || exit 1\n"
                                              ": > '{}'\n"
                                              "echo 'QEMU emulator version 9.2.0 (a stand-in)'\n",
                                              asked());
        std::filesystem::permissions(later(), std::filesystem::perms::owner_all);
    }
    ~SideBySide() { ::unsetenv("CTYS_KVM_NOTE"); }
    SideBySide(const SideBySide&) = delete;
    SideBySide& operator=(const SideBySide&) = delete;

    [[nodiscard]] std::string usual() const { return root_ / "qemu-7.2/bin/qemu-system-x86_64"; }
    [[nodiscard]] std::string later() const { return root_ / "qemu-9.2/bin/qemu-system-x86_64"; }

    [[nodiscard]] std::string asked() const { return root_ / "asked"; }
    /// Since the last question.
    [[nodiscard]] bool was_asked() const { return std::filesystem::remove(asked()); }

    /// What an agent would leave, had the build told this version.
    void note(const std::string& build, qemu::QemuVersion version) const {
        struct stat facts {};
        REQUIRE(::stat(build.c_str(), &facts) == 0);
        std::ofstream{root_ / "note"}
            << qemu::to_text({.usable = false,
                              .why = "a test",
                              .binaries = {},
                              .builds = {{build, qemu::stamp_of(facts), version}}});
        // Who else may write there might have.
        std::filesystem::permissions(root_ / "note",
                                     std::filesystem::perms::owner_read |
                                         std::filesystem::perms::owner_write);
        ::setenv("CTYS_KVM_NOTE", (root_ / "note").c_str(), 1);
    }

private:
    support::TemporaryDirectory root_;
};

// The line and what was said before it.
std::string printed_by(VmDirectory& vm) {
    vm.start({"--print", "--check"});
    const auto status = vm.wait();
    CAPTURE(vm.output());
    REQUIRE(status == 0);
    return vm.output();
}

bool said_in(const std::string& output, std::string_view words) {
    return output.find(words) != std::string::npos;
}

} // namespace

TEST_CASE("of two builds side by side each is called in its own words", "[qemu][real]") {
    const SideBySide builds;
    VmDirectory first{Guest::Idle};
    VmDirectory second{Guest::Idle};
    first.append_to_configuration("STARTERCALL=" + builds.usual() + "\nARGSADD=-no-acpi\n");
    second.append_to_configuration("STARTERCALL=" + builds.later() + "\nARGSADD=-no-acpi\n");

    const auto usual = printed_by(first);
    const auto later = printed_by(second);

    CHECK(said_in(usual, builds.usual() + " -nodefaults "));
    CHECK(said_in(usual, "path=" + first.path() + "/i/qmp.sock,reconnect=1 "));
    CHECK(said_in(usual, " -no-acpi -drive "));
    CHECK_FALSE(said_in(usual, "is gone from"));
    CHECK(said_in(later, builds.later() + " -nodefaults "));
    CHECK(said_in(later, "path=" + second.path() + "/i/qmp.sock,reconnect-ms=1000 "));
    CHECK(said_in(later, " -machine acpi=off -drive "));
    CHECK(said_in(later, "-no-acpi is gone from QEMU 9.0; -machine acpi=off takes its place\n"));
}

TEST_CASE("a build that the agent has noted is not asked, as long as it is that file",
          "[qemu][real]") {
    const SideBySide builds;
    VmDirectory vm{Guest::Idle};
    vm.append_to_configuration("STARTERCALL=" + builds.later() + "\n");
    builds.note(builds.later(), {5, 2});

    CHECK(said_in(printed_by(vm), "qmp.sock,reconnect=1 "));
    CHECK_FALSE(builds.was_asked());

    std::ofstream{builds.later(), std::ios::app} << "# another build\n";

    CHECK(said_in(printed_by(vm), "qmp.sock,reconnect-ms=1000 "));
    CHECK(builds.was_asked());
}

TEST_CASE("a build that does not tell its version is called as 7.2, and that is said",
          "[qemu][real]") {
    const SideBySide builds;
    std::ofstream{builds.later()} << "#!/bin/sh\nexit 1\n";
    VmDirectory vm{Guest::Idle};
    vm.append_to_configuration("STARTERCALL=" + builds.later() + "\n");

    const auto output = printed_by(vm);

    CHECK(said_in(output, "qmp.sock,reconnect=1 "));
    CHECK(said_in(output,
                  "STARTERCALL: the version of " + builds.later() +
                      " is not known (it tells none of QEMU), it counts as QEMU 7.2\n"));
}

TEST_CASE("the QEMU of this machine tells its version as it is read", "[qemu][real]") {
    const SideBySide builds;
    VmDirectory vm{Guest::Ending};
    vm.append_to_configuration("STARTERCALL=" + builds.usual() + "\n");

    vm.start({});

    CHECK(vm.wait() == 0);
    CHECK_FALSE(said_in(vm.output(), "the version of"));
    CHECK(said_in(vm.text_of(vm.files().serial_log), "up\r\n"));
}
