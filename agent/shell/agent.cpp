// Happy path: processes, configurations and intents of a former life are found; the core begins;
// from then on every callback is an input and every effect is performed here.
//
// Failure modes: the spool cannot be written -> what should have been is kept in order and tried
// again each second, nothing that rests on it is done; the broker is away -> events stay in the
// spool; a process ends before it was known -> it is not told at all.

#include "agent/shell/agent.h"

#include "agent/core/local_rows.h"
#include "agent/discovery/proc_reader.h"
#include "agent/shell/owner_programs.h"
#include "agent/shell/process_record.h"
#include "agent/survey/probe_guest.h"
#include "mesh/loop/timer.h"
#include "mesh/qemu/command_line.h"
#include "mesh/qemu/kvm_note.h"
#include "schema/codec.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>

namespace ctys::agent {

namespace {

constexpr Duration scan_patience = std::chrono::seconds{2};  // before the first hello
constexpr int facts_tries = 200;                             // of 50 ms: ten seconds
constexpr Duration owners_period = std::chrono::seconds{10}; // packages come and go rarely

std::vector<std::string> given_to_wrappers(const AgentOptions& options) {
    std::vector<std::string> out{
        fmt::format("CTYS_KVM_NOTE={}/{}", options.mesh_runtime, qemu::kvm_note_file)};
    // Where their qemu.conf is.
    if (const char* folder = std::getenv("CTYS_CONFIG_DIR"); folder != nullptr)
        out.push_back(fmt::format("CTYS_CONFIG_DIR={}", folder));
    if (!options.emulator_folders.empty()) {
        out.push_back(
            fmt::format("CTYS_EMULATORS_FOLDERS={}", fmt::join(options.emulator_folders, ",")));
    }
    return out;
}

bool is_cut(int signal) {
    return signal == SIGTERM || signal == SIGKILL;
}

} // namespace

Agent::Agent(loop::EventLoop& loop,
             bus::Context& context,
             setup::Logger& log,
             AgentOptions options,
             SpoolStore& spool,
             InstanceDirs dirs,
             bus::SocketOptions socket_options)
    : loop_(loop), log_(log), options_(std::move(options)), spool_(spool), dirs_(std::move(dirs)),
      marked_(MarkedPools::load(options_.state + "/marked-pools")),
      socket_(context,
              loop,
              bus::SocketKind::Dealer,
              std::move(socket_options),
              [this](bus::Message& message) { on_message(message); }),
      monitors_(loop,
                log,
                {.dialled = [this](const std::string& directory,
                                   std::uint32_t pid) { on_dialled(directory, pid); },
                 .input = [this](Input input) { on_monitor(std::move(input)); }}),
      guest_channels_(loop, [this](GuestAnswered answered) { on_guest(std::move(answered)); }),
      exits_(loop, monitors_, [this](Exited exited) { on_exited(std::move(exited)); }),
      launcher_(loop,
                log,
                dirs_,
                options_.programs + "/ctys-qemu-call",
                given_to_wrappers(options_),
                [this](LaunchEnded ended) { step(std::move(ended)); }),
      state_notes_(loop,
                   options_.programs + "/ctys-qemu-call",
                   [this](StateNoted noted) {
                       if (noted.error) log_.warning("{}", noted.error->message);
                       step(std::move(noted));
                   }),
      image_checks_(loop,
                    options_.programs + "/ctys-qemu-call",
                    [this](ImageChecked checked) { step(std::move(checked)); }),
      surveyor_(loop,
                log,
                options_.survey,
                {.surveyed = [this](const WorkerRecord& found,
                                    WallTime begun) { on_surveyed(found, begun); },
                 .ended = [this] { step(SurveyEnded{}); }}),
      door_(context,
            loop,
            log,
            {.rows = [this]() -> std::optional<std::vector<VmRow>> {
                 if (!begun_) return std::nullopt;
                 return local_rows(*core_);
             },
             .find_path = [this](const std::string& config) { return book_.find(config); },
             .stop = [this](StopAsked asked) { stop_guests(std::move(asked)); },
             .input = [this](Input input) { step(std::move(input)); }}),
      owners_look_(loop), retry_(loop), trimming_(loop), patience_(loop), draining_(loop),
      writer_(
          loop,
          {.name = "spool", .capacity = 65536},
          [&spool](std::vector<SpoolJob> jobs) { return work(spool, std::move(jobs)); },
          [this](std::vector<SpoolOutcome> outcomes) { on_spooled(std::move(outcomes)); }) {}

Status Agent::start(const std::optional<bus::Endpoint>& broker) {
    auto recovered = spool_.recover();
    if (!recovered) return tl::unexpected(recovered.error());
    auto known = spool_.paths();
    if (!known) return tl::unexpected(known.error());
    find_programs(options_.owner_commands);
    core_ = std::make_unique<AgentCore>(CoreSettings{.worker = options_.worker,
                                                     .owners = options_.owner_commands,
                                                     .stop_deadline = options_.stop_deadline,
                                                     .self_refused = options_.self.why_not,
                                                     .survey_patience = survey_patience()},
                                        std::move(*recovered));
    core_->know_paths(*known);
    if (options_.only_stops && !known->empty()) options_.pools.clear();
    book_.load(std::move(*known));
    adopt_directories();
    if (broker) {
        if (auto connected = socket_.connect(*broker); !connected) return connected;
    }
    if (auto opened = door_.open(options_.socket); !opened) return opened;

    scanner_ = std::make_unique<Scanner>(
        loop_,
        ScannerSettings{.helper = options_.programs + "/ctys-scan-helper",
                        .worker = options_.worker.id},
        ScannerEvents{
            .on_changes = [this](const std::string& root,
                                 PathChanges changes) { on_paths(root, std::move(changes)); },
            .on_pool = [this](const PoolScan& scan) { on_pool(scan); }});
    for (const auto& pool : options_.pools) {
        unscanned_.insert(pool.root);
        if (auto added = add_pool(pool); !added) return added;
    }
    auto discovery = Discovery::start(
        loop_,
        {.probe = options_.programs + "/ctys-probe"},
        {.appeared = [this](const ProcessFacts& facts) { on_process(facts); },
         .exited =
             [this](const InstanceKey& key, WallTime at, std::optional<std::uint32_t> status) {
                 std::erase_if(early_, [&](const auto& facts) { return facts.key == key; });
                 exits_.on_process_ended(key, at, status);
             },
         .settled =
             [this] {
                 settled_ = true;
                 begin_when_ready();
             }});
    if (!discovery) return tl::unexpected(discovery.error());
    discovery_ = std::move(*discovery);
    patience_.start_once(scan_patience, [this] {
        unscanned_.clear();
        begin_when_ready();
    });
    return {};
}

void Agent::begin_when_ready() {
    if (begun_ || !settled_ || !unscanned_.empty()) return;
    adopt_unseen();
    begun_ = true;
    patience_.stop();
    owners_look_.start_repeating(owners_period,
                                 [this] { loop_.defer([this] { look_for_owners(); }); });
    for (const auto& facts : std::exchange(early_, {})) {
        tell_foreign(facts);
    }
    auto worker = core_->worker();
    const auto visibility = discovery_->visibility();
    if (!visibility.has_connector) {
        worker.blind_spots.push_back(
            fmt::format("exit codes of VMs of others: {}", visibility.why_no_connector));
    }
    if (visibility.hidden > 0)
        worker.blind_spots.push_back(
            fmt::format("{} processes may be QEMU and cannot be seen", visibility.hidden));
    step(FactsChanged{std::move(worker)});
    perform(core_->start(loop_.now()));
    if (!options_.only_stops) forget_absent_pools(); // of a former life
    step(ScanFinished{}); // the pools were walked, or are known from before
    log_.info("{} knows {} running VMs and {} configurations",
              options_.worker.name,
              core_->instances().all().size(),
              book_.all().size());
    if (auto asked = std::exchange(stop_asked_, std::nullopt)) step(std::move(*asked));
    if (!options_.only_stops) survey();
}

void Agent::use_pools(std::vector<PoolSettings> pools) {
    const auto before = std::exchange(options_.pools, std::move(pools));
    const auto& now = options_.pools;
    for (const auto& pool : before) {
        if (std::find(now.begin(), now.end(), pool) == now.end()) scanner_->remove_pool(pool.root);
    }
    for (const auto& pool : now) {
        if (std::find(before.begin(), before.end(), pool) != before.end()) continue;
        log_.info("pool {}{}", pool.root, pool.trusted ? ", trusted" : "");
        if (auto added = add_pool(pool); !added) log_.warning("{}", added.error().message);
    }
    forget_absent_pools();
}

Status Agent::add_pool(PoolSettings pool) {
    pool.was_marked = marked_.contains(pool.root);
    auto known = book_.known_below(pool.root);
    return scanner_->add_pool(std::move(pool), std::move(known));
}

void Agent::forget_absent_pools() {
    const auto is_absent = [&](const std::string& root) {
        return std::none_of(options_.pools.begin(), options_.pools.end(), [&](const auto& pool) {
            return pool.root == root;
        });
    };
    std::map<std::string, PathChanges> gone;
    for (const auto& facts : book_.all()) {
        const auto& path = facts.path;
        if (is_absent(path.pool_root))
            gone[path.pool_root].push_back(PathGone{path.config, path.vm});
    }
    for (auto& [root, changes] : gone) {
        log_.info("pool {} is no longer named: {} configurations", root, changes.size());
        unscanned_.erase(root);
        on_paths(root, std::move(changes));
    }
    auto worker = core_->worker();
    if (std::erase_if(worker.pools, [&](const auto& pool) { return is_absent(pool.root); }) > 0)
        step(FactsChanged{std::move(worker)});
}

// ---- what happens ------------------------------------------------------------------------------

void Agent::on_message(bus::Message& message) {
    if (message.frames.size() != 1) return;
    auto envelope = schema::decode_envelope(message.frames[0].bytes());
    if (!envelope)
        return log_.warning("the broker sent what cannot be read: {}", envelope.error().message);
    if (std::holds_alternative<msg::Command>(envelope->body)) look_for_owners();
    step(FromBroker{std::move(*envelope)});
}

bool Agent::tell_ours(const std::string& directory, const InstanceKey& key, bool from_dial) {
    if (const auto known = keys_.find(directory); known != keys_.end() && known->second == key)
        return true;
    auto record = InstanceDirs::kept(directory);
    const auto facts = InstanceDirs::read_facts(directory);
    if (!record) return false;
    const bool adopted = record->key == key;
    // Its user may have written these facts: they name this very process, and it is that user's.
    const auto owner = InstanceDirs::owner_of(directory);
    const bool is_theirs = facts && facts->qemu_pid == key.pid &&
                           facts->start_ticks == key.start_ticks && owner &&
                           InstanceDirs::owner_of(fmt::format("/proc/{}", key.pid)) == owner;
    if (!adopted && !is_theirs) return false;
    if (is_theirs) {
        record->uid = *owner;
        record->user = Launcher::account_name(*owner);
        if (!facts->arch.empty()) record->arch = facts->arch;
        if (facts->vcpus != 0) record->vcpus = facts->vcpus;
        if (facts->memory_mb != 0) record->memory_mb = facts->memory_mb;
    }
    if (!adopted) {
        record->key = key;
        record->started = loop_.now().wall;
        record->since = record->started;
        // Until it is let run it is what was saved.
        if (is_theirs && facts->resumes) record->reason = reason::resuming;
    }
    record->console = qemu::instance_files(directory).console;
    directories_[key] = directory;
    keys_[directory] = key;
    exits_.know(key, {.directory = directory, .shim_pid = is_theirs ? facts->shim_pid : 0});
    step(Appeared{.record = std::move(*record), .adopted = adopted || (!begun_ && !from_dial)});
    monitors_.attach(directory, key);
    return true;
}

void Agent::on_dialled(const std::string& directory, std::uint32_t pid) {
    auto reader = ProcReader::open();
    if (!reader) return;
    const auto stat = reader->stat(pid);
    const auto boot = reader->boot();
    if (!stat || !boot) return;
    const InstanceKey key{.boot = boot->id, .pid = pid, .start_ticks = stat->start_ticks};
    if (!tell_ours(directory, key, /*from_dial=*/true)) wait_for_facts(directory, key, facts_tries);
    // Its pidfd should be held from now on, not from the next poll on.
    if (discovery_) discovery_->look_at(pid);
}

// QEMU may dial in before its shim, which was not let run meanwhile, has written whose it is.
void Agent::wait_for_facts(const std::string& directory, const InstanceKey& key, int tries) {
    if (tries == 0) return log_.warning("{}: who dialled in is not known", directory);
    auto& timer = late_facts_[directory];
    if (!timer) timer = std::make_unique<loop::Timer>(loop_);
    timer->start_once(std::chrono::milliseconds{50}, [this, directory, key, tries] {
        loop_.defer([this, directory, key, tries] {
            const bool is_told = tell_ours(directory, key, /*from_dial=*/true);
            if (is_told || tries == 1) late_facts_.erase(directory);
            if (!is_told) wait_for_facts(directory, key, tries - 1);
        });
    });
}

void Agent::on_process(const ProcessFacts& facts) {
    // Its dial-in told it. One that is about to end has no arguments left that would say so.
    if (directories_.contains(facts.key)) return;
    if (is_no_vm(facts.argv) || surveyor_.is_running(facts.parent_pid)) return;
    const auto directory = qemu::instance_directory(qemu::parse(facts.argv));
    if (dirs_.contains(directory)) {
        static_cast<void>(
            tell_ours(directory, facts.key, /*from_dial=*/false)); // else its dial-in tells
        return;
    }
    if (!begun_ && !unscanned_.empty()) {
        early_.push_back(facts);
        return;
    }
    tell_foreign(facts);
}

void Agent::tell_foreign(const ProcessFacts& facts) {
    auto foreign =
        describe_foreign(facts, options_.mesh_runtime, [this](const std::string& config) {
            return book_.find(config);
        });
    if (!foreign.instance.empty())
        take_kept(foreign.record, InstanceDirs::kept(foreign.instance, facts.uid));
    exits_.know(facts.key, {.directory = {}, .shim_pid = 0, .owner_log = foreign.handle.log});
    if (has_commands(foreign.record.owner)) use_owners(options_.owner_commands);
    step(Appeared{.record = std::move(foreign.record),
                  .adopted = !begun_,
                  .handle = std::move(foreign.handle)});
    if (!foreign.monitor.empty()) monitors_.probe_foreign(facts.key, foreign.monitor);
}

void Agent::on_paths(const std::string& root, PathChanges changes) {
    auto events = book_.apply(root, std::move(changes), loop_.now().wall);
    if (events.empty()) return;
    SpoolJob job;
    for (const auto& event : events) {
        if (const auto* facts = std::get_if<PathFacts>(&event.payload)) job.paths.push_back(*facts);
        const auto* path = std::get_if<PathRecord>(&event.payload);
        if (path != nullptr && path->health == PathHealth::Vanished)
            job.lost_paths.push_back(path->config);
    }
    submit(std::move(job));
    step(Scanned{std::move(events)});
}

void Agent::on_pool(const PoolScan& scan) {
    const bool copied = scan.pool.health == PoolHealth::Copied;
    if (copied || !scan.pool.id.is_none()) {
        if (auto kept = marked_.set(scan.pool.root, !copied); !kept)
            log_.warning("{}", kept.error().message);
    }
    auto worker = core_->worker();
    auto report = scan.pool;
    const auto found = std::find_if(worker.pools.begin(),
                                    worker.pools.end(),
                                    [&](const PoolReport& p) { return p.root == report.root; });
    if (found == worker.pools.end()) {
        worker.pools.push_back(std::move(report));
    } else {
        *found = std::move(report);
    }
    if (worker.pools != core_->worker().pools) step(FactsChanged{std::move(worker)});
    unscanned_.erase(scan.pool.root);
    begin_when_ready();
}

// ---- what is to be done ------------------------------------------------------------------------

void Agent::step(Input input) {
    perform(core_->step(std::move(input), loop_.now()));
}

void Agent::perform(Effects effects) {
    for (auto& effect : effects) {
        if (auto* unit = std::get_if<Spool>(&effect)) {
            const auto number = ++last_unit_;
            if (unwritten_.empty() && !is_failing_) {
                SpoolJob job{.number = number};
                job.units.push_back(std::move(*unit));
                submit(std::move(job));
            } else {
                put_off(number, std::move(*unit)); // in order behind what waits already
            }
        } else if (const auto* acknowledged = std::get_if<TrimSpool>(&effect)) {
            trim(*acknowledged);
        } else if (const auto* timer = std::get_if<ArmTimer>(&effect)) {
            arm(*timer);
        } else if (const auto* stop = std::get_if<TellStop>(&effect)) {
            door_.tell(stop->told);
            if (options_.on_stop) options_.on_stop(stop->told);
        } else if (const auto* line = std::get_if<LogLine>(&effect)) {
            switch (line->level) {
            case LogLine::Level::Debug:
                log_.debug("{}", line->text);
                break;
            case LogLine::Level::Info:
                log_.info("{}", line->text);
                break;
            case LogLine::Level::Warning:
                log_.warning("{}", line->text);
                break;
            case LogLine::Level::Error:
                log_.error("{}", line->text);
                break;
            }
        } else {
            auto deed = std::visit(
                [](auto& each) -> std::optional<Deed> {
                    using Each = std::decay_t<decltype(each)>;
                    if constexpr (std::is_constructible_v<Deed, Each>) return Deed{std::move(each)};
                    return std::nullopt;
                },
                effect);
            CTYS_ASSERT(deed.has_value());
            perform(*deed);
        }
    }
}

void Agent::perform(Deed& deed) {
    if (const auto* message = std::get_if<ToBroker>(&deed)) {
        bus::Frames frames;
        const auto bytes = schema::encode(message->envelope);
        frames.emplace_back(std::span<const std::byte>{bytes});
        // A full queue or nobody connected: what matters is sent again by the core until it is
        // answered.
        if (auto sent = socket_.send(frames); !sent) log_.debug("{}", sent.error().message);
    } else if (const auto* launch = std::get_if<Launch>(&deed)) {
        launcher_.run(*launch);
        InstanceRecord seed{.vm = launch->vm,
                            .label = launch->label,
                            .managed = true,
                            .owner = Owner::Ctys,
                            .state = VmState::Starting};
        seed.config = launch->config;
        seed.started_by = launch->action;
        seed.token = launch->token;
        seed.uid = launch->owner_uid;
        seed.user = launch->user.empty() ? Launcher::account_name(launch->owner_uid) : launch->user;
        if (const auto* facts = book_.find(launch->config)) {
            seed.arch = facts->vm.arch;
            seed.macs = facts->vm.macs;
            seed.memory_mb = facts->vm.memory_mb;
            seed.vcpus = facts->vm.vcpus;
        }
        const auto directory = dirs_.path_of(launch->action);
        if (auto kept = InstanceDirs::keep(directory, seed); !kept)
            return log_.warning("{}", kept.error().message);
        if (auto listening = monitors_.listen(directory); !listening)
            log_.warning("{}", listening.error().message);
    } else if (const auto* given_up = std::get_if<EndLaunch>(&deed)) {
        const auto directory = dirs_.path_of(given_up->action);
        if (keys_.contains(directory)) return; // QEMU came after all: its end removes it
        launcher_.end(given_up->action);
        monitors_.forget({}, directory);
        dirs_.remove(directory);
    } else if (const auto* command = std::get_if<MonitorCommand>(&deed)) {
        if (command->command == Monitor::Quit)
            exits_.asked(command->key, {.how = qemu::Asked::How::Quit, .by = {}});
        monitors_.execute(*command);
    } else if (const auto* signal = std::get_if<SignalProcess>(&deed)) {
        if (is_cut(signal->signal)) {
            exits_.asked(signal->key,
                         {.how = signal->signal == SIGKILL ? qemu::Asked::How::Sigkill
                                                           : qemu::Asked::How::Sigterm,
                          .by = {}});
        }
        if (auto sent = discovery_->send_signal(signal->key, signal->signal); !sent)
            log_.warning("{}", sent.error().message);
    } else if (const auto* owner = std::get_if<RunOwnerCommand>(&deed)) {
        run_owner_command(*owner);
    } else if (const auto* question = std::get_if<AskGuest>(&deed)) {
        ask_guest(*question);
    } else if (const auto* change = std::get_if<ChangeRunLevel>(&deed)) {
        change_run_level(*change);
    } else if (const auto* gone = std::get_if<RemoveInstance>(&deed)) {
        const auto found = directories_.find(gone->key);
        if (found == directories_.end()) return;
        monitors_.forget(gone->key, found->second);
        guest_channels_.forget(gone->key);
        dirs_.remove(found->second);
        keys_.erase(found->second);
        directories_.erase(found);
    } else if (const auto* keep = std::get_if<KeepRecord>(&deed)) {
        const auto found = directories_.find(keep->record.key);
        if (found == directories_.end()) return;
        if (auto kept = InstanceDirs::keep(found->second, keep->record); !kept)
            log_.warning("{}", kept.error().message);
    } else if (const auto* scan_now = std::get_if<ScanNow>(&deed)) {
        scan(scan_now->action);
    } else if (const auto* proof = std::get_if<ProveRequest>(&deed)) {
        prove(*proof);
    } else if (const auto* answer = std::get_if<AnswerCaller>(&deed)) {
        door_.answer(*answer);
    } else if (const auto* note = std::get_if<NoteState>(&deed)) {
        state_notes_.run(*note);
    } else if (auto* check = std::get_if<CheckImage>(&deed)) {
        image_checks_.run(std::move(*check));
    }
}

void Agent::arm(const ArmTimer& timer) {
    auto& slot = timers_[timer.key];
    if (!slot) slot = std::make_unique<loop::Timer>(loop_);
    const auto wait = std::max(Duration{}, timer.at - loop_.now().instant);
    slot->start_once(wait, [this, key = timer.key] {
        step(TimerFired{key});
        // Not under its own feet; and the core may have armed it anew.
        loop_.defer([this, key] {
            const auto fired = timers_.find(key);
            if (fired != timers_.end() && !fired->second->is_active()) timers_.erase(fired);
        });
    });
}

void Agent::on_exited(Exited exited) {
    const auto key = exited.key;
    step(std::move(exited));
    // Of ours the folder goes first, when their end is durable.
    if (!directories_.contains(key)) monitors_.forget(key, {});
}

void Agent::prove(const ProveRequest& request) {
    const auto& asked = request.request;
    const auto nonce = NonceId::parse(asked.nonce);
    if (!nonce) return;
    scanner_->prove(asked.root,
                    {.step = asked.write ? ProofStep::Write : ProofStep::Read, .nonce = *nonce},
                    [this, asked, correlation = request.correlation](Result<bool> done) {
                        msg::StorageProof proof{.pool = asked.pool,
                                                .root = asked.root,
                                                .nonce = asked.nonce,
                                                .write = asked.write};
                        proof.found = done.has_value() && (asked.write || *done);
                        if (!done) proof.reason = done.error().message;
                        step(Proved{std::move(proof), correlation});
                    });
}

void Agent::scan(ActionId action) {
    if (options_.pools.empty()) return step(ScanFinished{action, "no pools are configured"});
    const auto open = std::make_shared<std::size_t>(options_.pools.size());
    const auto failed = std::make_shared<std::string>();
    for (const auto& pool : options_.pools) {
        scanner_->scan(pool.root, [this, action, open, failed, root = pool.root](Status done) {
            if (!done) *failed += fmt::format("; {}: {}", root, done.error().message);
            if (--*open == 0)
                step(ScanFinished{action,
                                  fmt::format("{} pools scanned, {} configurations{}",
                                              options_.pools.size(),
                                              book_.all().size(),
                                              *failed)});
        });
    }
}

} // namespace ctys::agent
