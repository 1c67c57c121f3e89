#include "agent/scanner/finding.h"

#include "agent/scanner/identity.h"
#include "agent/scanner/naming.h"
#include "mesh/core/digest.h"
#include "mesh/core/text.h"
#include "mesh/qemu/command_line.h"
#include "mesh/qemu/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ctys::agent {

namespace {

constexpr std::size_t max_warnings = 32;
constexpr std::uint32_t group_or_world_writable = 0022;
constexpr std::uint32_t group_or_world_readable = 0044;
constexpr std::uint32_t owner_readable = 0400;

const FoundWrapper* find_wrapper(const FoundFile& file, std::string_view prefix) {
    const auto name = fmt::format("{}.sh", prefix);
    const auto at = std::find_if(file.wrappers.begin(),
                                 file.wrappers.end(),
                                 [&](const auto& wrapper) { return wrapper.name == name; });
    return at == file.wrappers.end() ? nullptr : &*at;
}

/// Whether a group of the owner's does, only a start finds out.
bool may_read(std::uint32_t uid, const FoundWrapper& wrapper) {
    const auto whose = wrapper.uid == uid ? owner_readable : group_or_world_readable;
    return uid == 0 || (wrapper.mode & whose) != 0;
}

/// Why the launcher will refuse this wrapper; nothing where it will not.
std::optional<std::string> fault_of(const FoundWrapper& wrapper, const FoundFile& file) {
    if (!wrapper.regular) return fmt::format("{} is not a regular file", wrapper.name);
    if ((wrapper.mode & group_or_world_writable) != 0) {
        return fmt::format(
            "{} can be written by others (mode {:04o})", wrapper.name, wrapper.mode & 07777);
    }
    if (wrapper.uid != file.uid && wrapper.uid != 0) {
        return fmt::format(
            "{} belongs to user {}, its configuration to {}", wrapper.name, wrapper.uid, file.uid);
    }
    if (!may_read(file.uid, wrapper)) {
        return fmt::format("{} cannot be read by user {}, who is to run it (mode {:04o})",
                           wrapper.name,
                           file.uid,
                           wrapper.mode & 07777);
    }
    return std::nullopt;
}

void judge_wrapper(FoundVm& found, const FoundFile& file, std::string_view directory) {
    const auto* wrapper = find_wrapper(file, found.vm.label);
    if (wrapper == nullptr) wrapper = find_wrapper(file, prefix_of(name_of(file.below)));
    if (wrapper == nullptr) return;
    found.path.wrapper = fmt::format("{}/{}", directory, wrapper->name);
    const auto fault = fault_of(*wrapper, file);
    if (!fault) return;
    found.warnings.push_back(*fault);
    found.path.runnable = false;
    found.path.why_not = *fault;
}

PathRecord path_of(const FoundFile& file, std::string_view pool_root, const WorkerId& worker) {
    PathRecord path;
    path.worker = worker;
    path.config = join_path(pool_root, file.below);
    path.pool_root = pool_root;
    path.storage = file.storage;
    path.config_digest = file.digest;
    path.health = file.ignored ? PathHealth::Ignored : PathHealth::Good;
    if (file.ignored) path.health_reason = "marked MAGICID-IGNORE or MAGICID-NOENUM";
    path.owner_uid = file.uid;
    return path;
}

/// What is known of a configuration that cannot be read: its file's name, with the suffix so that
/// it is nobody's label, and the reason.
void refuse(FoundVm& found, const FoundFile& file, std::string reason) {
    const auto name = name_of(file.below);
    found.vm.label = is_label(name) ? std::string(name) : "unnamed";
    found.warnings.push_back(reason);
    if (found.path.health == PathHealth::Good) {
        found.path.health = PathHealth::Unreadable;
        found.path.health_reason = reason;
    }
    found.path.runnable = false;
    found.path.why_not = std::move(reason);
}

void read_text(FoundVm& found, const FoundFile& file) {
    if (!file.problem.empty()) return refuse(found, file, file.problem);
    auto read = qemu::read_configuration(file.text, found.path.config, file.further);
    if (!read) return refuse(found, file, std::move(read.error().message));
    // What ctys-qemu-call takes where a configuration is silent.
    auto& vm = read->vm;
    const auto starter = qemu::setting(*read, "STARTERCALL");
    if (vm.vcpus == 0) vm.vcpus = 1;
    if (vm.arch.empty()) vm.arch = starter.empty() ? "x86_64" : qemu::arch_of_program(starter);
    found.vm = std::move(read->vm);
    if (!read->uuid_usable) found.vm.id = {};
    found.path.vmstate = std::move(read->vmstate);
    for (const auto& warning : read->warnings) {
        if (found.warnings.size() == max_warnings) break;
        found.warnings.push_back(warning.line == 0
                                     ? warning.text
                                     : fmt::format("line {}: {}", warning.line, warning.text));
    }
    found.vm.remarks = found.warnings;
}

} // namespace

std::uint64_t fingerprint_of(const FoundFile& file) {
    std::uint64_t out = file.digest;
    const auto mix_text = [&](std::string_view text) { out = digest(text, out); };
    const auto mix = [&](auto... numbers) {
        const std::array<std::uint64_t, sizeof...(numbers)> all = {
            static_cast<std::uint64_t>(numbers)...};
        out = digest(std::as_bytes(std::span(all)), out);
    };
    mix_text(file.storage.below);
    mix_text(file.storage.filesystem);
    mix_text(file.storage.source);
    mix_text(file.problem);
    out = digest(std::as_bytes(std::span(file.storage.pool.uuid.bytes)), out);
    mix(file.storage.inode, file.size, file.uid, file.gid, file.mode, file.ignored);
    for (const auto& wrapper : file.wrappers) {
        mix_text(wrapper.name);
        mix(wrapper.mode, wrapper.uid, wrapper.regular);
    }
    return out;
}

FoundVm read_finding(const FoundFile& file, std::string_view pool_root, const WorkerId& worker) {
    FoundVm found;
    found.path = path_of(file, pool_root, worker);
    read_text(found, file);
    found.ignored = file.ignored;
    const auto identity = identify_vm(found.vm.id, file.storage, found.path.config, worker);
    found.vm.id = identity.id;
    found.vm.uuid_derived = identity.derived;
    found.vm.home = file.storage;
    found.path.vm = identity.id;
    judge_wrapper(found, file, directory_of(found.path.config));
    if (found.warnings.size() > max_warnings) found.warnings.resize(max_warnings);
    return found;
}

} // namespace ctys::agent
