#include "tools/qemu_call/check.h"

#include "mesh/core/text.h"
#include "mesh/qemu/boot_rom.h"
#include "mesh/setup/emulator_folders.h"
#include "mesh/setup/process.h"
#include "tools/qemu_call/install_target.h"
#include "tools/qemu_call/qemu_build.h"
#include "tools/qemu_call/switch_check.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::call {

namespace {

// As a medium that is changed: what is absent, or not to be read or written, ends with its status.
Status check_file(const std::string& path, int mode, std::string_view advice = {}) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return fail(ErrorCode::NotFound, printable(path) + " does not exist");
        const auto why = errno;
        return fail(why == EACCES ? ErrorCode::Refused : ErrorCode::Failed,
                    fmt::format("{}: {}", printable(path), std::strerror(why)));
    }
    if (S_ISDIR(status.st_mode))
        return fail(ErrorCode::Failed, printable(path) + " is a directory");
    const auto code = [] { return errno == EACCES ? ErrorCode::Refused : ErrorCode::Failed; };
    if (::access(path.c_str(), R_OK) != 0) return fail(code(), printable(path) + " cannot be read");
    if ((mode & W_OK) != 0 && ::access(path.c_str(), W_OK) != 0)
        return fail(code(), fmt::format("{} cannot be written{}", printable(path), advice));
    return {};
}

// As execvp searches, by which it is run.
bool is_in_path(std::string_view name) {
    const char* path = std::getenv("PATH");
    for (const auto folder : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
        const auto candidate = fmt::format("{}/{}", folder, name);
        if (folder.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return true;
    }
    return false;
}

// One image has one format, whatever text leads to it; and what nobody calls a qcow2 image is not
// written as a raw one.
class Formats {
public:
    explicit Formats(const std::optional<qemu::Disk>& configured) : configured_(configured) {
        if (configured) own_ = identity_of(configured->file);
    }

    Status settle(const std::string& file, std::string& format) const {
        if (configured_ && configured_->file == file) return {};
        if (own_ && identity_of(file) == own_) {
            format = configured_->format;
            return {};
        }
        if (format != "raw" || !has_qcow2_header(file)) return {};
        return fail(ErrorCode::Usage,
                    fmt::format("{} begins as a qcow2 image, and nothing tells its format: a name "
                                "that ends in .qcow2 does, or HDDBOOTIMAGE with IMAGEFORMAT",
                                printable(file)));
    }

private:
    const std::optional<qemu::Disk>& configured_;
    std::optional<FileIdentity> own_;
};

// As the original's wrapper did: one that is not there is left out.
void add_further_disks(Request& request, std::vector<std::string>& notes) {
    for (auto& [key, disk] : request.further) {
        if (::access(disk.file.c_str(), F_OK) != 0) {
            notes.push_back(fmt::format(
                "{}: {} does not exist, the VM starts without it", key, printable(disk.file)));
            continue;
        }
        const bool written = !request.plan.snapshot && !request.plan.read_only;
        request.files.push_back({key, disk.file, written});
        request.plan.more_disks.push_back(std::move(disk));
    }
    request.further.clear();
}

void settle_formats(Request& request, std::vector<Problem>& problems) {
    const Formats formats{request.configured};
    auto& plan = request.plan;
    const auto settle = [&](const std::string& file, std::string& format) {
        if (auto done = formats.settle(file, format); !done)
            problems.push_back({"", done.error().message, done.error().code});
    };
    for (auto& disk : plan.more_disks) {
        settle(disk.file, disk.format);
    }
    if (plan.boot) settle(plan.boot->file, plan.boot->format);
    auto& target = request.target;
    if (target && plan.boot && plan.boot->file == target->file) target->format = plan.boot->format;
}

// By name they were told apart already.
Status check_apart(const Request& request) {
    const auto& target = *request.target;
    const auto own = identity_of(target.file);
    if (!own) return {};
    for (const auto& file : request.files) {
        if (identity_of(file.path) != own) continue;
        return fail(ErrorCode::Usage,
                    fmt::format("{} and {} are source and target in one",
                                printable(file.path),
                                printable(target.file)));
    }
    if (target.device_only && request.configured && identity_of(request.configured->file) == own) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} is the VM's own disk; USB%<path> names a stick",
                                printable(target.file)));
    }
    return {};
}

Result<qemu::Preparation> decide_or_ask(Request& request, const qemu::TargetFacts& facts) {
    const auto& target = *request.target;
    auto decided = qemu::decide_preparation(target, facts, request.force);
    if (decided || !request.may_ask || decided.error().code != ErrorCode::Conflict) return decided;
    auto forced = qemu::decide_preparation(target, facts, true);
    if (!forced) return forced;
    request.question = fmt::format("INIT destroys what {} of {} bytes holds. Go on?",
                                   printable(target.file),
                                   facts.size > 0 ? facts.size : facts.file_size);
    return forced;
}

Status check_preparation(const Request& request) {
    const auto& target = *request.target;
    if (request.preparation == qemu::Preparation::Nothing || target.format == "raw") return {};
    if (is_in_path("qemu-img")) return {};
    return fail(ErrorCode::Failed,
                fmt::format("qemu-img, which makes images of the format {}, is not in PATH",
                            printable(target.format)));
}

