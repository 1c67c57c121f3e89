#include "agent/core/media.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

namespace {

std::vector<Drive> drives_of(const std::vector<DriveFacts>& facts) {
    std::vector<Drive> drives;
    for (const auto& each : facts)
        drives.push_back(each.drive);
    return drives;
}

std::string names_of_drives(const std::vector<DriveFacts>& facts) {
    std::vector<std::string> names;
    for (const auto& each : facts)
        names.push_back(each.drive.name);
    return fmt::format("{}", fmt::join(names, ", "));
}

std::string contents(const std::string& image) {
    return image.empty() ? "no medium" : image;
}

/// Where a path that is no absolute one begins: beside the configuration of the VM.
std::string beside(const std::string& config, const std::string& image) {
    const auto slash = config.rfind('/');
    if (image.empty() || image.starts_with('/') || slash == std::string::npos) return image;
    return config.substr(0, slash + 1) + image;
}

bool is_held_shut(const Drive& drive) {
    return drive.is_locked && !drive.is_open;
}

Error kept_shut(const std::string& drive, const Action& action, const std::string& label) {
    return {
        .code = ErrorCode::Conflict,
        .message = fmt::format(
            "its guest has locked the tray of {} and does not open it; nothing was done", drive),
        .try_next = fmt::format("eject it inside, or past the guest: ctys {} {} {}{}{} --force",
                                to_string(action.verb),
                                label,
                                drive,
                                action.image.empty() ? "" : " ",
                                action.image)};
}

} // namespace

Result<DriveFacts>
require_drive(const std::vector<DriveFacts>& drives, const Action& action, std::string_view label) {
    if (drives.empty())
        return fail(ErrorCode::Conflict, "it has no drive whose medium could be changed");
    if (action.device.empty() && drives.size() > 1) {
        return fail(ErrorCode::Ambiguous,
                    fmt::format("it has {} drives: {}", drives.size(), names_of_drives(drives)),
                    fmt::format("ctys {} {} {}{}{}",
                                to_string(action.verb),
                                label,
                                drives.front().drive.name,
                                action.image.empty() ? "" : " ",
                                action.image));
    }
    const auto found = std::find_if(drives.begin(), drives.end(), [&](const DriveFacts& each) {
        return action.device.empty() || each.drive.name == action.device ||
               each.device == action.device;
    });
    if (found != drives.end()) return *found;
    return fail(
        ErrorCode::NotFound,
        fmt::format("it has no drive {}; it has {}", action.device, names_of_drives(drives)),
        fmt::format("ctys media list {}", label));
}

Status Media::check(const Instance& instance) const {
    if (!courses_.contains(instance.record.key)) return {};
    return ctys::fail(ErrorCode::Conflict, "a medium of it is being changed", "ctys actions");
}

std::uint64_t Media::send(Turn& turn, MonitorCommand command) {
    command.number = control_.next_number();
    turn.then(command);
    return command.number;
}

void Media::wait(Turn& turn, const InstanceKey& key, Duration limit) {
    turn.arm({.kind = TimerKind::Media, .instance = key, .action = {}}, turn.now().instant + limit);
}

void Media::look(Turn& turn, const InstanceKey& key, Course& course) {
    course.number =
        send(turn, {.key = key, .number = 0, .command = Monitor::QueryDrives, .job = {}});
}

void Media::begin(Turn& turn, const Action& action, Instance& instance) {
    const auto& key = instance.record.key;
    works_.begin(turn, action, instance.record.label, key);
    auto& course = courses_[key];
    course.action = action;
    course.image = beside(instance.record.config, action.image);
    look(turn, key, course);
    wait(turn, key, look_limit);
}

void Media::adopt(Turn& turn, const Instance& instance, const Action& action) {
    const auto& key = instance.record.key;
    auto& course = courses_[key];
    course.action = action;
    course.image = beside(instance.record.config, action.image);
    doubt(turn, key, course, {.message = "its agent was restarted"});
    if (instance.monitor) on_monitor_up(turn, key);
}

