// Happy path: the note of the agent knows the file; nothing is run.
//
// Failure modes: QEMU hangs, ends or talks of something else -> it counts as 7.2, and people are
// told; what it cannot do, it says itself when it is started.
#include "tools/qemu_call/qemu_build.h"

#include "mesh/core/text.h"
#include "mesh/setup/emulator_folders.h"
#include "tools/qemu_call/program_run.h"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

namespace ctys::call {

namespace {

// Before the fork, so that the reason can be told.
std::string find_binary(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        return ::access(name.c_str(), X_OK) == 0 && name.starts_with('/') ? name : std::string{};
    }
    for (const auto& folder : setup::emulator_folders()) {
        auto candidate = folder + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
}

Result<qemu::QemuVersion> ask_version(const std::string& binary,
                                      std::chrono::milliseconds patience) {
    const auto end = run_program({binary, "--version"}, patience);
    if (!end) return tl::unexpected(end.error());
    if (const auto version = qemu::parse_version_answer(end->said)) return *version;
    return fail(ErrorCode::Malformed, "it tells none of QEMU");
}

} // namespace

// QEMU has given up the names qemu and qemu-kvm; kvm is a script of Debian whose options
// contradict ours.
std::string find_qemu(const qemu::VmPlan& plan, std::vector<std::string>& notes) {
    const auto name = plan.binary.substr(plan.binary.rfind('/') + 1);
    auto binary = name == "kvm" ? std::string{} : find_binary(plan.binary);
    if (!binary.empty() || (name != "kvm" && name != "qemu-kvm" && name != "qemu")) return binary;
    binary = find_binary("qemu-system-" + plan.arch);
    if (!binary.empty())
        notes.push_back(fmt::format(
            "STARTERCALL: {} takes the place of {}", printable(binary), printable(plan.binary)));
    return binary;
}

BuildVersion version_of(const std::string& binary,
                        const std::optional<qemu::KvmNote>& known,
                        std::chrono::milliseconds patience) {
    struct stat facts {};
    std::optional<qemu::QemuVersion> version;
    if (known && ::stat(binary.c_str(), &facts) == 0)
        version = qemu::noted_version(*known, qemu::stamp_of(facts));
    if (!version) {
        const auto told = ask_version(binary, patience);
        if (!told) {
            return {.version = qemu::usual_version,
                    .note = fmt::format("STARTERCALL: the version of {} is not known ({}), it "
                                        "counts as QEMU {}",
                                        printable(binary),
                                        told.error().message,
                                        to_string(qemu::usual_version))};
        }
        version = *told;
    }
    if (*version >= qemu::oldest_version) return {.version = *version, .note = {}};
    return {.version = *version,
            .note = fmt::format("STARTERCALL: {} is QEMU {}, command lines are made for {} and "
                                "later",
                                printable(binary),
                                to_string(*version),
                                to_string(qemu::oldest_version))};
}

} // namespace ctys::call
