#pragma once

#include "agent/core/effects.h"
#include "agent/shell/cgroup_memory.h"
#include "agent/shell/instance_dirs.h"
#include "agent/shell/monitors.h"
#include "mesh/loop/pid_watch.h"
#include "mesh/loop/timer.h"

#include <functional>
#include <map>
#include <memory>

namespace ctys::agent {

/// Gathers the evidence for the end of a process: waits, at most `limit` (`shim_limit`), until its
/// monitor was read to the end and the kernel's notice or its shim has told how it ended; then
/// decides by and evidence.
class Exits {
public:
    static constexpr Duration limit = std::chrono::milliseconds{200};
    /// While the shim lives: it waits for QEMU and then writes, late only on a busy machine.
    static constexpr Duration shim_limit = std::chrono::seconds{2};
    /// For libvirt's word on why it ended a domain: it says so after the process is gone.
    static constexpr Duration libvirt_limit = std::chrono::seconds{1};

    using OnDecided = std::function<void(Exited)>;
    Exits(loop::EventLoop& loop, const Monitors& monitors, OnDecided on_decided);

    /// What is known about an instance while it runs.
    struct Known {
        std::string directory; ///< empty for a foreign one
        std::uint32_t shim_pid = 0;
        std::string owner_log = {}; ///< that libvirt keeps of its domain
    };
    /// One of ours is watched from here on: it may dial in and end before discovery has seen it.
    void know(const InstanceKey& key, Known known);
    /// What we did last to end it.
    void asked(const InstanceKey& key, qemu::Asked asked);

    void
    on_process_ended(const InstanceKey& key, WallTime at, std::optional<std::uint32_t> wait_status);
    /// Called when a monitor or a shim has come to its end.
    void look_again(const InstanceKey& key);

private:
    struct Watched {
        Known known;
        std::unique_ptr<loop::PidWatch> process;
        std::unique_ptr<loop::PidWatch> shim;
        std::optional<qemu::Asked> asked;
        std::optional<OomCounter> memory;
        std::uint64_t oom_kills = 0;
        bool ended = false;
        WallTime at;
        std::optional<std::uint32_t> wait_status;
        std::unique_ptr<loop::Timer> timer;
        std::unique_ptr<loop::Timer> log_look;
    };
    void watch_process(const InstanceKey& key, Watched& watched);
    void decide(const InstanceKey& key);
    [[nodiscard]] bool is_complete(const InstanceKey& key, const Watched& watched) const;

    loop::EventLoop& loop_;
    const Monitors& monitors_;
    OnDecided on_decided_;
    std::map<InstanceKey, Watched> watched_;
};

} // namespace ctys::agent
