#pragma once

#include "broker/core/overlay.h"
#include "broker/core/write.h"
#include "mesh/core/message.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace ctys::broker {

/// Routing id of a connection; random per process of the peer, and gone with it.
using PeerId = std::string;

struct Send {
    PeerId peer;
    Envelope envelope;
};
/// All writes of one step. `release` may be performed only when they are durable, in order.
struct Commit {
    std::uint64_t batch = 0;
    std::vector<Write> writes;
    std::vector<Send> release;
};
enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };
struct Log {
    LogLevel level = LogLevel::Info;
    std::string text;
};
/// More work is left than one step should do: step again with Continue soon.
struct Again {};
/// The journal is not what it was (a restored backup): begin a new epoch, larger than `older`, once
/// what was decided before is durable, and make a new core. This one decides nothing any more.
struct BeginEpoch {
    std::uint64_t older = 0;
    std::string reason;
};

using Effect = std::variant<Send, Commit, Log, Again, BeginEpoch>;
using Effects = std::vector<Effect>;

/// One step in the making: what the parts of the core decide is collected here. Records are written
/// through it so that later parts of the same step already see them.
class Turn {
public:
    Turn(Now now, Overlay& inventory, Cursor& head, WallTime& last_recorded, std::uint64_t batch)
        : now_(now), inventory_(inventory), head_(head), last_recorded_(last_recorded),
          batch_(batch) {}

    [[nodiscard]] const Now& now() const { return now_; }
    [[nodiscard]] const InventoryView& inventory() const { return inventory_; }
    [[nodiscard]] RowIndex& index() { return inventory_.index(); }
    [[nodiscard]] Cursor head() const { return head_; }

    void put(Record record);
    void erase(const Write& write);
    /// Appends an event of the broker's own; returns its cursor.
    Cursor record(Event event);
    /// Appends an event that came as bytes; they are kept as they are.
    Cursor record(const Event& event, SharedBytes bytes);
    void write(Write write);

    /// Sent at once: only what does not depend on this step's writes.
    void send(const PeerId& peer, std::uint64_t correlation, Body body);
    /// Sent when this step's writes are durable.
    void release(const PeerId& peer, std::uint64_t correlation, Body body);
    void log(LogLevel level, std::string text);
    void again();
    void begin_epoch(std::uint64_t older, std::string reason);

    /// VMs of which this step has recorded an end; empties the list.
    [[nodiscard]] std::vector<VmId> take_ended() { return std::exchange(ended_, {}); }

    /// Ends the turn. What was to be released travels in a Commit, even in one without writes.
    [[nodiscard]] Effects finish();
    [[nodiscard]] bool has_writes() const { return !writes_.empty(); }

private:
    Now now_;
    Overlay& inventory_;
    Cursor& head_;
    WallTime& last_recorded_;
    std::uint64_t batch_;
    std::vector<Write> writes_;
    std::vector<Send> release_;
    std::vector<VmId> ended_;
    Effects effects_;
};

} // namespace ctys::broker