void Media::cancel(Turn& turn, ActionId action) {
    const auto found = std::find_if(courses_.begin(), courses_.end(), [&](const auto& item) {
        return item.second.action.id == action;
    });
    if (found == courses_.end() || found->second.state > State::Checking) return; // too late
    fail(turn,
         InstanceKey{found->first},
         Error{.code = ErrorCode::Cancelled, .message = "cancelled"});
}

void Media::give_up_all(Turn& turn, const std::string& why) {
    std::vector<InstanceKey> keys;
    for (const auto& [key, course] : courses_) {
        if (course.state <= State::Checking) keys.push_back(key);
    }
    for (const auto& key : keys)
        fail(turn, key, Error{.code = ErrorCode::Conflict, .message = why});
}

void Media::fail(Turn& turn, const InstanceKey& key, Error error) {
    finish(turn, key, Outcome{.error = std::move(error)});
}

void Media::finish(Turn& turn, const InstanceKey& key, Outcome outcome) {
    const auto found = courses_.find(key);
    if (found == courses_.end()) return;
    const auto action = found->second.action.id;
    courses_.erase(found);
    works_.end(turn, action, std::move(outcome));
}

void Media::look_at(Turn& turn, Instance& instance, Course& course, const MonitorReply& reply) {
    const auto& key = instance.record.key;
    const auto& label = instance.record.label;
    if (reply.error) return fail(turn, key, *reply.error);
    take_drives(turn, instance, drives_of(reply.drives)); // a guest locks without a word
    const auto meant = require_drive(reply.drives, course.action, label);
    if (!meant) return fail(turn, key, meant.error());
    course.drive = meant->drive.name;
    course.device = meant->device;
    course.is_held_shut = is_held_shut(meant->drive) && !course.action.force;
    if (course.is_held_shut && course.is_asked)
        return fail(turn, key, kept_shut(course.drive, course.action, label));
    if (course.action.verb == Verb::Eject && !course.is_held_shut && meant->drive.image.empty())
        return finish(turn, key, {.text = fmt::format("{} is empty already", course.drive)});
    // A guest is not asked to let go for an image that cannot be put in.
    if (course.action.verb == Verb::Eject || course.is_checked) return proceed(turn, key, course);
    if (!course.image.starts_with('/')) {
        return fail(turn,
                    key,
                    {.code = ErrorCode::Usage,
                     .message = fmt::format("\"{}\" is no absolute path, and it has no "
                                            "configuration that it could lie beside",
                                            course.image)});
    }
    course.state = State::Checking;
    course.number = control_.next_number();
    turn.then(CheckImage{.key = key,
                         .number = course.number,
                         .image = course.image,
                         .config = instance.record.config,
                         .uid = instance.record.uid});
}

void Media::proceed(Turn& turn, const InstanceKey& key, Course& course) {
    if (course.is_held_shut) return ask_guest(turn, key, course);
    act(turn, key, course);
}

// QEMU tells the guest that somebody wants the medium out, and refuses; a system such as Debian's
// then lets go of a medium that it does not use.
void Media::ask_guest(Turn& turn, const InstanceKey& key, Course& course) {
    course.state = State::Asking;
    course.is_asked = true;
    course.number = send(turn,
                         {.key = key,
                          .number = 0,
                          .command = Monitor::OpenTray,
                          .job = {},
                          .medium = {.device = course.device, .image = {}, .force = false}});
    wait(turn, key, ask_limit);
}

void Media::act(Turn& turn, const InstanceKey& key, Course& course) {
    course.state = State::Acting;
    const bool ejects = course.action.verb == Verb::Eject;
    course.number = send(
        turn,
        {.key = key,
         .number = 0,
         .command = ejects ? Monitor::Eject : Monitor::ChangeMedium,
         .job = {},
         .medium = {.device = course.device, .image = course.image, .force = course.action.force}});
    wait(turn, key, act_limit);
}

