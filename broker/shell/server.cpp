#include "broker/shell/server.h"

#include "mesh/loop/id_source.h"
#include "schema/codec.h"

#include <unistd.h>

namespace ctys::broker {

namespace {

constexpr std::size_t most_pending = 16384; // batches waiting for the disk
constexpr std::size_t writer_capacity = 65536;
constexpr std::size_t trim_step = 4096; // records per transaction: a trim never blocks for long

// A disk with less is called full: a small batch may still fit where the next one will not, and a
// broker that is degraded every other second serves nobody.
constexpr std::uint64_t least_room = 4U << 20;

bool is_from_agent(const Body& body) {
    return std::holds_alternative<msg::AgentHello>(body) ||
           std::holds_alternative<msg::Publish>(body) ||
           std::holds_alternative<msg::Confirm>(body) ||
           std::holds_alternative<msg::HandStart>(body);
}

std::string peer_of(const bus::Message& message) {
    return std::string{message.frames.front().text()};
}

} // namespace

Server::Server(loop::EventLoop& loop,
               bus::Context& context,
               setup::Logger& log,
               BrokerStore& store,
               Principals& principals,
               bus::SocketOptions mesh_options,
               bus::SocketOptions feed_options,
               Retention retention)
    : loop_(loop), log_(log), store_(store), principals_(principals), retention_(retention),
      mesh_(context,
            loop,
            bus::SocketKind::Router,
            std::move(mesh_options),
            [this](bus::Message& message) { on_message(message); }),
      feed_(context, loop, std::move(feed_options)), second_(loop), age_limit_(retention.age),
      writer_(
          loop,
          {.name = "writer", .capacity = writer_capacity},
          [&store, broken = std::uint64_t{0}](std::vector<Job> jobs) mutable {
              return work(store, std::move(jobs), broken);
          },
          [this](std::vector<Outcome> outcomes) { on_outcomes(std::move(outcomes)); }) {}

void Server::start() {
    set_aside_ = store_.report().set_aside;
    started_ = loop_.now().wall;
    make_core({});
    for (const auto& note : store_.report().notes) {
        log_.warning("{}", note);
    }
    second_.start_repeating(std::chrono::seconds{1}, [this] { on_second(); });
}

void Server::stop() {
    second_.stop();
    writer_.stop();
    if (auto kept = store_.remember_head(Cursor{store_.epoch(), store_.range().second}); !kept) {
        log_.warning("{}", kept.error().message);
    }
}

void Server::make_core(std::string degraded) {
    auto loaded = store_.load();
    if (!loaded) throw Fault(loaded.error());
    loop::SystemIdSource ids;
    ++generation_;
    degraded_ = degraded;
    store_.refresh_range();
    if (degraded.empty()) loaded->set_aside = std::exchange(set_aside_, {});
    core_ = std::make_unique<BrokerCore>(Settings{.nonce = NonceId{ids.next_uuid()},
                                                  .version = CTYS_VERSION,
                                                  .degraded = std::move(degraded),
                                                  .started = started_},
                                         std::move(*loaded),
                                         store_,
                                         store_,
                                         loop_.now());
    tell_status();
}

void Server::on_message(bus::Message& message) {
    if (message.frames.size() != 2) return; // not of this protocol; nothing to answer to
    auto envelope = schema::decode_envelope(message.frames[1].bytes());
    if (!envelope) {
        const auto correlation = schema::correlation_of(message.frames[1].bytes());
        send(Send{peer_of(message),
                  Envelope{.correlation = correlation, .body = msg::Failure{envelope.error()}}});
        return;
    }
    const auto& body = envelope->body;
    const bool is_order = std::holds_alternative<msg::Submit>(body) ||
                          std::holds_alternative<msg::CancelAction>(body) ||
                          std::holds_alternative<msg::Administer>(body);
    if (is_order && writer_.pending() > most_pending) {
        // Agents are bounded by their windows; people are told (P8).
        return send(Send{
            peer_of(message),
            Envelope{.correlation = envelope->correlation,
                     .body = msg::Failure{Error{.code = ErrorCode::Overloaded,
                                                .message = "too much waits to be recorded"}}}});
    }
    if (is_from_agent(body) && writer_.pending() > writer_capacity / 2) {
        // The disk stands still. A hello and a question are asked again, a jump in a stream is
        // found out and followed by an exchange: nothing is lost, and the queue never overflows.
        return log_.debug("a message of an agent is left out: {} batches wait for the disk",
                          writer_.pending());
    }
    step(Received{peer_of(message), principals_.of(message.peer), std::move(*envelope)});
}

void Server::step(Input input) {
    perform(core_->step(std::move(input), loop_.now()));
    while (!gone_.empty()) {
        auto peer = std::move(gone_.back());
        gone_.pop_back();
        perform(core_->step(PeerGone{std::move(peer)}, loop_.now()));
    }
}

void Server::perform(Effects effects) {
    for (auto& effect : effects) {
        if (auto* commit = std::get_if<Commit>(&effect)) {
            submit(Job{.commit = std::move(*commit), .core = generation_});
        } else if (auto* message = std::get_if<Send>(&effect)) {
            send(*message);
        } else if (auto* line = std::get_if<Log>(&effect)) {
            switch (line->level) {
            case LogLevel::Debug:
                log_.debug("{}", line->text);
                break;
            case LogLevel::Info:
                log_.info("{}", line->text);
                break;
            case LogLevel::Warning:
                log_.warning("{}", line->text);
                break;
            case LogLevel::Error:
                log_.error("{}", line->text);
                break;
            }
        } else if (auto* epoch = std::get_if<BeginEpoch>(&effect)) {
            log_.warning("a new epoch begins: {}", epoch->reason);
            Job job;
            job.begins_epoch = true;
            job.older_epoch = epoch->older;
            job.now = loop_.now().wall;
            job.core = generation_;
            submit(std::move(job));
        } else if (!again_) {
            again_ = true;
            loop_.defer([this] {
                again_ = false;
                step(Continue{});
            });
        }
    }
}

void Server::send(const Send& send) {
    bus::Frames frames;
    frames.emplace_back(std::string_view{send.peer});
    const auto bytes = schema::encode(send.envelope);
    frames.emplace_back(std::span<const std::byte>{bytes});
    auto sent = mesh_.send(frames);
    if (sent) return;
    if (sent.error().code == ErrorCode::Unreachable) {
        gone_.push_back(send.peer);
    } else {
        // Its queue is full: credit and windows bound what we send, so this peer takes nothing at
        // all.
        log_.debug("a message is dropped: {}", sent.error().message);
    }
}

void Server::submit(Job job) {
    auto queued = writer_.submit(std::move(job));
    if (!queued) throw Fault(within("the writer's queue", queued.error()));
}

std::vector<Server::Outcome>
Server::work(BrokerStore& store, std::vector<Job> jobs, std::uint64_t& broken) {
    std::vector<Outcome> outcomes;
    std::vector<Commit> batches;
    const Job* begins = nullptr;
    for (auto& job : jobs) {
        if (job.trim_before != 0) {
            auto trimmed = store.trim(job.trim_before, trim_step);
            outcomes.push_back(
                {.status = trimmed ? Status{} : Status{tl::unexpected(trimmed.error())}});
        } else if (job.is_probe) {
            outcomes.push_back({.status = store.commit(std::span{&job.commit, 1}),
                                .core = job.core,
                                .is_probe = true});
        } else if (job.head_only) {
            outcomes.push_back({.status = store.remember_head(job.head)});
        } else if (job.core == broken) {
            // Decided by a core whose earlier batch was not written, or behind which a new epoch
            // has begun: it would leave a hole, or come into the wrong journal.
            outcomes.push_back({.status = fail(ErrorCode::Storage, "an earlier write has failed"),
                                .core = job.core,
                                .is_batch = true});
        } else if (job.begins_epoch) {
            begins = &job;
            broken = job.core;
        } else {
            batches.push_back(std::move(job.commit));
            outcomes.push_back({.core = job.core, .is_batch = true});
        }
    }
    const auto status = batches.empty() ? Status{} : store.commit(batches);
    std::size_t next = 0;
    for (auto& outcome : outcomes) {
        if (!outcome.is_batch || !outcome.status) continue;
        outcome.commit = std::move(batches[next++]);
        outcome.status = status;
        if (!status) broken = outcome.core;
    }
    if (begins != nullptr && status) {
        const auto epoch = store.begin_epoch(begins->now, begins->older_epoch);
        outcomes.push_back({.status = epoch ? Status{} : Status{tl::unexpected(epoch.error())},
                            .core = begins->core,
                            .is_batch = !epoch,
                            .epoch = epoch.value_or(0)});
    }
    return outcomes;
}

void Server::on_outcomes(std::vector<Outcome> outcomes) {
    store_.refresh_range();
    std::uint64_t durable = 0;
    bool recorded = false;
    std::string failure;
    for (auto& outcome : outcomes) {
        if (outcome.epoch != 0) {
            store_.adopt_epoch(outcome.epoch);
            return make_core({});
        }
        if (outcome.is_probe) {
            recorded = recorded || (outcome.status && outcome.core == generation_);
            continue;
        }
        if (!outcome.is_batch) {
            if (!outcome.status) log_.warning("{}", outcome.status.error().message);
            continue;
        }
        if (outcome.core != generation_) continue; // decided by a core that is no more
        if (!outcome.status) {
            failure = outcome.status.error().message;
            continue;
        }
        for (const auto& write : outcome.commit.writes) {
            if (const auto* append = std::get_if<Append>(&write))
                feed_.publish(store_.epoch(), *append);
        }
        for (const auto& release : outcome.commit.release) {
            send(release);
        }
        durable = outcome.commit.batch;
        recorded = true;
    }
    if (!failure.empty()) {
        // A write that is cut short by a full disk is an input/output error to LMDB.
        if (is_disk_full()) {
            failure = fmt::format("no space is left on the disk of the store: free {} MiB or more",
                                  least_room >> 20);
        }
        log_.error("nothing can be recorded: {}; queries go on, actions are refused", failure);
        return make_core(failure);
    }
    if (!degraded_.empty() && recorded) {
        log_.notice("recording works again");
        return make_core({});
    }
    if (durable != 0) step(Committed{durable});
}

bool Server::is_disk_full() const {
    return store_.disk_room().value_or(least_room) < least_room;
}

void Server::tell_status() {
    StatusRow status;
    status.pid = static_cast<std::uint32_t>(getpid());
    const auto usage = store_.usage();
    status.store_bytes = usage.pages_used * usage.page_bytes;
    status.store_limit = usage.map_size;
    if (usage.is_high())
        status.warnings.push_back(fmt::format("the store is {} % full", usage.percent()));
    for (const auto& note : store_.report().notes) {
        status.warnings.push_back(note);
    }
    step(ShellStatus{std::move(status)});
}

void Server::on_second() {
    tell_status();
    step(Tick{});
    feed_.on_second();
    if (!degraded_.empty()) {
        if (is_disk_full()) return;
        // Does recording work again? Writing what is there already tells, and changes nothing.
        Commit probe;
        probe.writes.emplace_back(PutFence{core_->leases().last_token()});
        return submit(Job{.commit = std::move(probe), .is_probe = true, .core = generation_});
    }
    const Cursor head{store_.epoch(), store_.range().second};
    if (head != remembered_) {
        remembered_ = head;
        submit(Job{.head_only = true, .head = head});
    }
    retain();
}

void Server::retain() {
    const auto [oldest, newest] = store_.range();
    if (newest < oldest) return;
    std::uint64_t before = 0;
    if (retention_.age.count() > 0) {
        WallTime first;
        store_.read(oldest - 1, [&](const JournalItem& item) {
            first = item.recorded;
            return false;
        });
        before = store_.sequence_at(age_limit_.cut(first, loop_.now()));
    }
    const auto usage = store_.usage();
    if (retention_.bytes > 0 && usage.pages_used * usage.page_bytes > retention_.bytes) {
        // LMDB's file never shrinks, freed pages are used again: as many records as filled it stay.
        if (most_records_ == 0) most_records_ = newest - oldest + 1;
        before = std::max(before, newest + 1 - std::min(newest, most_records_));
    }
    if (before > oldest) submit(Job{.trim_before = before});
}

} // namespace ctys::broker
