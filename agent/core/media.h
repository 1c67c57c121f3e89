#pragma once

#include "agent/core/control.h"

#include <map>

namespace ctys::agent {

/// Changes the media in the drives of running VMs, and keeps what is in them and whether their
/// trays are open in the record of the VM.
///
///     state    | input                              | next
///     looking  | drives are told, one is to be      | acting: eject
///              | emptied                            |
///              | drives are told, an image is to go | checking: by the account of the VM
///              | in                                 |
///              | one is to be emptied that its      | asking: QEMU hands the wish on to the guest
///              | guest has locked, without force    |
///              | there is no such drive; locked     | ended: not-found, conflict; nothing was done
///              | again after the guest has opened   |
///     asking   | its tray opens                     | looking, then acting
///              | 10 s                               | ended: conflict; nothing was done
///     checking | the image can be opened            | acting: blockdev-change-medium; asking, of a
///              |                                    | drive that is locked, without force
///              | it cannot                          | ended: as the check says; nothing was done
///     acting   | done                               | seeing: drives are asked again
///              | refused                            | ended: failed, with QEMU's words
///              | no answer; the monitor went        | unclear
///     seeing   | drives are told, or not            | ended: done, told as medium-changed
///     unclear  | drives are told, it is as asked    | ended: done
///              | drives are told, it is not         | ended: indeterminate, with what is there
///              | 60 s                               | ended: indeterminate
///     looking, asking, checking
///              | 15 s, cancel, its host stops       | ended; nothing was done
///     any      | process ended                      | ended: failed
///     -        | a former life had begun it         | unclear
///
/// One at a time for each VM, and none beside a snapshot or a suspension of it: whichever comes
/// second is refused. What others do (a guest that opens its tray, a person at the monitor)
/// is seen by the events of the tray, after which the drives are asked.
class Media {
public:
    static constexpr Duration look_limit = std::chrono::seconds{15};
    static constexpr Duration act_limit = std::chrono::seconds{10};
    static constexpr Duration ask_limit = std::chrono::seconds{10}; ///< a guest unmounts first
    static constexpr Duration unclear_limit = std::chrono::seconds{60};

    Media(Instances& instances, WorkTable& works, Control& control)
        : instances_(instances), works_(works), control_(control) {}

    /// What Control::check does not judge. Errors: Conflict (a medium is being changed).
    [[nodiscard]] Status check(const Instance& instance) const;
    /// Begins an action that was checked.
    void begin(Turn& turn, const Action& action, Instance& instance);
    /// What a former life of the agent had begun.
    void adopt(Turn& turn, const Instance& instance, const Action& action);
    void cancel(Turn& turn, ActionId action);
    /// All that QEMU was not told yet.
    void give_up_all(Turn& turn, const std::string& why);

    /// What QEMU has just told of its drives: what has changed since is told.
    void take_drives(Turn& turn, Instance& instance, std::vector<Drive> drives);
    void on_tray(Turn& turn, Instance& instance, const MonitorEvent& event);
    void on_timer(Turn& turn, const InstanceKey& key);
    void on_reply(Turn& turn, const MonitorReply& reply);
    void on_image(Turn& turn, const ImageChecked& checked);
    void on_monitor_up(Turn& turn, const InstanceKey& key);
    void on_exit(Turn& turn, const InstanceKey& key, const Ending& ending);

private:
    enum class State : std::uint8_t { Looking, Asking, Checking, Acting, Seeing, Unclear };
    struct Course {
        State state = State::Looking;
        Action action;
        bool is_held_shut = false; ///< by its guest, and no force is to be used
        bool is_asked = false;     ///< its guest, to open the tray
        bool is_checked = false;   ///< its image: it can be opened
        std::string image;         ///< absolute, of a change
        std::string drive;         ///< once it is known
        std::string device;        ///< by which QEMU finds it
        std::uint64_t number = 0;  ///< of the reply that is awaited
        Error why;                 ///< of Unclear
    };

    void look(Turn& turn, const InstanceKey& key, Course& course);
    void look_at(Turn& turn, Instance& instance, Course& course, const MonitorReply& reply);
    /// Acts, or asks its guest first.
    void proceed(Turn& turn, const InstanceKey& key, Course& course);
    void ask_guest(Turn& turn, const InstanceKey& key, Course& course);
    void act(Turn& turn, const InstanceKey& key, Course& course);
    void judge(Turn& turn, Instance& instance, const Course& course, const MonitorReply& reply);
    void doubt(Turn& turn, const InstanceKey& key, Course& course, Error why);
    void wait(Turn& turn, const InstanceKey& key, Duration limit);
    void fail(Turn& turn, const InstanceKey& key, Error error);
    void finish(Turn& turn, const InstanceKey& key, Outcome outcome);
    [[nodiscard]] std::uint64_t send(Turn& turn, MonitorCommand command);

    Instances& instances_;
    WorkTable& works_;
    Control& control_;
    std::map<InstanceKey, Course> courses_;
    std::map<InstanceKey, std::uint64_t> looks_; ///< that no action waits for, by reply
};

/// The drive that is meant; an empty name means the only one. Errors: NotFound, Ambiguous, Conflict
/// (it has none).
[[nodiscard]] Result<DriveFacts>
require_drive(const std::vector<DriveFacts>& drives, const Action& action, std::string_view label);

} // namespace ctys::agent
