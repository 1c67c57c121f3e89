#include "agent/qmp/guest_talk.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ctys::qmp {

namespace {

/// No JSON has it: it ends whatever was said before, in both directions.
constexpr char sentinel = '\xFF';
constexpr std::size_t most_words = 200; // of the guest, in a message
constexpr int signal_base = 128;        // as a shell tells of an end by a signal

std::string guest_command(std::string_view name, Value arguments) {
    auto message = Value::object({{"execute", name}});
    message.set("arguments", std::move(arguments));
    return message.to_json() + "\n";
}

std::string request_line(const GuestRequest& request) {
    if (request.kind == GuestRequest::Kind::PowerOff)
        return guest_command("guest-shutdown", Value::object({{"mode", "powerdown"}}));
    const auto& argv = request.argv;
    auto arguments = Value::list();
    for (const auto& word : argv) {
        if (&word != &argv.front()) arguments.append(word);
    }
    return guest_command("guest-exec",
                         Value::object({{"path", argv.front()}, {"arg", std::move(arguments)}}));
}

std::string words_of(const Value& message) {
    return printable(message.text("error.desc").value_or("no reason given"), most_words);
}

} // namespace

GuestTalkEffects GuestTalk::connected(Instant now) {
    CTYS_ASSERT(phase_ == Phase::Idle);
    CTYS_ASSERT(request_.kind != GuestRequest::Kind::Run || !request_.argv.empty());
    GuestTalkEffects effects;
    phase_ = Phase::Syncing;
    deadline_ = now + limits_.sync;
    effects.write =
        sentinel + guest_command("guest-sync-delimited", Value::object({{"id", number_}}));
    return effects;
}

GuestTalkEffects GuestTalk::receive(std::string_view bytes, Instant now) {
    GuestTalkEffects effects;
    // Line by line, so that what lies behind the end of a talk is not looked at, however long.
    while (!bytes.empty() && phase_ != Phase::Over && phase_ != Phase::Idle) {
        const auto length = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
        received_ += length;
        if (received_ > limits_.total_bytes) {
            break_off(fmt::format("it said more than {} bytes", limits_.total_bytes), effects);
            break;
        }
        const auto framed = framer_.feed(bytes.substr(0, length));
        bytes.remove_prefix(length);
        if (!framed.status) break_off(framed.status.error().message, effects);
        for (const auto& line : framed.messages) {
            on_line(line, now, effects);
        }
    }
    return effects;
}

void GuestTalk::on_line(std::string_view line, Instant now, GuestTalkEffects& effects) {
    if (phase_ == Phase::Syncing) return on_sync(line, now, effects);
    const auto message = Value::parse(line);
    if (!message || !message->is_object())
        return break_off("it said what is no answer: " + printable(line, most_words), effects);
    on_reply(*message, now, effects);
}

void GuestTalk::on_sync(std::string_view line, Instant now, GuestTalkEffects& effects) {
    const auto begin = line.rfind(sentinel);
    if (begin == std::string_view::npos) return;
    const auto message = Value::parse(line.substr(begin + 1));
    if (!message || message->integer("return") != number_) return;
    phase_ = Phase::Asking;
    deadline_ = now + limits_.answer;
    effects.write += request_line(request_);
}

void GuestTalk::on_reply(const Value& message, Instant now, GuestTalkEffects& effects) {
    const auto* value = message.find("return");
    if (phase_ == Phase::Watching) {
        if (value == nullptr)
            return break_off("it does not tell its exit status: " + words_of(message), effects);
        if (look_again_at_) return break_off("it answered what was not asked", effects);
        return on_status(*value, now, effects);
    }
    if (message.find("error") != nullptr)
        return end(fail(ErrorCode::Failed, "it refused: " + words_of(message)), effects);
    if (value == nullptr) return break_off("it said what is no answer", effects);
    if (request_.kind == GuestRequest::Kind::PowerOff) return end(GuestAnswer{}, effects);
    const auto pid = value->integer("pid");
    phase_ = Phase::Watching;
    if (!pid) return break_off("it does not say what it runs", effects);
    pid_ = *pid;
    ask_for_status(now, effects);
}

void GuestTalk::ask_for_status(Instant now, GuestTalkEffects& effects) {
    look_again_at_.reset();
    look_until_ = now + limits_.look;
    effects.write += guest_command("guest-exec-status", Value::object({{"pid", pid_}}));
}

void GuestTalk::on_status(const Value& status, Instant now, GuestTalkEffects& effects) {
    const auto exited = status.boolean("exited");
    if (!exited) return break_off("it does not tell whether it has ended", effects);
    if (!*exited) {
        look_again_at_ = now + limits_.look_again;
        return;
    }
    constexpr std::int64_t most = 255;
    const auto code = status.integer("exitcode");
    const auto signal = status.integer("signal");
    if (code && *code >= 0 && *code <= most)
        return end(GuestAnswer{static_cast<int>(*code)}, effects);
    if (signal && *signal > 0 && *signal < signal_base)
        return end(GuestAnswer{signal_base + static_cast<int>(*signal)}, effects);
    break_off("it ended, with no exit status", effects);
}

GuestTalkEffects GuestTalk::tick(Instant now) {
    GuestTalkEffects effects;
    if (phase_ == Phase::Idle || phase_ == Phase::Over) return effects;
    if (now >= deadline_) {
        if (phase_ == Phase::Syncing) {
            end(fail(ErrorCode::TimedOut,
                     fmt::format("it did not answer within {}", to_short_text(limits_.sync))),
                effects);
        } else if (request_.kind == GuestRequest::Kind::PowerOff) {
            end(GuestAnswer{}, effects);
        } else {
            end(fail(ErrorCode::Indeterminate,
                     fmt::format("it did not tell within {} how that ended",
                                 to_short_text(limits_.answer))),
                effects);
        }
    } else if (look_again_at_ && now >= *look_again_at_) {
        ask_for_status(now, effects);
    } else if (phase_ == Phase::Watching && !look_again_at_ && now >= look_until_) {
        break_off("it does not answer any more", effects);
    }
    return effects;
}

std::optional<Instant> GuestTalk::next_deadline() const {
    if (phase_ == Phase::Idle || phase_ == Phase::Over) return std::nullopt;
    if (phase_ != Phase::Watching) return deadline_;
    return std::min(look_again_at_.value_or(look_until_), deadline_);
}

GuestTalkEffects GuestTalk::disconnected(const Error& why) {
    GuestTalkEffects effects;
    if (phase_ == Phase::Over) return effects;
    const bool was_asked = phase_ == Phase::Asking || phase_ == Phase::Watching;
    if (!was_asked) {
        end(fail(ErrorCode::Unreachable, why.message), effects);
    } else if (request_.kind == GuestRequest::Kind::PowerOff) {
        end(GuestAnswer{}, effects); // its QEMU is going
    } else {
        end(fail(ErrorCode::Indeterminate, "it does not tell how that ended: " + why.message),
            effects);
    }
    return effects;
}

void GuestTalk::break_off(std::string why, GuestTalkEffects& effects) {
    const bool runs = phase_ == Phase::Watching;
    end(fail(runs ? ErrorCode::Indeterminate : ErrorCode::Malformed, std::move(why)), effects);
}

void GuestTalk::end(Result<GuestAnswer> how, GuestTalkEffects& effects) {
    phase_ = Phase::Over;
    look_again_at_.reset();
    effects.write.clear();
    effects.end = std::move(how);
}

} // namespace ctys::qmp
