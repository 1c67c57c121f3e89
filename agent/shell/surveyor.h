#pragma once

#include "mesh/core/time.h"
#include "mesh/core/worker.h"
#include "mesh/loop/child_process.h"
#include "mesh/loop/timer.h"
#include "mesh/qemu/kvm_note.h"
#include "mesh/setup/log.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ctys::agent {

/// Has this machine surveyed, by a process that may hang instead of the agent: `ctys-agent --probe
/// -o record`. Again every ten minutes, which costs a look at some folders where nothing changed.
class Surveyor {
public:
    /// After that it is ended, with nothing to tell. Its own budget is two minutes, and what it has
    /// begun by then ends by itself.
    static constexpr Duration limit = std::chrono::minutes{3};

    struct Events {
        /// Accelerators, binaries and equipment of the record are those of the machine, as it was
        /// at `begun` or later.
        std::function<void(const WorkerRecord&, WallTime begun)> surveyed;
        /// One has ended, after what it has told; or it could not begin.
        std::function<void()> ended;
    };
    /// `call` is the command; empty: it never surveys.
    Surveyor(loop::EventLoop& loop,
             setup::Logger& log,
             std::vector<std::string> call,
             Events events);
    /// Asks the one under way to end: it ends the QEMUs that it has started.
    ~Surveyor();
    Surveyor(const Surveyor&) = delete;
    Surveyor& operator=(const Surveyor&) = delete;

    /// Now, unless one is under way, and from now on regularly.
    void begin();
    [[nodiscard]] bool is_enabled() const { return !call_.empty(); }
    /// True for the process that surveys, whose children are no VMs.
    [[nodiscard]] bool is_running(std::uint32_t pid) const;

private:
    void start();
    void on_done(const loop::ChildResult& result);
    void take(const loop::ChildResult& result);

    loop::EventLoop& loop_;
    setup::Logger& log_;
    std::vector<std::string> call_;
    Events events_;
    std::optional<loop::ChildProcess> child_;
    WallTime begun_;
    loop::Timer again_;
};

/// What whoever assembles a command line on this machine is told. An emulator whose file was
/// touched after `begun`, or shortly before, may be another one than that which told its version:
/// it is left out of the versions.
[[nodiscard]] qemu::KvmNote note_of(const WorkerRecord& worker, WallTime begun);

/// The same in the runtime directory of the mesh. Errors: Storage.
[[nodiscard]] Status
write_kvm_note(const std::string& runtime, const WorkerRecord& worker, WallTime begun);

/// A survey in this boot has left one there.
[[nodiscard]] bool is_kvm_noted(const std::string& runtime, BootId boot);

} // namespace ctys::agent
