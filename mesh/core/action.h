#pragma once

#include "mesh/core/id.h"
#include "mesh/core/role.h"
#include "mesh/core/time.h"
#include "mesh/core/vm.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys {

/// What can be asked of one VM or one worker. Wire values never change.
enum class Verb : std::uint16_t {
    Start = 1,
    Shutdown = 2, ///< ask the guest; cut only at a deadline that was given
    Kill = 3,     ///< cut the power at once
    Reboot = 4,   ///< ask the guest to end, then start it again within the same QEMU
    Reset = 5,
    Pause = 6,
    Resume = 7,
    Scan = 8,    ///< of a worker: walk its pools now
    Suspend = 9, ///< state to disk
    /// Of a worker's own machine, by its agent: run level 0 powers it off, 6 reboots it. Of a VM,
    /// where a process is named: by the guest agent inside.
    Init = 10,
    Eject = 11,        ///< the medium of a drive out
    ChangeMedium = 12, ///< another medium into a drive
    SaveSnapshot = 13,
    RevertSnapshot = 14, ///< back to how it was when it was saved
    DeleteSnapshot = 15,
};
inline constexpr Verb last_verb = Verb::DeleteSnapshot;
[[nodiscard]] std::string_view to_string(Verb verb);
[[nodiscard]] std::optional<Verb> verb_from_text(std::string_view text);
/// Of stacks: what carries comes before what is carried.
[[nodiscard]] constexpr bool is_outer_first(Verb verb) {
    return verb == Verb::Resume || verb == Verb::Start;
}
/// It ends VMs for good.
[[nodiscard]] constexpr bool is_ending(Verb verb) {
    return verb == Verb::Shutdown || verb == Verb::Kill;
}
/// What it means goes down and comes up again.
[[nodiscard]] constexpr bool is_rebooting(Verb verb) {
    return verb == Verb::Reboot || verb == Verb::Reset;
}
/// It is about the media in the drives of a running VM.
[[nodiscard]] constexpr bool is_of_media(Verb verb) {
    return verb == Verb::Eject || verb == Verb::ChangeMedium;
}
/// It is about the snapshots of a running VM.
[[nodiscard]] constexpr bool is_of_snapshots(Verb verb) {
    return verb == Verb::SaveSnapshot || verb == Verb::RevertSnapshot ||
           verb == Verb::DeleteSnapshot;
}
/// After a crash in the middle, may it be executed again? False for reset, reboot, init, media and
/// the way back to a snapshot: those end as indeterminate, where nobody can see how they ended, and
/// are never repeated.
[[nodiscard]] bool is_repeatable(Verb verb);

/// What to do when the VM to start already runs.
enum class IfRunning : std::uint16_t { Refuse = 1, Reuse = 2, Connect = 3 };

struct Action {
    ActionId id;
    Verb verb = Verb::Start;
    std::string target;               ///< the address as it was typed, for people and records
    VmId vm;                          ///< resolved by the broker; none for actions of workers
    WorkerId worker;                  ///< chosen or asked for
    std::string user;                 ///< account the VM runs as; empty: owner of the configuration
    std::optional<Duration> deadline; ///< the VM's time until power is cut
    bool always_cut = false;          ///< the original's poweroff: 20 s when no time is given
    bool force = false;               ///< skip asking, use the hypervisor (FORCE)
    IfRunning if_running = IfRunning::Refuse;
    std::string reason; ///< --reason
    Principal principal;
    Duration expiry = std::chrono::seconds{30}; ///< time in which a worker must have begun
    std::uint64_t token = 0;                    ///< fencing token of a start
    std::string config;                         ///< path on the worker, chosen by the broker
    bool dry_run = false;
    /// The process that is meant, as the broker saw it; none for a start. One that follows it is
    /// not touched.
    InstanceKey instance;
    bool shrink = false;        ///< of a stack: too short a deadline shortens every share
    bool cut_unaskable = false; ///< of a stack: VMs that cannot be asked are cut in their turn
    std::uint32_t width = 0;    ///< of a stack: siblings at once; 0: as the broker chooses
    bool self = false;          ///< of a whole worker: its own machine ends, too, as the last
    bool stack = false;         ///< of a start: what carries the VM is started before it
    ActionId like_before;       ///< of a start: all that this action has ended, not one target
    bool discard_state = false; ///< of a start: what `suspend` has saved is thrown away
    std::vector<std::string> options; ///< of a start: to the wrapper (start_options.h)
    ActionId plan;                    ///< set by the broker: this is an order of that plan
    bool no_restore = false; ///< of a reboot or reset: what ran inside is not started again
    /// INIT: of Shutdown and Reboot: the guest alone does it, and no power is cut; of Init: which.
    std::optional<std::uint8_t> run_level;
    std::string device; ///< of media: the drive; empty: the only one
    std::string image;  ///< of ChangeMedium: path on the worker; relative: beside the configuration
    std::string snapshot; ///< of the three of snapshots: its name

    bool operator==(const Action&) const = default;
};

/// A name that a person may give to a snapshot: a letter first, so that QEMU never takes it for a
/// number of one, then letters, digits and . _ -; 63 characters; none that begins with "ctys-", as
/// those of the product do. Errors: Usage.
[[nodiscard]] Status check_snapshot_name(std::string_view name);
/// Does it name what its verb needs? For whoever asks, and for the broker that trusts nobody.
/// Errors: Usage.
[[nodiscard]] Status check_arguments(const Action& action);

enum class ActionState : std::uint16_t {
    Requested = 1,  ///< durable, waiting for its worker
    Dispatched = 2, ///< sent; the worker has not said that it began
    Running = 3,    ///< the worker has written its intent
    Ended = 4,
};
[[nodiscard]] std::string_view to_string(ActionState state);

/// The one end of an action.
struct Outcome {
    std::optional<Error> error; ///< none: done
    std::string text;           ///< "gone after 0.3 s", "power cut at its 5 s deadline"

    [[nodiscard]] bool ok() const { return !error.has_value(); }
    bool operator==(const Outcome&) const = default;
};

struct ActionRecord {
    Action action;
    std::string label; ///< of the VM when it was asked
    ActionState state = ActionState::Requested;
    std::string progress; ///< last words of the worker
    bool cancelling = false;
    std::optional<Outcome> outcome;
    WallTime requested;
    WallTime ended;

    bool operator==(const ActionRecord&) const = default;
};

} // namespace ctys
