// Happy path: a message is decoded, who sent it is known by SO_PEERCRED, the answer carries its
// correlation. A start by hand is watched by the pidfd of the process that asked for it.
//
// Failure modes: bytes that are no envelope -> a Failure to whoever sent them; more callers than
// the bound -> refused; a caller that is gone before it was answered -> the core is told.

#include "agent/shell/door.h"

#include "agent/discovery/proc_reader.h"
#include "agent/scanner/mountinfo.h"
#include "agent/shell/launcher.h"
#include "mesh/core/text.h"
#include "schema/codec.h"

#include <fmt/format.h>

#include <unistd.h>

namespace ctys::agent {

namespace {

constexpr std::size_t rows_per_message = 512;

bus::SocketOptions options() {
    // Any account may knock; what it may do is decided by its uid.
    return {.send_high_water = 1000,
            .receive_high_water = 100,
            .max_frame_bytes = 64L * 1024,
            .max_message_bytes = 128UL * 1024,
            .ipc_mode = 0666};
}

bool is_master(uid_t uid) {
    return uid == 0 || uid == ::geteuid();
}

} // namespace

Door::Door(bus::Context& context, loop::EventLoop& loop, setup::Logger& log, Events events)
    : loop_(loop), log_(log), events_(std::move(events)),
      socket_(context, loop, bus::SocketKind::Router, options(), [this](bus::Message& message) {
          on_message(message);
      }) {}

Status Door::open(const std::string& path) {
    const auto endpoint = bus::Endpoint::ipc(path);
    if (!endpoint) return tl::unexpected(endpoint.error());
    return socket_.bind(*endpoint);
}

void Door::send(const bus::Frame& address, std::uint64_t correlation, Body body) {
    const auto bytes =
        schema::encode(Envelope{.correlation = correlation, .body = std::move(body)});
    bus::Frames frames;
    frames.push_back(address.share());
    frames.emplace_back(std::span<const std::byte>{bytes});
    // Who does not read, or is gone, gets nothing.
    if (auto sent = socket_.send(frames); !sent) log_.debug("{}", sent.error().message);
}

void Door::on_message(bus::Message& message) {
    if (message.frames.size() != 2) return;
    auto envelope = schema::decode_envelope(message.frames[1].bytes());
    if (!envelope) {
        return send(message.frames[0],
                    schema::correlation_of(message.frames[1].bytes()),
                    msg::Failure{envelope.error()});
    }
    const auto correlation = envelope->correlation;
    if (message.peer.kind != bus::PeerIdentity::Kind::User) return;
    if (const auto* ask = std::get_if<msg::Ask>(&envelope->body))
        return on_ask(message, correlation, *ask);
    if (const auto* start = std::get_if<msg::HandStart>(&envelope->body))
        return on_start(message, correlation, *start);
    if (const auto* stop = std::get_if<msg::StopGuests>(&envelope->body))
        return on_stop(message, correlation, *stop);
    if (std::holds_alternative<msg::Credit>(envelope->body) ||
        std::holds_alternative<msg::CloseStream>(envelope->body))
        return; // all rows are sent at once
    send(message.frames[0],
         correlation,
         msg::Failure{Error{.code = ErrorCode::Unsupported,
                            .message = "an agent does not take messages of this kind"}});
}

void Door::on_ask(const bus::Message& message, std::uint64_t correlation, const msg::Ask& ask) {
    const auto refuse = [&](ErrorCode code, std::string why) {
        send(message.frames[0],
             correlation,
             msg::Failure{Error{.code = code, .message = std::move(why)}});
    };
    if (!is_master(message.peer.uid))
        return refuse(ErrorCode::Refused, "only root and the agent's account may list");
    if (ask.query.table != Table::Vms)
        return refuse(ErrorCode::Unsupported, "an agent has no table but its VMs");
    auto rows = events_.rows();
    if (!rows) return refuse(ErrorCode::Unreachable, "the agent is still looking around");
    for (std::size_t first = 0; first == 0 || first < rows->size(); first += rows_per_message) {
        const auto end = std::min(rows->size(), first + rows_per_message);
        msg::Rows part{.at = {}, .rows = {}, .last = end == rows->size()};
        for (auto index = first; index < end; ++index) {
            part.rows.emplace_back(std::move((*rows)[index]));
        }
        send(message.frames[0], correlation, std::move(part));
    }
}

void Door::on_start(bus::Message& message, std::uint64_t correlation, const msg::HandStart& asked) {
    const auto refuse = [&](std::string why) {
        send(message.frames[0],
             correlation,
             msg::HandGrant{.answer = msg::HandGrant::Answer::Refused, .reason = std::move(why)});
    };
    const auto* path = events_.find_path(asked.config);
    const auto uid = message.peer.uid;
    if (!is_master(uid) && (path == nullptr || path->path.owner_uid != uid))
        return refuse("only root, the agent's account and the owner of a VM start it by hand");
    if (callers_.size() >= most_callers) return refuse("too many starts by hand at once");
    // Who asks is a child of the process that will be QEMU's parent, and lives as long as it does.
    auto reader = ProcReader::open();
    const auto stat =
        reader ? reader->stat(static_cast<std::uint32_t>(message.peer.pid)) : Result<ProcStat>{};
    if (!reader || !stat) return; // gone already
    // Whoever would have been QEMU's parent has ended, and left the one that asks to somebody else.
    if (stat->parent <= 1) return refuse("the process that would start it has ended");
    const auto caller = ++last_caller_;
    auto process = loop::PidWatch::open(loop_, static_cast<pid_t>(stat->parent), [this, caller] {
        loop_.defer([this, caller] {
            callers_.erase(caller);
            events_.input(CallerGone{caller});
        });
    });
    if (!process) return;
    callers_[caller] = Caller{.address = std::move(message.frames[0]),
                              .correlation = correlation,
                              .process = std::make_unique<loop::PidWatch>(std::move(*process))};
    const bool on_shared = path != nullptr && is_network_filesystem(path->path.storage.filesystem);
    events_.input(HandStartAsked{.caller = caller,
                                 .action = {ids_.next_u64()},
                                 .config = asked.config,
                                 .label = asked.label,
                                 .user = Launcher::account_name(uid),
                                 .on_shared = on_shared});
}

void Door::on_stop(bus::Message& message, std::uint64_t correlation, const msg::StopGuests& asked) {
    if (!is_master(message.peer.uid)) {
        return send(message.frames[0],
                    correlation,
                    msg::Failure{Error{.code = ErrorCode::Refused,
                                       .message = "only root and the agent's account may stop the "
                                                  "VMs of a machine"}});
    }
    if (stoppers_.size() == most_stoppers) stoppers_.erase(stoppers_.begin());
    // A sign of life, whatever the agent is doing.
    send(message.frames[0], correlation, msg::GuestsStopping{.left = {}, .error = {}});
    stoppers_.push_back({std::move(message.frames[0]), correlation});
    events_.stop(StopAsked{.deadline = asked.deadline, .why = asked.reason});
}

void Door::tell(const msg::GuestsStopping& told) {
    for (const auto& stopper : stoppers_) {
        send(stopper.address, stopper.correlation, told);
    }
    if (told.done) stoppers_.clear();
}

void Door::answer(const AnswerCaller& answer) {
    const auto caller = callers_.find(answer.caller);
    if (caller == callers_.end()) return;
    using Answer = msg::HandGrant::Answer;
    const auto what = answer.grant.answer;
    send(caller->second.address, caller->second.correlation, answer.grant);
    // Only who may start is watched on.
    if (what != Answer::Granted && what != Answer::Alone) callers_.erase(caller);
}

} // namespace ctys::agent
