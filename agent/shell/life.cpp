// Happy path: the agent is made and started, signals are watched, and the loop runs until one of
// them has ended it.
//
// Failure modes: the spool cannot be opened while the VMs are to be stopped -> they are, with a
// spool of its own that is thrown away; no broker can be reached -> the journal learns it from the
// spool later.

#include "agent/shell/life.h"

#include "agent/shell/worker_identity.h"
#include "mesh/loop/signal_watch.h"
#include "mesh/setup/process.h"
#include "mesh/setup/require.h"

#include <csignal>
#include <unistd.h>

namespace ctys::agent {

namespace {

using setup::require;

/// The service manager gives that much more with each sign of progress; they come each second.
constexpr Duration extension = std::chrono::seconds{30};
/// For the last events on their way to the broker.
constexpr Duration drain_patience = std::chrono::seconds{1};

} // namespace

Life::Life(Parts parts, setup::Logger& log, const setup::ServiceNotifier& notifier)
    : parts_(std::move(parts)), log_(log), notifier_(notifier), spool_(open_spool()),
      agent_(loop_,
             context_,
             log_,
             agent_options(),
             spool_,
             require(InstanceDirs::open(parts_.lock.folders().runtime)),
             parts_.broker ? parts_.broker->options : uplink_options()) {}

SpoolStore Life::open_spool() {
    const auto& own = parts_.lock.folders();
    const auto open = [&](const std::string& folder) {
        return SpoolStore::open(folder, StreamId{ids_.next_uuid()}, loop_.now().wall);
    };
    auto spool = open(own.state);
    if (spool || !parts_.only_stops) return require(std::move(spool));
    // A machine that goes down stops its VMs whatever its disk says (P4).
    log_.error("{}: what happens now will not be told", spool.error().message);
    const auto substitute = own.runtime + "/stop";
    require(setup::prepare_directory(substitute));
    return require(open(substitute));
}

AgentOptions Life::agent_options() {
    const auto& own = parts_.lock.folders();
    return {.worker = require(identify_worker(parts_.name, own.state, ids_)),
            .pools = require(configured_pools(parts_.settings, own.state)),
            .owner_commands = require(owner_commands(parts_.settings)),
            .self = self_commands(parts_.settings),
            .survey = parts_.survey,
            .emulator_folders = parts_.settings.texts("emulators.folders"),
            .programs = setup::program_folder(),
            .state = own.state,
            .mesh_runtime = parts_.directories.runtime,
            .socket = own.runtime + "/agent.sock",
            .stop_deadline = parts_.stop.deadline,
            .on_stop = [this](const msg::GuestsStopping& told) { on_told(told); },
            .only_stops = parts_.only_stops};
}

void Life::start() {
    std::optional<bus::Endpoint> broker;
    if (parts_.broker) broker = parts_.broker->endpoint;
    require(agent_.start(broker));
}

void Life::on_told(const msg::GuestsStopping& told) {
    if (tell_) tell_(told);
    if (!told.done) {
        const auto status = fmt::format("stopping guests, {} left", told.waiting);
        if (auto said = notifier_.status(status); !said) log_.debug("{}", said.error().message);
    }
    if (!ends_with_guests_) return;
    if (auto said = notifier_.extend_timeout(extension); !said)
        log_.debug("{}", said.error().message);
    if (told.done) loop_.defer([this] { agent_.drain(drain_patience, [this] { loop_.stop(); }); });
}

void Life::on_end_signal() {
    // A stop that somebody else has asked for is not broken off either.
    const bool is_first = !ends_with_guests_;
    const bool stops = parts_.stop.on_end == OnEnd::StopGuests || agent_.is_stopping_guests();
    if (is_first) {
        if (auto told = notifier_.stopping(); !told) log_.debug("{}", told.error().message);
    }
    // At a shutdown of the host this comes right behind the end of the last VM.
    if (!stops) return agent_.drain(drain_patience, [this] { loop_.stop(); });
    ends_with_guests_ = true;
    if (auto said = notifier_.extend_timeout(extension); !said)
        log_.debug("{}", said.error().message);
    if (!is_first) log_.notice("the VMs of this machine are being stopped; it ends with them");
    agent_.stop_guests(StopAsked{.deadline = {}, .why = "host stops"});
}

void Life::reload(const ProgramOptions& options) {
    auto again = load_agent_settings(options);
    auto pools = again ? configured_pools(*again, parts_.lock.folders().state)
                       : tl::unexpected(again.error());
    if (!pools) return log_.error("pools stay as they are: {}", pools.error().message);
    agent_.use_pools(std::move(*pools));
    agent_.survey();
    auto owners = owner_commands(*again);
    if (!owners) return log_.error("[owner] stays as it is: {}", owners.error().message);
    agent_.use_owners(std::move(*owners));
}

void Life::run(const ProgramOptions& options) {
    const loop::SignalWatch on_term{loop_, SIGTERM, [this] { on_end_signal(); }};
    const loop::SignalWatch on_int{loop_, SIGINT, [this] { on_end_signal(); }};
    const loop::SignalWatch on_hup{loop_, SIGHUP, [&] { reload(options); }};
    loop::Timer watchdog{loop_};
    if (const auto period = notifier_.watchdog()) {
        watchdog.start_repeating(*period / 2, [&] {
            if (auto told = notifier_.alive(); !told) log_.debug("{}", told.error().message);
        });
    }
    start();
    if (auto told = notifier_.ready(); !told) log_.warning("{}", told.error().message);
    log_.info("ctys-agent {} is worker {} and reports to {} (pid {})",
              CTYS_VERSION,
              parts_.name,
              parts_.broker ? parts_.broker->endpoint.to_string() : "nobody",
              getpid());
    loop_.run();
    agent_.stop();
    log_.info("ended in order; {}", ends_with_guests_ ? "its VMs were stopped" : "VMs go on");
}

void Life::stop_guests(StopAsked asked, std::function<void(const msg::GuestsStopping&)> on_told) {
    tell_ = std::move(on_told);
    ends_with_guests_ = true;
    const loop::SignalWatch on_term{loop_, SIGTERM, [this] { on_end_signal(); }};
    const loop::SignalWatch on_int{loop_, SIGINT, [this] { on_end_signal(); }};
    start();
    agent_.stop_guests(std::move(asked));
    loop_.run();
    agent_.stop();
}

} // namespace ctys::agent
