// Happy path: QEMU dials in, says who it is by SO_PEERCRED, is queried, and then its events are
// told as deltas to that.
//
// Failure modes: a second connection replaces the first (QEMU redials after a restart of the
// agent); a foreign monitor that does not greet within a second serves somebody else and is left
// alone; a connection that ends is not the end of the process: only the pidfd says that.

#include "agent/shell/monitors.h"

#include "agent/qmp/ask_facts.h"
#include "mesh/qemu/assemble.h"

#include <fmt/format.h>

namespace ctys::agent {

namespace {

// A QEMU dials before it sets up its machine, and greets behind that: seconds, where the machine is
// slow. Hanging up meanwhile does harm: QEMU 7.2 finds the end of the connection in one thread
// while another one still opens it, and ends by SIGSEGV (qio_channel_create_watch of no channel).
// Whoever dials in here serves nobody else; a start that takes too long ends by its own limit.
constexpr Duration dialled_greeting = std::chrono::seconds{60};

qmp::Value medium_arguments(const MonitorCommand& command) {
    const auto& medium = command.medium;
    auto arguments = qmp::Value::object({{"id", medium.device}});
    if (command.command == Monitor::ChangeMedium) {
        arguments.set("filename", medium.image);
        // Whatever it looks like: an image that is probed may name other files of the host.
        arguments.set("format", "raw");
        // It was only looked at whether it may be read; what the guest writes goes nowhere.
        arguments.set("read-only-mode", "read-only");
    }
    if (medium.force) arguments.set("force", true);
    return arguments;
}

qmp::Value arguments_of(const MonitorCommand& command) {
    const auto& job = command.job;
    const auto nodes = [&] { return qmp::Value::list({job.nodes.begin(), job.nodes.end()}); };
    switch (command.command) {
    case Monitor::ShutdownPauses:
        return qmp::Value::object({{"shutdown", "pause"}});
    case Monitor::ShutdownPowersOff:
        return qmp::Value::object({{"shutdown", "poweroff"}});
    case Monitor::SaveState:
    case Monitor::LoadState:
        return qmp::Value::object(
            {{"job-id", job.id}, {"tag", job.tag}, {"vmstate", job.vmstate}, {"devices", nodes()}});
    case Monitor::DeleteState:
        return qmp::Value::object({{"job-id", job.id}, {"tag", job.tag}, {"devices", nodes()}});
    case Monitor::CancelJob:
    case Monitor::DismissJob:
        return qmp::Value::object({{"id", job.id}});
    case Monitor::OpenTray:
    case Monitor::Eject:
    case Monitor::ChangeMedium:
        return medium_arguments(command);
    default:
        return {};
    }
}

std::vector<DiskFacts> disks_of(const std::vector<qmp::BlockDevice>& blocks) {
    std::vector<DiskFacts> disks;
    for (const auto& block : blocks) {
        if (block.node.empty()) continue; // a drive without a medium
        disks.push_back({.name = block.device.empty() ? block.qdev : block.device,
                         .node = block.node,
                         .file = block.file,
                         .format = block.driver,
                         .writable = !block.read_only,
                         .temporary = qmp::is_temporary(block)});
        for (const auto& each : block.snapshots) {
            disks.back().snapshots.push_back(
                {.name = each.name, .at = each.at, .state_bytes = each.state_bytes});
        }
    }
    return disks;
}

std::vector<DiskFacts> disks_of(const qmp::Value& answer) {
    qmp::QmpFacts facts;
    qmp::absorb(facts, to_string(Monitor::QueryDisks), answer);
    return disks_of(facts.blocks);
}

std::vector<DriveFacts> drives_of(const std::vector<qmp::BlockDevice>& blocks) {
    std::vector<DriveFacts> drives;
    for (const auto& block : blocks) {
        if (!block.removable || block.qdev.empty()) continue; // no guest sees one without a device
        drives.push_back({.drive = {.name = block.device.empty() ? block.qdev : block.device,
                                    .image = block.file,
                                    .has_tray = block.tray_open.has_value(),
                                    .is_open = block.tray_open.value_or(false),
                                    .is_locked = block.locked},
                          .device = block.qdev});
    }
    return drives;
}

std::vector<DriveFacts> drives_of(const qmp::Value& answer) {
    qmp::QmpFacts facts;
    qmp::absorb(facts, to_string(Monitor::QueryDrives), answer);
    return drives_of(facts.blocks);
}

std::vector<JobFacts> job_facts_of(const qmp::Value& answer) {
    std::vector<JobFacts> jobs;
    for (auto& job : qmp::jobs_of(answer)) {
        jobs.push_back({.id = std::move(job.id),
                        .concluded = job.status == "concluded",
                        .error = std::move(job.error)});
    }
    return jobs;
}

std::optional<MonitorEvent>
translate(const InstanceKey& key, const qmp::Event& event, WallTime now) {
    using What = MonitorEvent::What;
    MonitorEvent out{.key = key, .time = event.at.is_none() ? now : event.at};
    out.by_guest = event.data.boolean("guest").value_or(false);
    out.reason = event.data.text("reason").value_or("");
    if (event.name == "STOP")
        out.what = What::Stop;
    else if (event.name == "RESUME")
        out.what = What::Resume;
    else if (event.name == "POWERDOWN")
        out.what = What::Powerdown;
    else if (event.name == "SHUTDOWN")
        out.what = What::Shutdown;
    else if (event.name == "RESET")
        out.what = What::Reset;
    else if (event.name == "SUSPEND")
        out.what = What::Suspend;
    else if (event.name == "WAKEUP")
        out.what = What::Wakeup;
    else if (event.name == "BLOCK_IO_ERROR")
        out.what = What::IoError;
    else if (event.name == "GUEST_PANICKED")
        out.what = What::Panic;
    else if (event.name == "JOB_STATUS_CHANGE" && event.data.text("status") == "concluded") {
        out.what = What::JobConcluded;
        out.reason = event.data.text("id").value_or("");
    } else if (event.name == "DEVICE_TRAY_MOVED") {
        out.what = What::TrayMoved;
        out.reason = event.data.text("device").value_or("");
        if (out.reason.empty()) out.reason = event.data.text("id").value_or("");
        out.is_open = event.data.boolean("tray-open").value_or(false);
    } else
        return std::nullopt;
    // An error that QEMU only reports stops nothing.
    if (out.what == What::IoError && event.data.text("action") != "stop") return std::nullopt;
    return out;
}

MonitorUp up_of(const InstanceKey& key, const qmp::QmpFacts& facts) {
    MonitorUp up{.key = key,
                 .state = facts.state.state,
                 .reason = facts.state.reason,
                 .accelerator = facts.accelerator,
                 .version = facts.version,
                 .display = facts.vnc};
    for (auto& each : drives_of(facts.blocks))
        up.drives.push_back(std::move(each.drive));
    up.disks = disks_of(facts.blocks);
    return up;
}

} // namespace

Monitors::Monitors(loop::EventLoop& loop, setup::Logger& log, Events events)
    : loop_(loop), log_(log), events_(std::move(events)) {}

Status Monitors::listen(const std::string& directory) {
    auto listener = loop::UnixListener::open(
        loop_,
        qemu::instance_files(directory).qmp,
        [this, directory](loop::UnixStream stream) { accept(directory, std::move(stream)); },
        // The folder is 0700 of the VM's user, who must be able to connect.
        {.replace_stale = true, .mode = 0666});
    if (!listener) return tl::unexpected(listener.error());
    dials_[directory].listener = std::make_unique<loop::UnixListener>(std::move(*listener));
    return {};
}

void Monitors::accept(const std::string& directory, loop::UnixStream stream) {
    const auto found = dials_.find(directory);
    if (found == dials_.end()) return;
    auto& dial = found->second;
    const auto pid = static_cast<std::uint32_t>(stream.peer().pid);
    // A newer connection replaces the older: messages of that one are dropped with it.
    if (dial.client) retired_.push_back(std::move(dial.client));
    dial.ready = false;
    const auto generation = ++dial.generation;
    const auto is_current = [this, directory, generation] {
        const auto at = dials_.find(directory);
        return at != dials_.end() && at->second.generation == generation;
    };
    auto client = qmp::Client::accept(
        loop_,
        std::move(stream),
        {.generation = generation,
         .limits = {.greeting = dialled_greeting, .negotiation = dialled_greeting}},
        {.on_ready =
             [this, directory, is_current](const qmp::Ready&) {
                 if (!is_current()) return;
                 dials_.at(directory).ready = true;
                 ask(directory);
             },
         .on_event =
             [this, directory, is_current](const qmp::Event& event) {
                 if (is_current()) on_event(directory, event);
             },
         .on_closed =
             [this, directory, is_current](const Error&) {
                 if (is_current()) on_closed(directory);
             }});
    if (!client) return log_.warning("{}: {}", directory, client.error().message);
    dial.client = std::move(*client);
    loop_.defer([this] { retired_.clear(); });
    events_.dialled(directory, pid);
}

void Monitors::attach(const std::string& directory, const InstanceKey& key) {
    const auto found = dials_.find(directory);
    if (found == dials_.end()) return;
    found->second.key = key;
    directories_[key] = directory;
    if (found->second.ready) ask(directory);
}

void Monitors::ask(const std::string& directory) {
    auto& dial = dials_.at(directory);
    if (!dial.key || !dial.client) return;
    const auto generation = dial.generation;
    auto asked = qmp::ask_facts(
        *dial.client, patience, [this, directory, generation](const Result<qmp::QmpFacts>& facts) {
            const auto at = dials_.find(directory);
            if (at == dials_.end() || at->second.generation != generation || !at->second.key)
                return;
            if (!facts) {
                // A QEMU that is held up by its storage answers too late. It dials again.
                log_.warning("{}: {}", directory, facts.error().message);
                return on_closed(directory);
            }
            events_.input(up_of(*at->second.key, *facts));
        });
    if (!asked) log_.warning("{}: {}", directory, asked.error().message);
}

void Monitors::on_event(const std::string& directory, const qmp::Event& event) {
    const auto& dial = dials_.at(directory);
    if (!dial.key) return;
    if (event.name == "SHUTDOWN") shutdowns_.insert_or_assign(*dial.key, event);
    if (auto input = translate(*dial.key, event, loop_.now().wall))
        events_.input(std::move(*input));
}

void Monitors::on_closed(const std::string& directory) {
    auto& dial = dials_.at(directory);
    if (!dial.client) return; // given up already
    const auto key = dial.key;
    dial.ready = false;
    retired_.push_back(std::move(dial.client));
    loop_.defer([this] { retired_.clear(); });
    if (key) events_.input(MonitorDown{*key});
}

void Monitors::refuse(const MonitorCommand& command, Error error) {
    loop_.defer([this, command, error = std::move(error)] {
        events_.input(MonitorReply{.key = command.key, .number = command.number, .error = error});
    });
}

void Monitors::send(qmp::Client& client,
                    const MonitorCommand& command,
                    std::function<void()> after) {
    auto sent = client.execute(
        to_string(command.command),
        arguments_of(command),
        patience,
        [this, command, after = std::move(after)](const qmp::Reply& reply) {
            MonitorReply out{.key = command.key, .number = command.number};
            const auto value = reply.to_result();
            if (!value) {
                // Ending takes the connection away before or with the answer: the exit will tell.
                const bool is_quit = command.command == Monitor::Quit &&
                                     reply.outcome == qmp::Reply::Outcome::Interrupted;
                if (!is_quit)
                    out.error =
                        within(std::string{"qmp "} + std::string{to_string(command.command)},
                               value.error());
            } else if (command.command == Monitor::QueryStatus) {
                const auto state = qmp::state_of_status(value->text("status").value_or(""));
                out.state = state.state;
                out.reason = state.reason;
            } else if (command.command == Monitor::QueryDisks) {
                out.disks = disks_of(*value);
            } else if (command.command == Monitor::QueryJobs) {
                out.jobs = job_facts_of(*value);
            } else if (command.command == Monitor::QueryDrives) {
                out.drives = drives_of(*value);
            }
            events_.input(std::move(out));
            if (after) after();
        });
    if (!sent) refuse(command, sent.error());
}

void Monitors::execute(const MonitorCommand& command) {
    if (const auto foreign = foreign_.find(command.key); foreign != foreign_.end()) {
        return execute_foreign(command, foreign->second);
    }
    const auto directory = directories_.find(command.key);
    const auto dial =
        directory == directories_.end() ? dials_.end() : dials_.find(directory->second);
    if (dial == dials_.end() || !dial->second.client || !dial->second.ready) {
        return refuse(
            command,
            Error{.code = ErrorCode::Unreachable, .message = "its monitor is not connected"});
    }
    send(*dial->second.client, command, {});
}

void Monitors::probe_foreign(const InstanceKey& key, const std::string& path) {
    auto& foreign = foreign_[key];
    foreign.path = path;
    const auto give_up = [this, key](const Error& why) {
        log_.debug("the monitor of pid {} is not used: {}", key.pid, why.message);
        const auto at = foreign_.find(key);
        if (at == foreign_.end()) return;
        auto& given_up = at->second;
        if (given_up.client) retired_.push_back(std::move(given_up.client));
        loop_.defer([this] { retired_.clear(); });
        if (++given_up.attempts >= foreign_attempts) {
            foreign_.erase(at);
            return;
        }
        given_up.again = std::make_unique<loop::Timer>(loop_);
        given_up.again->start_once(std::chrono::seconds{1}, [this, key] {
            loop_.defer([this, key] {
                const auto waiting = foreign_.find(key);
                if (waiting != foreign_.end())
                    probe_foreign(key, std::string{waiting->second.path});
            });
        });
    };
    auto client = qmp::Client::connect(
        loop_,
        path,
        {.expected_pid = static_cast<pid_t>(key.pid)},
        {.on_ready =
             [this, key](const qmp::Ready&) {
                 auto& at = foreign_.at(key);
                 auto asked = qmp::ask_facts(
                     *at.client, patience, [this, key](const Result<qmp::QmpFacts>& facts) {
                         const auto found = foreign_.find(key);
                         if (found == foreign_.end()) return;
                         retired_.push_back(
                             std::move(found->second.client)); // released for its owner
                         loop_.defer([this] { retired_.clear(); });
                         if (facts) events_.input(up_of(key, *facts));
                     });
                 if (!asked) log_.debug("pid {}: {}", key.pid, asked.error().message);
             },
         .on_event = [](const qmp::Event&) {},
         .on_closed = give_up});
    if (!client) return give_up(client.error());
    foreign.client = std::move(*client);
}

void Monitors::execute_foreign(const MonitorCommand& command, Foreign& foreign) {
    if (foreign.client)
        return refuse(command,
                      Error{.code = ErrorCode::Overloaded, .message = "its monitor is in use"});
    const auto release = [this, key = command.key] {
        const auto at = foreign_.find(key);
        if (at == foreign_.end() || !at->second.client) return;
        retired_.push_back(std::move(at->second.client));
        loop_.defer([this] { retired_.clear(); });
    };
    auto client =
        qmp::Client::connect(loop_,
                             foreign.path,
                             {.expected_pid = static_cast<pid_t>(command.key.pid)},
                             {.on_ready =
                                  [this, command, release](const qmp::Ready&) {
                                      send(*foreign_.at(command.key).client, command, release);
                                  },
                              .on_event = [](const qmp::Event&) {},
                              .on_closed =
                                  [this, command, release](const Error& why) {
                                      refuse(command, within("its monitor", why));
                                      release();
                                  }});
    if (!client) return refuse(command, client.error());
    foreign.client = std::move(*client);
}

void Monitors::forget(const InstanceKey& key, const std::string& directory) {
    const auto dial = dials_.find(directory);
    if (dial != dials_.end()) {
        if (dial->second.client) retired_.push_back(std::move(dial->second.client));
        dials_.erase(dial);
    }
    const auto foreign = foreign_.find(key);
    if (foreign != foreign_.end()) {
        if (foreign->second.client) retired_.push_back(std::move(foreign->second.client));
        foreign_.erase(foreign);
    }
    directories_.erase(key);
    shutdowns_.erase(key);
    loop_.defer([this] { retired_.clear(); });
}

std::optional<qmp::Event> Monitors::last_shutdown(const InstanceKey& key) const {
    const auto found = shutdowns_.find(key);
    return found == shutdowns_.end() ? std::nullopt : std::optional{found->second};
}

bool Monitors::connected(const InstanceKey& key) const {
    const auto directory = directories_.find(key);
    if (directory == directories_.end()) return false;
    const auto dial = dials_.find(directory->second);
    return dial != dials_.end() && dial->second.client != nullptr;
}

} // namespace ctys::agent
