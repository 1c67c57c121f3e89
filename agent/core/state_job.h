#pragma once

#include "agent/core/control.h"

namespace ctys::agent {

/// What a VM's disks are to do with its state, as the sentences about it say it.
struct KeepPurpose {
    std::string_view cannot;       ///< "be suspended"
    std::string_view keeps;        ///< "keep a state"
    std::string_view instead = {}; ///< a verb that works on any disk; empty: none
};

/// Disks that keep a state or could hold one, by node. Errors: Conflict, naming the disk that
/// cannot and why.
[[nodiscard]] Result<std::vector<std::string>> nodes_that_keep(const std::vector<DiskFacts>& disks,
                                                               const std::string& label,
                                                               const KeepPurpose& purpose);
[[nodiscard]] bool may_keep(const DiskFacts& disk);
[[nodiscard]] std::vector<std::string> nodes_that_may_keep(const std::vector<DiskFacts>& disks);

/// One job of QEMU about a snapshot, from its command to its end. QEMU saves and loads before it
/// answers anybody: that takes longer than an answer may, and says nothing.
///
///     begun    | answered, or no answer in time | begun: the end will be told
///              | refused                        | over, with the error
///              | its end is told, monitor is up | asked: query-jobs
///     asked    | it is under way                | begun
///              | concluded                      | over, dismissed; an error has QEMU's words
///              | QEMU does not know it          | over, with an error
class JobWatch {
public:
    struct End {
        std::optional<Error> error;
        bool is_unknown = false; ///< QEMU does not know the job
    };

    void begin(Turn& turn, Control& control, const InstanceKey& key, Monitor command, StateJob job);
    /// One that a former life of the agent may have begun.
    void take_up(std::string id) { id_ = std::move(id), number_ = 0, asks_ = false; }
    [[nodiscard]] bool is(std::string_view job) const { return !id_.empty() && id_ == job; }
    [[nodiscard]] const std::string& id() const { return id_; }
    /// It has ended, or may have.
    void ask(Turn& turn, Control& control, const InstanceKey& key);
    [[nodiscard]] bool awaits(const MonitorReply& reply) const {
        return number_ != 0 && number_ == reply.number;
    }
    /// Of a reply that it awaits. Nothing: it goes on.
    [[nodiscard]] std::optional<End> judge(Turn& turn, Control& control, const MonitorReply& reply);
    void forget() { id_.clear(), number_ = 0; }

private:
    std::string id_;
    std::uint64_t number_ = 0; ///< of the reply that is awaited
    bool asks_ = false;        ///< it is of the question how the job went
};

} // namespace ctys::agent
