#include "agent/shell/surveyor.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace ctys;
using namespace ctys::agent;

namespace {

struct SurveyedMachine {
    support::TemporaryDirectory folder;
    WorkerRecord worker;

    std::string add(const std::string& name, const std::string& version, std::string problem = {}) {
        const auto path = std::filesystem::canonical(folder.path()).string() + "/" + name;
        std::ofstream{path} << "#!/bin/sh\n";
        worker.equipment.emulators.push_back({.path = path,
                                              .version = version,
                                              .accelerators = "kvm tcg",
                                              .problem = std::move(problem)});
        return path;
    }
};

WallTime now_and(std::chrono::seconds later) {
    const auto now = std::chrono::system_clock::now().time_since_epoch() + later;
    return {std::chrono::duration_cast<std::chrono::microseconds>(now).count()};
}

qemu::FileStamp stamp_at(const std::string& path) {
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return qemu::stamp_of(facts);
}

} // namespace

TEST_CASE("a note has the version of each emulator that told one", "[agent]") {
    SurveyedMachine machine;
    const auto usual = machine.add("qemu-system-x86_64", "7.2.22");
    const auto later = machine.add("qemu-system-arm", "9.2.0");
    const auto mute = machine.add("qemu-system-ppc", "0.12.2", "speaks no QMP");
    machine.add("qemu-system-sh4", "", "ended with status 1");
    machine.worker.accelerators = {{.name = "kvm", .usable = true, .why = "up"}};

    const auto note = note_of(machine.worker, now_and(std::chrono::hours{1}));

    CHECK(note == qemu::KvmNote{.usable = true,
                                .why = "up",
                                .binaries = {usual, later},
                                .builds = {{usual, stamp_at(usual), {7, 2}},
                                           {later, stamp_at(later), {9, 2}},
                                           {mute, stamp_at(mute), {0, 12}}}});
}

TEST_CASE("a note tells which emulator has run a probe guest, and leaves out who has not come up",
          "[agent]") {
    SurveyedMachine machine;
    const auto failed = machine.add("qemu-system-i386", "");
    const auto tried = machine.add("qemu-system-x86_64", "");
    const auto untried = machine.add("qemu-kvm", "");
    machine.worker.equipment.emulators[0].kvm_trial = KvmTrial::Failed;
    machine.worker.equipment.emulators[1].kvm_trial = KvmTrial::Up;
    machine.worker.accelerators = {{.name = "kvm", .usable = true, .why = "up"}};

    const auto note = note_of(machine.worker, now_and(std::chrono::hours{1}));

    CHECK(note.binaries == std::vector{tried, untried});
    CHECK(note.tried == std::vector{tried});
}

TEST_CASE("versions are noted where nothing runs by KVM, too", "[agent]") {
    SurveyedMachine machine;
    const auto path = machine.add("qemu-system-x86_64", "7.2.22");
    machine.worker.accelerators = {{.name = "kvm", .usable = false, .why = "no /dev/kvm"}};

    const auto note = note_of(machine.worker, now_and(std::chrono::hours{1}));

    CHECK(note.binaries.empty());
    CHECK(note.builds.size() == 1);
    CHECK(qemu::noted_version(note, stamp_at(path)) == qemu::QemuVersion{7, 2});
}

TEST_CASE("a file that was touched since the survey began has no version", "[agent]") {
    SurveyedMachine machine;
    machine.add("qemu-system-x86_64", "7.2.22");

    CHECK(note_of(machine.worker, now_and(std::chrono::seconds{0})).builds.empty());
    CHECK(note_of(machine.worker, now_and(-std::chrono::hours{1})).builds.empty());
}

TEST_CASE("an emulator behind a link is noted as the file that it is", "[agent]") {
    SurveyedMachine machine;
    const auto path = machine.add("qemu-system-x86_64", "7.2.22");
    std::filesystem::create_symlink(path, machine.folder.path() + "/qemu-kvm");
    machine.worker.equipment.emulators.front().path = machine.folder.path() + "/qemu-kvm";

    const auto note = note_of(machine.worker, now_and(std::chrono::hours{1}));

    CHECK(note.builds == std::vector<qemu::EmulatorBuild>{{path, stamp_at(path), {7, 2}}});
}

TEST_CASE("an emulator that is gone meanwhile is not noted", "[agent]") {
    SurveyedMachine machine;
    std::filesystem::remove(machine.add("qemu-system-x86_64", "7.2.22"));

    CHECK(note_of(machine.worker, now_and(std::chrono::hours{1})).builds.empty());
}

TEST_CASE("what was noted in this boot is known, and nothing of another one", "[agent]") {
    SurveyedMachine machine;
    machine.worker.boot = BootId{Uuid::from_name({}, "this boot")};
    const auto& runtime = machine.folder.path();
    CHECK_FALSE(is_kvm_noted(runtime, machine.worker.boot));
    CHECK_FALSE(is_kvm_noted(runtime, {}));

    REQUIRE(write_kvm_note(runtime, machine.worker, now_and(std::chrono::seconds{0})));

    CHECK(is_kvm_noted(runtime, machine.worker.boot));
    CHECK_FALSE(is_kvm_noted(runtime, BootId{Uuid::from_name({}, "the next boot")}));
    machine.worker.boot = {};
    REQUIRE(write_kvm_note(runtime, machine.worker, now_and(std::chrono::seconds{0})));
    CHECK_FALSE(is_kvm_noted(runtime, {}));
}
