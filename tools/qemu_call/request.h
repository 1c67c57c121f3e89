#pragma once

#include "tools/qemu_call/file_look.h"
#include "tools/qemu_call/kvm_choice.h"
#include "tools/qemu_call/modes.h"

#include <span>
#include <string>
#include <vector>

namespace ctys::call {

/// Something that keeps a VM from starting, in one sentence.
struct Problem {
    std::string key; ///< of the configuration, empty for the whole
    std::string text;
    ErrorCode code = ErrorCode::Failed; ///< Usage for a mode; Conflict, NotFound for a target

    bool operator==(const Problem&) const = default;
};

/// A disk beside the boot image, where there is one.
struct FurtherDisk {
    std::string key;
    qemu::Disk disk;

    bool operator==(const FurtherDisk&) const = default;
};

/// What the wrapper asked for.
struct Request {
    std::string folder; ///< of the VM
    qemu::VmPlan plan;
    KvmWish kvm = KvmWish::Unsaid;        ///< plan.accelerator is decided by check()
    bool kvm_or_nothing = false;          ///< ACCELFALLBACK=no: emulation is not what was meant
    std::vector<qemu::NeededFile> files;  ///< media that have to be there
    std::optional<qemu::Disk> configured; ///< HDDBOOTIMAGE, IMAGEFORMAT
    std::vector<FurtherDisk> further;     ///< HDB, HDC, HDD; check() takes those that are there
    std::optional<qemu::InstallTarget> target; ///< of an installation
    bool storage_only = false;                 ///< nothing is booted
    bool attached = false;      ///< to the terminal of the caller, with which it ends
    bool nographic = false;     ///< by that option, which does so as CLI0 does
    bool free_display = false;  ///< plan.vnc_display is to be the first one that nobody has
    bool force = false;         ///< the target may be destroyed
    bool has_hook = false;      ///< the configuration has an inst_stage for stages of its own
    bool may_ask = false;       ///< a person can be asked whether it may
    bool own_switch = false;    ///< plan.vde_switch is the user's own, by default: no stranger's
    std::string vde_management; ///< QEMUMGMT, where the configuration names it
    qemu::Preparation preparation = qemu::Preparation::Nothing; ///< decided by check()
    std::string question;             ///< by check(): yes to it has to come before
    std::optional<FileIdentity> seen; ///< by check(): the target that it looked at
    std::vector<Problem> problems;    ///< of the values themselves; the files are check()'s part
    std::vector<std::string> notes;   ///< sentences that do not keep the VM from starting

    bool operator==(const Request&) const = default;
};

/// Reads KEY=VALUE arguments and puts what the options ask for into their plan. An empty value is
/// as good as none; relative image paths are below `vm_directory`; the switch of NETWORK=vde is
/// that of `user` where QEMUSOCK names no other. Words of VGADRIVER, TIMEOPT and ARGSADD, in this
/// order, are translated for a QEMU of this version (old_options.h). Pure.
[[nodiscard]] Request read_request(std::span<const std::string> assignments,
                                   const std::string& vm_directory,
                                   const ModeOptions& modes = {},
                                   const std::string& user = {},
                                   qemu::QemuVersion version = qemu::usual_version);

/// Words of ARGSADD, TIMEOPT and VGADRIVER, with the quoting of a shell and no expansion. Errors:
/// Usage for an open quote.
[[nodiscard]] Result<std::vector<std::string>> split_words(std::string_view text);

} // namespace ctys::call
