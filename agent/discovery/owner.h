#pragma once

#include "agent/discovery/process_facts.h"

#include <string>
#include <string_view>

namespace ctys::agent {

/// Who started an instance, with the fact that decided.
struct Ownership {
    Owner owner = Owner::Unknown;
    std::string because; ///< "cgroup /qemu.slice/100.scope", "started by libvirtd"

    bool operator==(const Ownership&) const = default;
};

/// From the cgroup (machine.slice, qemu.slice, lxc.monitor...), the parent and what the owners'
/// command lines contain. `ctys_runtime` is the folder of our instance directories; a QEMU with a
/// socket or an argument below it is ours. What nobody claims was started by hand.
[[nodiscard]] Ownership decide_owner(const ProcessFacts& facts, std::string_view ctys_runtime);

/// The launching parent of a daemonizing QEMU: it has the same program and arguments as the child
/// that will stay, and is gone within a second. Reporting it would look like a second instance.
[[nodiscard]] bool is_daemonizing(const ProcessFacts& facts);

} // namespace ctys::agent
