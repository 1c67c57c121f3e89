#pragma once

#include "mesh/core/vm.h"
#include "mesh/core/worker.h"

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ctys {

/// What a stack needs to know of a VM.
struct StackVm {
    VmId vm;
    VmId copy_of; ///< as in VmRecord: a copy shows the platform UUID of its original
    std::string label;
    WorkerId worker; ///< where it runs, else none
    VmState state = VmState::Unknown;
    bool conflict = false; ///< it runs more than once
    bool can_ask = true;   ///< as in InstanceRecord
    Owner owner = Owner::Ctys;
    bool guest_agent = false;                  ///< as in InstanceRecord
    std::optional<Duration> grace;             ///< as in VmRecord
    std::vector<std::string> start_after = {}; ///< as in VmRecord
    /// No process runs: its state is on disk, and `worker` is where it is to go on.
    bool asleep = false;

    bool operator==(const StackVm&) const = default;
};

/// Why something that looks like an edge is none.
struct StackProblem {
    enum class Kind : std::uint8_t {
        Platform, ///< the sources of a worker's platform UUID differ
        Claims,   ///< several machines say that they are the same VM
        Clone,    ///< several live VMs have the platform UUID of a worker
        Conflict, ///< the carrier runs more than once
        Loop,     ///< a VM would carry itself
    };
    Kind kind = Kind::Platform;
    std::vector<WorkerId> workers; ///< whose edges are left out
    std::string text;              ///< one sentence

    bool operator==(const StackProblem&) const = default;
};
[[nodiscard]] std::string_view to_string(StackProblem::Kind kind);

/// Who carries whom (DESIGN: Stacks): a VM carries a worker when the worker's platform UUID is that
/// of the VM, and a worker carries the VMs that run on it. What cannot be told for certain is a
/// problem, shown and never acted on; the edges that are left have no circle. A value, built anew
/// from rows.
class StackGraph {
public:
    /// What stands deeper than so many workers is taken for a circle: nobody builds that, and what
    /// walks a stack may rest on it.
    static constexpr std::size_t deepest = 32;

    StackGraph() = default;
    StackGraph(std::vector<StackVm> vms, const std::vector<WorkerRecord>& workers);

    [[nodiscard]] const StackVm* find_vm(const VmId& vm) const;
    [[nodiscard]] const WorkerRecord* find_worker(const WorkerId& worker) const;
    /// The VM this worker's machine is; none for hardware, and where that is a problem.
    [[nodiscard]] VmId carrier_of(const WorkerId& worker) const;
    /// Workers inside the VM, in order of names; more than one where several agents share its
    /// machine.
    [[nodiscard]] const std::vector<WorkerId>& workers_in(const VmId& vm) const;
    /// VMs that run on the worker, in order of labels.
    [[nodiscard]] const std::vector<VmId>& vms_on(const WorkerId& worker) const;
    /// VMs that run on workers inside this one, directly.
    [[nodiscard]] std::vector<VmId> carried_by(const VmId& vm) const;
    /// All it carries, each after what carries it.
    [[nodiscard]] std::vector<VmId> all_inside(const VmId& vm) const;
    /// From the outermost VM down to the one that carries `vm` directly; empty where hardware does.
    [[nodiscard]] std::vector<VmId> carriers_of(const VmId& vm) const;
    /// Workers that no VM carries, in order of names.
    [[nodiscard]] const std::vector<WorkerId>& outermost() const { return outermost_; }
    /// VMs that run nowhere, in order of labels.
    [[nodiscard]] const std::vector<VmId>& resting() const { return resting_; }
    [[nodiscard]] const std::vector<StackProblem>& problems() const { return problems_; }

private:
    void choose_edges();
    /// Of the VMs with one platform UUID the one that its claimants run in; none with a problem
    /// added.
    [[nodiscard]] VmId choose(const std::vector<const WorkerRecord*>& claims,
                              std::vector<const StackVm*> candidates);
    void break_loops();
    /// Gives the workers on this way inwards (the last one is the outermost) their depth.
    void measure(const std::vector<WorkerId>& way, std::vector<const WorkerRecord*>& too_deep);
    void sort_children();
    void add_problem(StackProblem::Kind kind,
                     const std::vector<const WorkerRecord*>& workers,
                     std::string text);

    std::map<VmId, StackVm> vms_;
    std::map<WorkerId, WorkerRecord> workers_;
    std::map<WorkerId, VmId> carrier_;
    std::map<WorkerId, std::size_t> depth_; ///< workers from hardware to this one
    std::map<VmId, std::vector<WorkerId>> inside_;
    std::map<WorkerId, std::vector<VmId>> on_;
    std::vector<WorkerId> outermost_;
    std::vector<VmId> resting_;
    std::vector<StackProblem> problems_;
};

} // namespace ctys
