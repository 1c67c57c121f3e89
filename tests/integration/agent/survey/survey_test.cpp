#include "agent/survey/survey.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::agent;
using namespace ctys::support;

namespace {

/// Folders with emulators that behave as told, and a survey of them.
class Machine : public LoopFixture {
public:
    Machine() {
        request.folders = {dir_ / "bin", dir_ / "opt"};
        for (const auto& folder : request.folders)
            std::filesystem::create_directory(folder);
        std::filesystem::create_directory(dir_ / "work");
        request.arch = "x86_64";
        request.boot = "boot";
        request.cache = dir_ / "cache";
        request.kvm_device = dir_ / "no-kvm";
        request.terms.folder = dir_ / "work";
        // Longer than any of these needs, as long as a hanging one is waited for.
        request.terms.patience = std::chrono::seconds{30};
    }

    std::string add(const std::string& folder, const std::string& name, const std::string& mode) {
        auto path = dir_ / (folder + "/" + name);
        std::ofstream(path) << "#!/bin/sh\nFAKE_EMULATOR_LOG=" << log() << " exec " << CTYS_PYTHON
                            << " -B " << CTYS_FAKE_EMULATOR << ' ' << mode << " \"$@\"\n";
        REQUIRE(::chmod(path.c_str(), 0755) == 0);
        return path;
    }
    void have_kvm_device() { std::ofstream(request.kvm_device) << "any file that may be opened"; }

    Surveyed survey() { return survey_machine(loop, request); }
    Description ask(const std::string& mode) {
        return ask_emulator(loop, add("bin", "qemu-system-x", mode), request.terms);
    }

    [[nodiscard]] std::string calls() const {
        std::ostringstream text;
        text << std::ifstream(log()).rdbuf();
        return text.str();
    }
    /// True when no process is left that works in the survey's folder, waited for.
    bool is_quiet() {
        return loop.run_until([&] { return !is_busy(); }, patience);
    }

    SurveyRequest request;

private:
    /// The dead have no command line.
    [[nodiscard]] bool is_busy() const {
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            std::ostringstream words;
            words << std::ifstream(entry.path() / "cmdline").rdbuf();
            if (words.str().find(request.terms.folder + "/") != std::string::npos) return true;
        }
        return false;
    }

    [[nodiscard]] std::string log() const { return dir_ / "calls"; }
    TemporaryDirectory dir_;
};

/// What is known of each emulator, as text that can be looked at when it differs.
std::vector<std::string> told(const Surveyed& surveyed) {
    std::vector<std::string> lines;
    for (const auto& each : surveyed.emulators)
        lines.push_back(to_value(each).to_json());
    return lines;
}

} // namespace

TEST_CASE("an emulator tells what it is over QMP", "[survey]") {
    Machine machine;

    const auto told = machine.ask("answers");

    CHECK(told.problem.empty());
    CHECK(told.arch == "x86_64");
    CHECK(told.version == "8.1.3");
    CHECK(told.package == "fake");
    CHECK(told.accelerators == std::vector<std::string>{"kvm", "tcg"});
    CHECK(told.machines == std::vector<std::string>{"pc", "none", "pc-1.0"});
    CHECK(told.cpus == std::vector<std::string>{"max", "qemu64"});
    CHECK(told.options == std::vector<std::string>{"device", "machine"});
    CHECK(machine.is_quiet());
}

TEST_CASE("an emulator that hangs is killed with all it began", "[survey]") {
    Machine machine;
    machine.request.terms.patience = std::chrono::seconds{2};

    const auto told = machine.ask(GENERATE(std::string{"hangs"}, std::string{"silent"}));

    CHECK(told.problem.find("did not answer over QMP within 2.0 s and was killed") !=
          std::string::npos);
    CHECK_FALSE(machine.calls().empty());
    CHECK(machine.is_quiet());
}

TEST_CASE("one that ends is told in its own words, with the version it prints", "[survey]") {
    Machine machine;

    const auto told = machine.ask("ends");

    CHECK(told.problem ==
          "ended with status 1: \"qemu: -chardev: invalid option\" when asked over QMP");
    CHECK(told.version == "0.12.2");
    CHECK(told.package == "qemu-kvm-0.12.2");
    CHECK(told.arch.empty());
}

TEST_CASE("what is no QMP gives one sentence and nothing else", "[survey]") {
    Machine machine;
    const auto mode = GENERATE(std::string{"garbage"}, std::string{"huge"});

    const auto told = machine.ask(mode);

    INFO(mode << ": " << told.problem);
    CHECK(told.problem.starts_with("does not speak QMP: "));
    CHECK(told.problem.size() < 250);
    CHECK(told.problem.find_first_of("\x1b\n") == std::string::npos);
    CHECK(machine.is_quiet());
}

TEST_CASE("output without end is thrown away until the limit", "[survey]") {
    Machine machine;
    machine.request.terms.patience = std::chrono::milliseconds{500};

    const auto told = machine.ask("prints");

    CHECK(told.problem == "did not answer over QMP within 0.5 s and was killed");
}

TEST_CASE("answers of other types leave their parts empty", "[survey]") {
    Machine machine;
    const auto mode = GENERATE(std::string{"nonsense"}, std::string{"mute"});

    const auto told = machine.ask(mode);

    CHECK(told.problem == "does not speak QMP: it does not say what it emulates");
    CHECK(told.machines.empty());
    CHECK(told.cpus.empty());
}

TEST_CASE("a program that cannot be run is described as such", "[survey]") {
    Machine machine;

    const auto told = ask_emulator(machine.loop, "/nowhere/qemu-system-x", machine.request.terms);

    CHECK_FALSE(told.problem.empty());
}

