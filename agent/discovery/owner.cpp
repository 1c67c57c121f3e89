#include "agent/discovery/owner.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

bool has_argument_with(const ProcessFacts& facts, std::string_view part) {
    return std::any_of(facts.argv.begin(), facts.argv.end(), [&](const std::string& argument) {
        return contains(argument, part);
    });
}

bool has_socket_with(const ProcessFacts& facts, std::string_view part) {
    return std::any_of(facts.sockets.begin(), facts.sockets.end(), [&](const std::string& path) {
        return contains(path, part);
    });
}

Ownership claimed(Owner owner, std::string_view how, std::string_view what) {
    return {owner, fmt::format("{} {}", how, printable(what, 200))};
}

bool is_libvirt_cgroup(std::string_view cgroup) {
    // machine.slice holds containers of systemd-machined as well; libvirt names its own scopes.
    return contains(cgroup, "/machine-qemu") || contains(cgroup, "libvirt");
}

} // namespace

Ownership decide_owner(const ProcessFacts& facts, std::string_view ctys_runtime) {
    if (!ctys_runtime.empty()) {
        const auto folder = std::string(ctys_runtime) + "/";
        if (has_argument_with(facts, folder) || has_socket_with(facts, folder)) {
            return claimed(Owner::Ctys, "uses", folder);
        }
    }
    if (contains(facts.cgroup, "/qemu.slice/")) {
        return claimed(Owner::Proxmox, "cgroup", facts.cgroup);
    }
    if (has_argument_with(facts, "/var/run/qemu-server/") ||
        has_argument_with(facts, "/run/qemu-server/")) {
        return claimed(Owner::Proxmox, "uses", "/run/qemu-server");
    }
    for (const std::string_view group :
         {"/lxc.monitor", "/incus.service", "/lxd.service", "/snap.lxd."}) {
        if (contains(facts.cgroup, group)) return claimed(Owner::Incus, "cgroup", facts.cgroup);
    }
    for (const std::string_view folder : {"/run/incus/", "/var/log/incus/", "/var/lib/incus/"}) {
        if (has_argument_with(facts, folder)) return claimed(Owner::Incus, "uses", folder);
    }
    if (is_libvirt_cgroup(facts.cgroup)) return claimed(Owner::Libvirt, "cgroup", facts.cgroup);
    // Folders of one domain; its images may lie below /var/lib/libvirt of a VM run by hand, too.
    for (const std::string_view folder :
         {"/libvirt/qemu/domain-", "/libvirt/qemu/lib/domain-", "/libvirt/qemu/run/"}) {
        if (has_socket_with(facts, folder) || has_argument_with(facts, folder)) {
            return claimed(Owner::Libvirt, "uses", folder);
        }
    }
    for (const std::string_view parent : {"libvirtd", "virtqemud"}) {
        if (facts.parent_name == parent) return claimed(Owner::Libvirt, "started by", parent);
    }
    if (!facts.missing.empty() && facts.argv.empty()) {
        return {Owner::Unknown, facts.missing};
    }
    return {Owner::ByHand, "nobody claims it"};
}

bool is_daemonizing(const ProcessFacts& facts) {
    const bool asked =
        std::any_of(facts.argv.begin(), facts.argv.end(), [](const std::string& argument) {
            return argument == "-daemonize" || argument == "--daemonize";
        });
    // QEMU forks twice: the session of the one that stays was led by the middle one, which is gone.
    return asked && !facts.session_is_orphan;
}

} // namespace ctys::agent