// QEMU may have done it, or may do it yet: what its drives hold then says it.
void Media::doubt(Turn& turn, const InstanceKey& key, Course& course, Error why) {
    course.state = State::Unclear;
    course.why = std::move(why);
    course.number = 0;
    wait(turn, key, unclear_limit);
}

void Media::judge(Turn& turn, Instance& instance, const Course& course, const MonitorReply& reply) {
    const auto& key = instance.record.key;
    take_drives(turn, instance, drives_of(reply.drives));
    const auto meant = require_drive(reply.drives, course.action, instance.record.label);
    if (meant && meant->drive.image == course.image) {
        return finish(
            turn,
            key,
            {.text = fmt::format("{}: {}", meant->drive.name, contents(meant->drive.image))});
    }
    fail(
        turn,
        key,
        {.code = ErrorCode::Indeterminate,
         .message = fmt::format(
             "{}; {}, and is not asked again",
             course.why.message,
             meant ? fmt::format("{} holds {} now", meant->drive.name, contents(meant->drive.image))
                   : meant.error().message),
         .try_next = fmt::format("ctys media list {}", instance.record.label)});
}

void Media::take_drives(Turn& turn, Instance& instance, std::vector<Drive> drives) {
    auto& record = instance.record;
    const auto before = std::exchange(record.drives, std::move(drives));
    if (before.empty() || before == record.drives) return; // told with what is told of the VM
    const auto course = courses_.find(record.key);
    const bool is_ours = course != courses_.end() && course->second.state >= State::Acting;
    bool is_told = false;
    for (const auto& drive : record.drives) {
        const auto was = std::find_if(before.begin(), before.end(), [&](const Drive& each) {
            return each.name == drive.name;
        });
        if (was == before.end() || was->image == drive.image) continue;
        Event event{.kind = EventKind::MediumChanged};
        event.text = fmt::format("{}: {}", drive.name, contents(drive.image));
        event.data = {{"drive", drive.name}, {"image", drive.image}, {"was", was->image}};
        if (is_ours) {
            event.by = course->second.action.principal.name;
            event.action = course->second.action.id;
        }
        instances_.tell(turn, instance, std::move(event));
        is_told = true;
    }
    if (!is_told) instances_.changed(turn, instance, "its drives");
}

void Media::on_tray(Turn& turn, Instance& instance, const MonitorEvent& event) {
    auto& record = instance.record;
    const auto drive = std::find_if(record.drives.begin(),
                                    record.drives.end(),
                                    [&](const Drive& each) { return each.name == event.reason; });
    if (drive == record.drives.end()) return;
    drive->is_open = event.is_open;
    Event moved{.kind = EventKind::TrayMoved, .time = event.time};
    moved.text = fmt::format("{} is {}", drive->name, event.is_open ? "open" : "closed");
    moved.data = {{"drive", drive->name}, {"tray", event.is_open ? "open" : "closed"}};
    const auto course = courses_.find(record.key);
    const bool is_ours =
        course != courses_.end() && course->second.drive == drive->name &&
        (course->second.state == State::Acting || course->second.state == State::Asking);
    if (is_ours) {
        moved.by = course->second.action.principal.name;
        moved.action = course->second.action.id;
    }
    instances_.tell(turn, instance, std::move(moved));
    if (course != courses_.end()) {
        if (is_ours && course->second.state == State::Asking && event.is_open) {
            course->second.state = State::Looking;
            look(turn, record.key, course->second);
            wait(turn, record.key, look_limit);
        }
        return; // its end looks
    }
    looks_[record.key] =
        send(turn, {.key = record.key, .number = 0, .command = Monitor::QueryDrives, .job = {}});
}