TEST_CASE("every build is found and asked once, in the order of the folders", "[survey]") {
    Machine machine;
    const auto first = machine.add("bin", "qemu-system-arm", "answers");
    const auto second = machine.add("opt", "qemu-system-x86_64", "answers");
    std::filesystem::create_symlink(first, machine.request.folders[1] + "/qemu-system-arm");
    machine.add("bin", "qemu-img", "answers");

    const auto found = machine.survey();

    REQUIRE(found.emulators.size() == 2);
    CHECK(found.emulators[0].path == first);
    CHECK(found.emulators[1].path == second);
    CHECK(found.kvm.why == "no /dev/kvm");
    CHECK(found.tcg.usable);
}

TEST_CASE("what was asked once is not asked again until its file changes", "[survey]") {
    Machine machine;
    const auto path = machine.add("bin", "qemu-system-x86_64", "answers");
    const auto first = machine.survey();
    const auto calls = machine.calls();

    const auto again = machine.survey();

    CHECK(told(again) == told(first));
    CHECK(machine.calls() == calls);
    machine.add("bin", "qemu-system-x86_64", "ends");
    const auto changed = machine.survey();
    INFO(told(changed).front());
    CHECK(changed.emulators[0].version == "0.12.2");
    CHECK(machine.calls() != calls);
}

TEST_CASE("a fresh survey asks although the answer is known", "[survey]") {
    Machine machine;
    machine.add("bin", "qemu-system-x86_64", "answers");
    static_cast<void>(machine.survey());
    const auto calls = machine.calls();
    machine.request.fresh = true;

    static_cast<void>(machine.survey());

    CHECK(machine.calls() != calls);
}

TEST_CASE("a KVM that opens and does not run guests gives way to TCG, and it is said", "[survey]") {
    Machine machine;
    machine.have_kvm_device();
    machine.add("bin", "qemu-system-x86_64", "answers");

    const auto found = machine.survey();

    CHECK(found.tcg.usable);
    CHECK_FALSE(found.kvm.usable);
    CHECK(found.kvm.why.starts_with("/dev/kvm opens but does not run guests: a probe guest did "
                                    "not come up within "));
    CHECK(machine.is_quiet());
}

TEST_CASE("a KVM under which the probe guest comes up is usable", "[survey]") {
    Machine machine;
    machine.have_kvm_device();
    machine.add("bin", "qemu-system-x86_64", "kvm-works");

    const auto found = machine.survey();
    const auto calls = machine.calls();
    const auto again = machine.survey();

    CHECK(found.kvm.usable);
    CHECK(again.kvm == found.kvm);
    CHECK(machine.calls() == calls);
}

TEST_CASE("another build is tried where one cannot use KVM", "[survey]") {
    Machine machine;
    machine.have_kvm_device();
    machine.add("bin", "qemu-system-x86_64", "kvm-fails");

    CHECK(machine.survey().kvm.why ==
          "QEMU ended before a probe guest came up: status 1: \"could not access KVM kernel "
          "module\"");
    machine.add("opt", "qemu-system-x86_64", "kvm-works");
    CHECK(machine.survey().kvm.usable);
}

TEST_CASE("of each build it is told whether KVM was tried with it, also from the cache",
          "[survey]") {
    Machine machine;
    machine.have_kvm_device();
    machine.add("bin", "qemu-system-i386", "kvm-fails");
    machine.add("bin", "qemu-system-x86_64", "kvm-works");
    machine.add("opt", "qemu-system-x86_64", "kvm-works");

    for (int round = 0; round < 2; ++round) {
        WorkerRecord worker;
        tell(worker, machine.survey());

        const auto& emulators = worker.equipment.emulators;
        REQUIRE(emulators.size() == 3);
        CHECK(emulators[0].kvm_trial == KvmTrial::Failed);
        CHECK(emulators[1].kvm_trial == KvmTrial::Up);
        CHECK(emulators[2].kvm_trial == KvmTrial::None);
    }
}

TEST_CASE("a survey that is stopped asks nobody any more and keeps nothing", "[survey]") {
    Machine machine;
    machine.add("bin", "qemu-system-x86_64", "hangs");
    machine.add("opt", "qemu-system-y", "answers");
    machine.request.terms.is_cancelled = [&] { return !machine.calls().empty(); };

    const auto found = machine.survey();

    REQUIRE(found.emulators.size() == 2);
    CHECK(found.emulators[0].problem == "the survey was stopped");
    CHECK(found.emulators[1].problem == "not asked: the time of the survey was over");
    CHECK(machine.calls().find("answers") == std::string::npos);
    CHECK_FALSE(std::filesystem::exists(machine.request.cache));
    CHECK(machine.is_quiet());
}

TEST_CASE("beyond its budget a survey asks no further emulator", "[survey]") {
    Machine machine;
    machine.add("bin", "qemu-system-x86_64", "answers");
    machine.request.budget = Duration{-1};

    CHECK(machine.survey().emulators[0].problem == "not asked: the time of the survey was over");
    CHECK(machine.calls().empty());
}

TEST_CASE("a survey by root runs no emulator that others may have written", "[survey]") {
    if (::geteuid() != 0) {
        WARN("nothing is shown: only root can give a file away");
        return;
    }
    Machine machine;
    const auto path = machine.add("bin", "qemu-system-x86_64", "answers");
    REQUIRE(::chmod(path.c_str(), 0777) == 0);

    CHECK(machine.survey().emulators[0].problem ==
          "may be written by others: root does not run it to ask it");
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
    REQUIRE(::chown(path.c_str(), 12345, 0) == 0);
    CHECK(machine.survey().emulators[0].problem ==
          "belongs to user 12345: root does not run it to ask it");
    CHECK(machine.calls().empty());
}
