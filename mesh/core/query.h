#pragma once

#include "mesh/core/action.h"
#include "mesh/core/event.h"
#include "mesh/core/plan.h"
#include "mesh/core/vm.h"
#include "mesh/core/worker.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ctys {

/// field=value[,value...]: the values are alternatives; several filters must all hold.
struct Filter {
    std::string field;
    std::vector<std::string> values;

    /// Errors: Usage.
    [[nodiscard]] static Result<Filter> parse(std::string_view text);
    bool operator==(const Filter&) const = default;
};

/// Something that can be filtered by, and the words it may hold; without words any text is right.
struct FilterField {
    std::string_view name;
    std::vector<std::string_view> words = {};
    /// Further values that are right though no word of the table.
    bool (*also)(std::string_view value) = nullptr;

    [[nodiscard]] bool takes(std::string_view value) const;
};
using FilterFields = std::vector<FilterField>;
/// Errors: Usage, listing the fields, or the words of the field.
[[nodiscard]] Status check_filters(const std::vector<Filter>& filters, const FilterFields& fields);

/// Fields of an event: topic (prefix), kind, family, worker (name or id), vm (label or id), label,
/// by, evidence, action (beginning), state.
[[nodiscard]] const FilterFields& event_filter_fields();
[[nodiscard]] Status check_event_filters(const std::vector<Filter>& filters);
[[nodiscard]] bool accepts(const std::vector<Filter>& filters, const Event& event);

enum class Table : std::uint16_t {
    Vms = 1,
    Vm = 2,
    Workers = 3,
    Actions = 4,
    Watches = 5,
    Broker = 6,
    Plan = 7 ///< of the action `address`: a PlanRecord, then its steps
};

struct Query {
    Table table = Table::Vms;
    std::string address; ///< empty: all
    std::vector<Filter> filters;
    bool all = false;        ///< with ended foreign instances, ignored and vanished ones
    std::uint32_t limit = 0; ///< rows; 0: no limit
    bool names = false;      ///< rows of VMs tell whether their label is unique

    bool operator==(const Query&) const = default;
};

/// One row of `ctys list`: a VM with its live (else last) instance.
struct VmRow {
    VmId vm;
    VmId copy_of; ///< as in VmRecord
    std::string label;
    std::string type;
    WorkerId worker; ///< where it runs, else none
    std::string worker_name;
    WorkerState worker_state = WorkerState::Alive;
    VmState state = VmState::Unknown;
    std::string reason;
    bool managed = false;
    bool conflict = false;
    Owner owner = Owner::Unknown;
    Duration age{}; ///< since the heartbeat that confirmed the row
    WallTime since;
    WallTime started;
    std::string accelerator;
    std::uint32_t pid = 0;
    std::uint32_t paths = 0;
    PathHealth path_health = PathHealth::Good; ///< the best of its paths
    std::string note;
    std::string mac;
    std::string ip;
    std::string display;
    std::uint32_t cport = 0;
    std::string console;
    std::string user;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::string config;
    std::string executable;
    std::string version;
    std::string arch;
    std::uint64_t memory_mb = 0;
    std::uint32_t vcpus = 0;
    /// No other VM of the inventory has this label. Told of one VM, and in a list where the query
    /// asks for it.
    bool label_unique = false;
    std::vector<std::string> remarks;     ///< as in VmRecord
    std::vector<std::string> start_after; ///< as in VmRecord

    bool operator==(const VmRow&) const = default;
};

/// Its state is on disk: it is shown as suspended, and no process exists.
[[nodiscard]] inline bool is_suspended_to_disk(const VmRow& row) {
    return row.state == VmState::Suspended && row.pid == 0;
}
/// A process exists, or is about to.
[[nodiscard]] inline bool is_live(const VmRow& row) {
    return is_live(row.state) && !is_suspended_to_disk(row);
}

/// All about one VM, for `ctys show`.
struct VmDetail {
    VmRow row;
    VmRecord vm;
    std::vector<PathRecord> paths;
    std::vector<std::string> path_workers; ///< name of the worker of each path
    std::vector<WorkerState> path_worker_states;
    std::vector<InstanceRecord> instances;
    std::optional<Lease> lease;
    std::string lease_worker;

    bool operator==(const VmDetail&) const = default;
};

struct WatchRow {
    std::uint64_t id = 0;
    Principal principal;
    std::vector<Filter> filters;
    Cursor at;             ///< last event it was given
    std::uint64_t lag = 0; ///< events between it and the head
    std::uint32_t credit = 0;
    WallTime since;

    bool operator==(const WatchRow&) const = default;
};

/// One screen about the broker.
struct StatusRow {
    std::string version;
    std::uint32_t pid = 0;
    WallTime started;
    Cursor head;
    Cursor horizon;       ///< oldest event that can still be replayed
    std::string degraded; ///< why nothing can be recorded; empty when all is well
    std::uint64_t vms = 0;
    std::uint64_t running = 0;
    std::uint64_t workers_alive = 0;
    std::uint64_t workers = 0;
    std::uint64_t conflicts = 0;
    std::uint64_t actions_open = 0;
    std::uint64_t watches = 0;
    std::uint64_t store_bytes = 0;
    std::uint64_t store_limit = 0;
    std::vector<std::string> warnings;

    bool operator==(const StatusRow&) const = default;
};

using Row = std::variant<VmRow,
                         VmDetail,
                         WorkerRecord,
                         ActionRecord,
                         WatchRow,
                         StatusRow,
                         PlanRecord,
                         PlanStepRecord>;

} // namespace ctys
