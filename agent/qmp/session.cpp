#include "agent/qmp/session.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

namespace ctys::qmp {
namespace {

constexpr CommandId negotiation_id = 0;

std::string command_line(CommandId id, std::string_view command, const Value& arguments) {
    auto message = Value::object({{"execute", command}, {"id", static_cast<std::int64_t>(id)}});
    if (!arguments.is_null()) message.set("arguments", arguments);
    return message.to_json() + "\n";
}

/// QMP: "timestamp.seconds: -1 if the host clock could not be read".
WallTime time_of(const Value& event) {
    const auto seconds = event.integer("timestamp.seconds").value_or(-1);
    const auto microseconds = event.integer("timestamp.microseconds").value_or(0);
    constexpr std::int64_t year_9999 = 253'402'300'799;
    if (seconds < 0 || seconds > year_9999) return {};
    if (microseconds < 0 || microseconds >= 1'000'000) return {seconds * 1'000'000};
    return {seconds * 1'000'000 + microseconds};
}

Reply reply_of(CommandId id, const Value& message) {
    if (const auto* value = message.find("return")) {
        return {.command = id, .outcome = Reply::Outcome::Done, .value = *value};
    }
    return {.command = id,
            .outcome = Reply::Outcome::Declined,
            .error_class = message.text("error.class").value_or("GenericError"),
            .description = printable(message.text("error.desc").value_or("no reason given"))};
}

Error broken(std::string what) {
    return {.code = ErrorCode::Malformed, .message = std::move(what)};
}

} // namespace

Result<Value> Reply::to_result() const {
    switch (outcome) {
    case Outcome::Done:
        return value;
    case Outcome::Declined:
        return fail(error_class == "CommandNotFound" ? ErrorCode::Unsupported : ErrorCode::Failed,
                    description);
    case Outcome::Interrupted:
        return fail(ErrorCode::Unreachable, description);
    case Outcome::TimedOut:
        return fail(ErrorCode::TimedOut, description);
    }
    return fail(ErrorCode::Failed, description);
}

void Session::connected(Instant now) {
    CTYS_ASSERT(phase_ == Phase::Idle);
    phase_ = Phase::Greeting;
    phase_deadline_ = now + limits_.greeting;
}

Result<Session::Submitted>
Session::submit(std::string_view command, const Value& arguments, Instant deadline) {
    if (phase_ == Phase::Closed) return fail(ErrorCode::Unreachable, "the session is closed");
    if (queue_.size() >= limits_.queued) {
        return fail(ErrorCode::Overloaded,
                    fmt::format("{} commands wait for this monitor", queue_.size()));
    }
    auto line = command_line(next_id_, command, arguments);
    if (line.size() > limits_.command_bytes) {
        return fail(ErrorCode::Usage,
                    fmt::format("the command {} has {} bytes", printable(command), line.size()));
    }
    Submitted out{.id = next_id_++, .effects = {}};
    pending_.emplace(out.id, Pending{.line = std::move(line), .deadline = deadline});
    queue_.push_back(out.id);
    send_queued(out.effects);
    return out;
}

void Session::send_queued(SessionEffects& effects) {
    while (phase_ == Phase::Running && in_flight_ < limits_.in_flight && !queue_.empty()) {
        auto& command = pending_.at(queue_.front());
        queue_.pop_front();
        effects.write += command.line;
        command.line.clear();
        ++in_flight_;
    }
}

SessionEffects Session::receive(std::string_view bytes, Instant now) {
    SessionEffects effects;
    if (phase_ == Phase::Closed || phase_ == Phase::Idle) return effects;
    const auto framed = framer_.feed(bytes);
    for (const auto& message : framed.messages) {
        on_message(message, now, effects);
        if (phase_ == Phase::Closed) return effects;
    }
    if (!framed.status) end(framed.status.error(), effects);
    return effects;
}

void Session::on_message(std::string_view line, Instant now, SessionEffects& effects) {
    const auto message = Value::parse(line);
    if (!message) return end(message.error(), effects);
    if (!message->is_object()) return end(broken("a message is no object"), effects);

    if (phase_ == Phase::Greeting) return on_greeting(*message, now, effects);
    if (auto name = message->text("event")) {
        const auto* data = message->find("data");
        effects.notices.emplace_back(Event{.name = printable(*name, 100),
                                           .data = data == nullptr ? Value{} : *data,
                                           .at = time_of(*message)});
        return;
    }
    if (message->find("return") == nullptr && message->find("error") == nullptr) {
        ++counters_.unknown_messages;
        return;
    }
    on_reply(*message, effects);
}

void Session::on_greeting(const Value& message, Instant now, SessionEffects& effects) {
    const auto* version = message.find("QMP.version.qemu");
    if (version == nullptr) return end(broken("the greeting is not that of a QEMU"), effects);
    ready_ = {.version = fmt::format("{}.{}.{}",
                                     version->integer("major").value_or(0),
                                     version->integer("minor").value_or(0),
                                     version->integer("micro").value_or(0)),
              .package = printable(message.text("QMP.version.package").value_or(""), 200)};
    phase_ = Phase::Negotiating;
    phase_deadline_ = now + limits_.negotiation;
    effects.write += command_line(negotiation_id, "qmp_capabilities", {});
}

void Session::on_negotiated(const Value& message, SessionEffects& effects) {
    if (message.find("return") == nullptr) {
        return end(broken(fmt::format("qmp_capabilities was declined: {}",
                                      printable(message.text("error.desc").value_or("")))),
                   effects);
    }
    phase_ = Phase::Running;
    effects.notices.emplace_back(ready_);
    send_queued(effects);
}

void Session::on_reply(const Value& message, SessionEffects& effects) {
    const auto* id = message.find("id");
    if (id == nullptr) {
        // QMP: an error without an id answers what QEMU could not even parse. What it took our
        // bytes for is unknown from here on.
        return end(broken(fmt::format("an answer without id: {}",
                                      printable(message.text("error.desc").value_or("")))),
                   effects);
    }
    const auto number = id->integer();
    const auto command = static_cast<CommandId>(number.value_or(-1));
    if (number && phase_ == Phase::Negotiating && command == negotiation_id) {
        return on_negotiated(message, effects);
    }
    const auto found = number ? pending_.find(command) : pending_.end();
    if (found == pending_.end() || !found->second.line.empty()) {
        ++counters_.unknown_ids;
        return;
    }
    if (found->second.abandoned) {
        ++counters_.late_replies;
    } else {
        effects.notices.emplace_back(reply_of(command, message));
    }
    pending_.erase(found);
    --in_flight_;
    send_queued(effects);
}

SessionEffects Session::tick(Instant now) {
    SessionEffects effects;
    if (phase_ == Phase::Greeting && now >= phase_deadline_) {
        end({.code = ErrorCode::TimedOut,
             .message = "no greeting: the monitor serves somebody else or hangs"},
            effects);
    } else if (phase_ == Phase::Negotiating && now >= phase_deadline_) {
        end({.code = ErrorCode::TimedOut, .message = "qmp_capabilities was not answered"}, effects);
    }
    if (phase_ == Phase::Closed) return effects;
    for (auto at = pending_.begin(); at != pending_.end();) {
        auto& [id, command] = *at;
        if (command.abandoned || now < command.deadline) {
            ++at;
            continue;
        }
        const bool sent = command.line.empty();
        effects.notices.emplace_back(
            Reply{.command = id,
                  .outcome = Reply::Outcome::TimedOut,
                  .description = sent ? "no answer by the deadline" : "not sent by the deadline"});
        command.abandoned = true;
        if (!sent) std::erase(queue_, id);
        at = sent ? std::next(at) : pending_.erase(at);
    }
    return effects;
}

std::optional<Instant> Session::next_deadline() const {
    if (phase_ == Phase::Idle || phase_ == Phase::Closed) return {};
    std::optional<Instant> out;
    if (phase_ != Phase::Running) out = phase_deadline_;
    for (const auto& [id, command] : pending_) {
        if (!command.abandoned && (!out || command.deadline < *out)) out = command.deadline;
    }
    return out;
}

SessionEffects Session::disconnected(const Error& why) {
    SessionEffects effects;
    if (phase_ != Phase::Closed) end(why, effects);
    return effects;
}

void Session::end(const Error& why, SessionEffects& effects) {
    phase_ = Phase::Closed;
    effects.write.clear();
    for (const auto& [id, command] : pending_) {
        if (command.abandoned) continue;
        effects.notices.emplace_back(Reply{
            .command = id, .outcome = Reply::Outcome::Interrupted, .description = why.message});
    }
    pending_.clear();
    queue_.clear();
    in_flight_ = 0;
    effects.notices.emplace_back(Closed{why});
}

} // namespace ctys::qmp