Status check_target(Request& request, std::vector<std::string>& notes) {
    auto& target = *request.target;
    if (auto apart = check_apart(request); !apart) return apart;
    const auto look = look_at_target(target);
    if (!look) return tl::unexpected(look.error());
    const auto& facts = look->facts;
    const auto preparation = decide_or_ask(request, facts);
    if (!preparation) return tl::unexpected(preparation.error());
    if (facts.exists) {
        if (auto usable = check_file(target.file, R_OK | W_OK); !usable) return usable;
        request.seen = look->identity;
    }
    request.preparation = *preparation;
    target.size = qemu::size_of_preparation(target, facts, *preparation);
    if (auto able = check_preparation(request); !able) return able;
    if (auto words = describe(target, *preparation, facts); !words.empty())
        notes.push_back(std::move(words));
    if (target.stage == qemu::Stage::Custom) {
        notes.push_back(
            request.has_hook
                ? fmt::format("inst_stage of the configuration does its stage {} on {}",
                              target.custom,
                              printable(target.file))
                : fmt::format("the configuration has no inst_stage for the stage {}; {} "
                              "is taken as it is",
                              target.custom,
                              printable(target.file)));
    }
    return {};
}

// The text of both paths was compared already; a link may lead elsewhere.
bool serves_too_much(const Request& request) {
    const auto served = real_path(folder_of(request.plan.tftp_boot_file));
    const auto own = real_path(request.folder) + "/";
    return served == "/" || (!served.empty() && own.starts_with(served + "/"));
}

} // namespace

std::vector<Problem> check(Request& request, std::vector<std::string>& notes) {
    auto problems = request.problems;
    notes.insert(notes.end(), request.notes.begin(), request.notes.end());
    auto& plan = request.plan;
    const auto need = [&](std::string key, const std::string& path, int mode) {
        if (path.empty()) return;
        const auto* advice = "; SNAPSHOT=yes or READONLY=yes need no writing";
        // What is installed would be thrown away by them.
        if (auto fine = check_file(path, mode, request.target ? "" : advice); !fine)
            problems.push_back({std::move(key), fine.error().message, fine.error().code});
    };
    const auto before = problems.size();
    add_further_disks(request, notes);
    settle_formats(request, problems);
    if (request.target && problems.size() == before) {
        if (auto fine = check_target(request, notes); !fine)
            problems.push_back({request.target->key, fine.error().message, fine.error().code});
    }
    if (request.storage_only) return problems;
    for (const auto& file : request.files) {
        need(file.key, file.path, file.written ? R_OK | W_OK : R_OK);
        if (is_half_made(file.path)) {
            problems.push_back({file.key,
                                fmt::format("{} is half made: its INIT was cut short, do it again",
                                            printable(file.path)),
                                ErrorCode::Conflict});
        }
    }
    if (!plan.tftp_boot_file.empty() && serves_too_much(request)) {
        problems.push_back({"",
                            fmt::format("TFTP would serve the VM's own folder with that of {}",
                                        printable(plan.tftp_boot_file)),
                            ErrorCode::Usage});
    }
    for (const auto& rom : qemu::boot_rom_candidates(plan)) {
        if (plan.boot_rom.empty() && ::access(rom.c_str(), R_OK) == 0) plan.boot_rom = rom;
    }
    need("KERNELIMAGE", plan.kernel, R_OK);
    need("INITRDIMAGE", plan.initrd, R_OK);

    const bool is_wrong = std::any_of(problems.begin(), problems.end(), [](const Problem& one) {
        return one.key == "QEMUSOCK" || one.key == "QEMUMGMT";
    });
    if (!is_wrong) {
        for (auto& problem : check_switch(request))
            problems.push_back(std::move(problem));
    }

    const auto binary = find_qemu(plan, notes);
    if (binary.empty()) {
        problems.push_back({"STARTERCALL",
                            fmt::format("{} is not an executable in PATH, in /opt/qemu*/bin or by "
                                        "absolute path",
                                        printable(plan.binary))});
    } else {
        plan.binary = binary;
    }

    // That /dev/kvm opens proves nothing: guests may hang under it all the same. Only the agent
    // boots a probe guest, and leaves a note.
    const char* kvm = std::getenv("CTYS_KVM");
    const auto machine = setup::read_machine_facts();
    auto choice = choose_kvm(request.kvm,
                             {.insists = kvm != nullptr && std::string_view{kvm} == "usable",
                              .known = read_kvm_note(),
                              .boot = machine ? machine->boot : BootId{},
                              .binary = real_path(plan.binary),
                              .may_open = ::access("/dev/kvm", R_OK | W_OK) == 0});
    plan.accelerator = choice.use ? qemu::Accelerator::Kvm : qemu::Accelerator::Tcg;
    if (request.kvm == KvmWish::Kvm && request.kvm_or_nothing && !choice.use) {
        problems.push_back({"ACCELERATOR",
                            "KVM is not proven usable on this machine, and ACCELFALLBACK=no takes "
                            "nothing else; CTYS_KVM=usable insists on KVM"});
    } else if (!choice.note.empty()) {
        notes.push_back(std::move(choice.note));
    }
    if (!problems.empty()) return problems;
    if (const auto argv = qemu::assemble(plan); !argv)
        problems.push_back({"", argv.error().message});
    return problems;
}

std::vector<std::string> written_files(const Request& request) {
    std::vector<std::string> out;
    for (const auto& file : request.files) {
        if (file.written) out.push_back(file.path);
    }
    if (request.target) out.push_back(request.target->file);
    return out;
}

} // namespace ctys::call
