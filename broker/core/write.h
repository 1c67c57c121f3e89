#pragma once

#include "mesh/core/message.h"

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace ctys::broker {

using Record = std::variant<VmRecord,
                            PathRecord,
                            InstanceRecord,
                            WorkerRecord,
                            ActionRecord,
                            Lease,
                            PlanRecord,
                            PlanStepRecord>;

struct Put {
    std::shared_ptr<const Record> record;
};
struct ErasePath {
    VmId vm;
    WorkerId worker;
    std::string config;
};
struct EraseInstance {
    VmId vm;
    InstanceKey key;
};
struct EraseVm {
    VmId vm;
};
struct EraseLease {
    VmId vm;
};
struct EraseWorker {
    WorkerId worker;
};
struct EraseAction {
    ActionId action;
};
/// The plan and all its steps.
struct ErasePlan {
    ActionId plan;
};
/// One event into the journal. `event` is what the bytes say, for the feed and for live filters.
struct Append {
    std::uint64_t sequence = 0;
    WallTime recorded;
    SharedBytes bytes;
    std::string topic;
};
/// The counter behind fencing tokens: the last one given.
struct PutFence {
    std::uint64_t token = 0;
};

/// Every worker has been compared with a journal that was put back from a backup.
struct PutTrusted {};

/// One change of the store. All writes of one step are one unit: durable together or not at all.
using Write = std::variant<Put,
                           ErasePath,
                           EraseInstance,
                           EraseVm,
                           EraseLease,
                           EraseWorker,
                           EraseAction,
                           ErasePlan,
                           Append,
                           PutFence,
                           PutTrusted>;

/// Oldest entries the journal no longer needs.
struct Trim {
    std::uint64_t before = 0; ///< first sequence to keep
};

} // namespace ctys::broker
