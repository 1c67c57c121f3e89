#include "tools/qemu_call/check.h"

#include "mesh/core/text.h"
#include "tools/qemu_call/install_target.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace ctys::call {

namespace {

// Empty when the file can be used.
std::string why_unusable(const std::string& path, int mode) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return printable(path) + " does not exist";
        return fmt::format("{}: {}", printable(path), std::strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) return printable(path) + " is a directory";
    if (::access(path.c_str(), R_OK) != 0) return printable(path) + " cannot be read";
    if ((mode & W_OK) != 0 && ::access(path.c_str(), W_OK) != 0) {
        return printable(path) + " cannot be written; SNAPSHOT=yes or READONLY=yes need no writing";
    }
    return {};
}

// As execvp searches, but before the fork, so that the reason can be told.
std::string find_binary(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        return ::access(name.c_str(), X_OK) == 0 && name.starts_with('/') ? name : std::string{};
    }
    const char* path = std::getenv("PATH");
    for (const auto directory : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
        if (!directory.starts_with('/')) continue;
        auto candidate = std::string{directory} + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    return {};
}

void check_target(Request& request,
                  std::vector<Problem>& problems,
                  std::vector<std::string>& notes) {
    const auto& target = *request.target;
    const auto facts = look_at_target(target.file);
    const auto refuse = [&](const Error& error) {
        problems.push_back({target.key, error.message, error.code});
    };
    if (!facts) return refuse(facts.error());
    const auto preparation = qemu::decide_preparation(target, *facts, request.force);
    if (!preparation) return refuse(preparation.error());
    if (facts->exists) {
        auto why = why_unusable(target.file, R_OK | W_OK);
        if (!why.empty()) return problems.push_back({target.key, std::move(why)});
    }
    request.preparation = *preparation;
    if (auto words = describe(target, *preparation); !words.empty())
        notes.push_back(std::move(words));
    if (target.stage == qemu::Stage::Custom) {
        notes.push_back(fmt::format("the stage {} is the guest's own, {} is taken as it is",
                                    target.custom,
                                    printable(target.file)));
    }
}

} // namespace

std::vector<Problem> check(Request& request, std::vector<std::string>& notes) {
    auto problems = request.problems;
    notes.insert(notes.end(), request.notes.begin(), request.notes.end());
    auto& plan = request.plan;
    const auto need = [&](std::string key, const std::string& path, int mode) {
        if (path.empty()) return;
        if (auto why = why_unusable(path, mode); !why.empty()) {
            problems.push_back({std::move(key), std::move(why)});
        }
    };
    if (request.target) check_target(request, problems, notes);
    if (request.storage_only) return problems;
    for (const auto& file : request.files) {
        need(file.key, file.path, file.written ? R_OK | W_OK : R_OK);
    }
    need("KERNELIMAGE", plan.kernel, R_OK);
    need("INITRDIMAGE", plan.initrd, R_OK);

    const auto binary = find_binary(plan.binary);
    if (binary.empty()) {
        problems.push_back({"STARTERCALL",
                            fmt::format("{} is not an executable in PATH or by absolute path",
                                        printable(plan.binary))});
    } else {
        plan.binary = binary;
    }

    // That /dev/kvm opens proves nothing: guests may hang under it all the same. Only the agent
    // boots a probe guest, and says so in the environment of what it starts.
    const char* kvm = std::getenv("CTYS_KVM");
    const bool usable = kvm != nullptr && std::string_view{kvm} == "usable";
    plan.accelerator =
        request.wants_kvm && usable ? qemu::Accelerator::Kvm : qemu::Accelerator::Tcg;
    if (request.wants_kvm && !usable) {
        notes.emplace_back("ACCELERATOR: KVM is not proven usable on this machine, QEMU's own "
                           "emulation (TCG) is used; CTYS_KVM=usable insists on KVM");
    }
    if (!problems.empty()) return problems;
    if (const auto argv = qemu::assemble(plan); !argv)
        problems.push_back({"", argv.error().message});
    return problems;
}

bool is_on_shared_storage(const std::string& path) {
    // NFS, SMB, CIFS, CEPH, OCFS2, GFS2, LUSTRE, AFS, 9P.
    constexpr auto shared = std::to_array<unsigned long>({0x6969,
                                                          0xfe534d42,
                                                          0xff534d42,
                                                          0x00c36400,
                                                          0x7461636f,
                                                          0x01161970,
                                                          0x0bd00bd0,
                                                          0x5346414f,
                                                          0x01021997});
    struct statfs status {};
    if (::statfs(path.c_str(), &status) != 0) return false;
    const auto type = static_cast<unsigned long>(status.f_type) & 0xffffffffUL;
    return std::find(shared.begin(), shared.end(), type) != shared.end();
}

} // namespace ctys::call
