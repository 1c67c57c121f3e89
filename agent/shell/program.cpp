#include "agent/shell/program.h"

#include "agent/shell/agent_settings.h"
#include "agent/shell/life.h"
#include "agent/shell/process_record.h"
#include "agent/shell/stop_call.h"
#include "agent/shell/worker_identity.h"
#include "agent/survey/survey.h"
#include "mesh/bus/context.h"
#include "mesh/core/text.h"
#include "mesh/loop/signal_watch.h"
#include "mesh/setup/emulator_folders.h"
#include "mesh/setup/notify.h"
#include "mesh/setup/process.h"
#include "mesh/setup/require.h"
#include "mesh/setup/role_lock.h"
#include "schema/codec.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <unistd.h>

namespace ctys::agent {

namespace {

using setup::require;

Result<setup::RoleLock> lock_agent(const setup::Directories& directories, const std::string& name) {
    return setup::RoleLock::acquire(directories, "agent", name, {.passable = ::geteuid() == 0});
}

struct StopRequest {
    const setup::Settings& settings;
    const setup::Directories& directories;
    const std::string& name;
    Duration deadline;
};

int status_of(const std::optional<Error>& error) {
    return error ? traits(error->code).exit_status : 0;
}

/// No agent runs: its work is done here. Reports to the spool; the journal learns it from the next
/// agent.
std::optional<Error> stop_guests_here(const StopRequest& request,
                                      setup::RoleLock lock,
                                      Duration deadline,
                                      setup::Logger& log,
                                      const setup::ServiceNotifier& notifier,
                                      const StopCall::OnTold& on_told) {
    std::optional<Error> error;
    Life life{{.settings = request.settings,
               .directories = request.directories,
               .lock = std::move(lock),
               .name = request.name,
               .broker = std::nullopt,
               .stop = {.on_end = OnEnd::StopGuests, .deadline = deadline},
               .only_stops = true},
              log,
              notifier};
    life.stop_guests(StopAsked{.deadline = deadline, .why = "host stops"},
                     [&](const msg::GuestsStopping& told) {
                         if (told.done) error = told.error;
                         on_told(told);
                     });
    return error;
}

/// Nothing: no agent did it, and the one that hung has been ended.
std::optional<int> ask_agent(const StopRequest& request,
                             pid_t pid,
                             Duration deadline,
                             setup::Logger& log,
                             const StopCall::OnTold& on_told) {
    loop::EventLoop loop;
    bus::Context context;
    const auto& [settings, directories, name, whole] = request;
    StopCall call{
        context, loop, fmt::format("{}/agent-{}/agent.sock", directories.runtime, name), pid};
    const auto told = call.run({.deadline = deadline, .reason = "host stops"}, on_told);
    if (told) return status_of(told->error);
    if (told.error().code == ErrorCode::Refused) throw Fault(told.error());
    if (running_agent(directories, name) != pid) return std::nullopt;
    fmt::print("{} (pid {}): it is ended, and its work done here\n", told.error().message, pid);
    if (auto ended = end_hung_agent(loop, directories, name, pid); !ended)
        log.warning("{}", ended.error().message);
    return std::nullopt;
}

/// Asks the agent of this machine; one that hangs is ended, and where there is none its work is
/// done here.
int stop_guests(const StopRequest& request,
                setup::Logger& log,
                const setup::ServiceNotifier& notifier) {
    // An agent that was ended may be started again by who watches over it, and asked then.
    constexpr int rounds = 20;
    constexpr auto pause = std::chrono::milliseconds{200};
    require(require_known_agent(request.directories, request.name));
    const auto until = std::chrono::steady_clock::now() + request.deadline;
    const auto left = [&] {
        const auto span = until - std::chrono::steady_clock::now();
        return std::max(Duration{}, std::chrono::duration_cast<Duration>(span));
    };
    const StopCall::OnTold on_told = [&](const msg::GuestsStopping& told) {
        for (const auto& line : told.lines) {
            fmt::print("{}\n", printable(line, 1000));
        }
        std::fflush(stdout);
        static_cast<void>(notifier.extend_timeout(std::chrono::seconds{30}));
    };
    for (int round = 0; round < rounds; ++round) {
        const auto pid = running_agent(request.directories, request.name);
        if (pid && *pid != 0) {
            if (const auto status = ask_agent(request, *pid, left(), log, on_told)) return *status;
        }
        auto lock = lock_agent(request.directories, request.name);
        if (lock) {
            return status_of(
                stop_guests_here(request, std::move(*lock), left(), log, notifier, on_told));
        }
        if (lock.error().code != ErrorCode::Conflict) throw Fault(lock.error());
        std::this_thread::sleep_for(pause);
    }
    throw Fault(Error{.code = ErrorCode::Unreachable,
                      .message = "an agent of this name runs and cannot be asked"});
}

int discover(const setup::Directories& directories) {
    loop::EventLoop loop;
    const auto facts = setup::read_machine_facts();
    const auto host = facts ? facts->host_name : std::string{};
    const auto found = require(
        discover_once(loop, setup::program_folder() + "/ctys-probe", std::chrono::seconds{5}));
    std::string out;
    for (const auto& process : found) {
        if (is_no_vm(process.argv)) continue;
        auto foreign = describe_foreign(
            process, directories.runtime, [](const std::string&) { return nullptr; });
        const auto directory = qemu::instance_directory(qemu::parse(process.argv));
        if (!directory.empty()) {
            // Ours also without the agent: its folder says whose it is, if we may read it.
            foreign.record.owner = Owner::Ctys;
            foreign.record.managed = true;
            foreign.record.note.clear();
            const auto kept = InstanceDirs::kept(directory, process.uid);
            take_kept(foreign.record, kept);
            if (kept) foreign.record.console = kept->console;
        }
        out += to_json_line(foreign.record, host);
        out += '\n';
    }
    fmt::print("{}", out);
    return 0;
}

/// A private folder with a short path, gone with its object.
class WorkFolder {
public:
    WorkFolder() : path_((std::filesystem::temp_directory_path() / "ctys-survey-XXXXXX").string()) {
        if (::mkdtemp(path_.data()) == nullptr)
            throw Fault(Error{.code = ErrorCode::Storage, .message = path_ + " cannot be made"});
    }
    ~WorkFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    WorkFolder(const WorkFolder&) = delete;
    WorkFolder& operator=(const WorkFolder&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

int probe(const ProgramOptions& options, const setup::Directories& directories) {
    const auto settings = require(load_agent_settings(options));
    const auto facts = setup::read_machine_facts();
    WorkerRecord worker;
    describe_machine(worker);
    if (facts) worker.boot = facts->boot;
    const WorkFolder folder;
    loop::EventLoop loop;
    // What has begun must not outlive it, and its folder must not stay.
    bool is_cancelled = false;
    const auto cancel = [&] { is_cancelled = true; };
    const loop::SignalWatch on_term{loop, SIGTERM, cancel};
    const loop::SignalWatch on_int{loop, SIGINT, cancel};
    const loop::SignalWatch on_hup{loop, SIGHUP, cancel};
    SurveyRequest request{
        .folders = setup::emulator_folders(settings.texts("emulators.folders")),
        .arch = worker.arch,
        .boot = facts ? facts->boot.to_string() : std::string{},
        .fresh = options.fresh,
        .terms = {.folder = folder.path(), .is_cancelled = [&] { return is_cancelled; }}};
    // Without a place for it, it asks anew each time.
    if (setup::prepare_directory(directories.state, {.keep_group = true}))
        request.cache = directories.state + "/survey";
    const auto surveyed = survey_machine(loop, request);
    if (is_cancelled)
        throw Fault(Error{.code = ErrorCode::Cancelled, .message = "the survey was stopped"});
    tell(worker, surveyed);
    if (options.output != "record") {
        fmt::print("{}", to_json_lines(surveyed, worker));
        return 0;
    }
    const auto bytes = schema::encode(worker);
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size() ||
        std::fflush(stdout) != 0)
        throw Fault(Error{.code = ErrorCode::Failed, .message = "nobody reads the record"});
    return 0;
}

/// How an agent with these options has its machine surveyed.
std::vector<std::string> survey_call(const ProgramOptions& options,
                                     const setup::Settings& settings,
                                     const setup::Directories& directories) {
    if (!settings.boolean("emulators.probe")) return {};
    std::vector<std::string> call{setup::program_folder() + "/ctys-agent",
                                  "--probe",
                                  "-o",
                                  "record",
                                  "--state-dir",
                                  directories.state,
                                  "--runtime-dir",
                                  directories.runtime};
    if (!options.config.empty()) call.insert(call.end(), {"--config", options.config});
    return call;
}

} // namespace

int run(const ProgramOptions& options) {
    const auto directories = require(setup::choose_directories(
        setup::directory_request(options.state_dir, options.runtime_dir)));
    if (options.discover) return discover(directories);
    if (options.probe) return probe(options, directories);
    auto settings = require(load_agent_settings(options));
    if (options.print_config) {
        fmt::print("{}", settings.to_text());
        return 0;
    }
    const auto level = setup::log_level_from(settings.text("log.level"));
    if (!level)
        throw Fault(Error{.code = ErrorCode::Usage,
                          .message = "log.level must be error, warning, notice, info or debug"});
    // What a stop of the guests says on its output need not be in the log as well.
    const bool is_quiet = options.stop_guests && options.log_level.empty();
    setup::Logger log{is_quiet ? setup::LogLevel::Warning : *level,
                      setup::detect_log_format(STDERR_FILENO, getenv("JOURNAL_STREAM")),
                      STDERR_FILENO};
    const auto notifier = setup::ServiceNotifier::take_from_environment();
    if (auto raised = setup::raise_descriptor_limit(); !raised)
        log.warning("{}", raised.error().message);
    auto name = require(worker_name(settings));
    const auto stop = require(stop_settings(settings));
    if (options.stop_guests)
        return stop_guests({settings, directories, name, stop.deadline}, log, notifier);
    auto lock = require(lock_agent(directories, name));
    auto broker = require(broker_line(settings, directories.runtime));
    auto survey = survey_call(options, settings, directories);
    Life life{{.settings = std::move(settings),
               .directories = directories,
               .lock = std::move(lock),
               .name = std::move(name),
               .broker = std::move(broker),
               .stop = stop,
               .survey = std::move(survey)},
              log,
              notifier};
    life.run(options);
    return 0;
}

} // namespace ctys::agent