void Media::on_timer(Turn& turn, const InstanceKey& key) {
    const auto found = courses_.find(key);
    if (found == courses_.end()) return;
    auto& course = found->second;
    switch (course.state) {
    case State::Looking:
        return fail(turn,
                    key,
                    {.code = ErrorCode::TimedOut,
                     .message = "QEMU does not tell its drives; nothing was done"});
    case State::Asking: {
        const auto* instance = instances_.find(key);
        const auto& label = instance == nullptr ? course.action.target : instance->record.label;
        return fail(turn, key, kept_shut(course.drive, course.action, label));
    }
    case State::Checking:
        return fail(turn,
                    key,
                    {.code = ErrorCode::TimedOut,
                     .message = fmt::format("the storage of {} does not answer; nothing was done",
                                            course.image)});
    case State::Acting:
        doubt(turn, key, course, {.message = "QEMU has not answered"});
        return look(turn, key, course);
    case State::Seeing:
        return finish(turn, key, {.text = fmt::format("{}: done", course.drive)});
    case State::Unclear:
        return fail(
            turn,
            key,
            {.code = ErrorCode::Indeterminate,
             .message = fmt::format("{}, and QEMU does not tell what its drives hold; it is "
                                    "not asked again",
                                    course.why.message)});
    }
}

void Media::on_reply(Turn& turn, const MonitorReply& reply) {
    auto* instance = instances_.find(reply.key);
    if (instance == nullptr) return;
    if (const auto look = looks_.find(reply.key);
        look != looks_.end() && look->second == reply.number) {
        looks_.erase(look);
        if (!reply.error) take_drives(turn, *instance, drives_of(reply.drives));
        return;
    }
    const auto found = courses_.find(reply.key);
    if (found == courses_.end() || found->second.number != reply.number) return;
    auto& course = found->second;
    const bool is_open_question = reply.error && (reply.error->code == ErrorCode::TimedOut ||
                                                  reply.error->code == ErrorCode::Unreachable);
    switch (course.state) {
    case State::Looking:
        return look_at(turn, *instance, course, reply);
    case State::Acting:
        if (is_open_question) {
            doubt(turn, reply.key, course, *reply.error);
            return look(turn, reply.key, course);
        }
        if (reply.error) return fail(turn, reply.key, *reply.error);
        course.state = State::Seeing;
        course.why = {.message = "QEMU has done it"};
        return look(turn, reply.key, course);
    case State::Seeing:
        if (!reply.error) return judge(turn, *instance, course, reply);
        return finish(turn, reply.key, {.text = fmt::format("{}: done", course.drive)});
    case State::Unclear:
        if (!reply.error) return judge(turn, *instance, course, reply);
        // Its monitor will be up again; one that is only slow is asked again.
        if (reply.error->code == ErrorCode::TimedOut) look(turn, reply.key, course);
        return;
    case State::Asking: // refused, as a locked one always is: the tray says what the guest does
    case State::Checking:
        return;
    }
}

void Media::on_image(Turn& turn, const ImageChecked& checked) {
    const auto found = courses_.find(checked.key);
    if (found == courses_.end() || found->second.state != State::Checking ||
        found->second.number != checked.number)
        return;
    if (checked.error) return fail(turn, InstanceKey{checked.key}, *checked.error);
    found->second.is_checked = true;
    proceed(turn, checked.key, found->second);
}

void Media::on_monitor_up(Turn& turn, const InstanceKey& key) {
    const auto found = courses_.find(key);
    if (found == courses_.end()) return;
    auto& course = found->second;
    // What was sent to the connection before may have been heard, and its answer is lost.
    if (course.state == State::Acting)
        doubt(turn, key, course, {.message = "its monitor went while QEMU was told"});
    if (course.state == State::Asking) course.state = State::Looking; // it may stand open now
    if (course.state != State::Checking) look(turn, key, course);
}

void Media::on_exit(Turn& turn, const InstanceKey& key, const Ending& ending) {
    looks_.erase(key);
    fail(turn,
         key,
         {.code = ErrorCode::Failed,
          .message = fmt::format("the VM ended meanwhile, by {}", to_string(ending.by))});
}

} // namespace ctys::agent
