// Happy path: QEMU without a machine dials a socket of ours, greets, answers all questions, and is
// killed.
//
// Failure modes: it hangs -> killed at its limit; it ends -> its own last words; it says what is no
// QMP, or without end -> the session's error, by its bounds; a second connection -> dropped.

#include "agent/survey/ask_emulator.h"

#include "agent/qmp/client.h"
#include "mesh/core/text.h"
#include "mesh/loop/child_process.h"
#include "mesh/loop/unix_listener.h"

#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <optional>
#include <unistd.h>

namespace ctys::agent {

namespace {

constexpr std::size_t most_output = 4096;
constexpr Duration version_patience = std::chrono::seconds{2};
/// Of the loop, beyond the limit at which the child is killed.
constexpr Duration grace = std::chrono::seconds{2};
/// For the status of one whose connection has ended.
constexpr Duration end_patience = std::chrono::seconds{1};

std::string last_line(std::string_view text) {
    const auto lines = split(trim(text), '\n');
    return printable(trim(lines.back()), 160);
}

std::string words_of(const loop::ChildResult& ended) {
    auto words = last_line(trim(ended.errors).empty() ? ended.output : ended.errors);
    const auto how = ended.term_signal != 0 ? fmt::format("signal {}", ended.term_signal)
                                            : fmt::format("status {}", ended.exit_status);
    return words.empty() ? how : fmt::format("{}: \"{}\"", how, words);
}

loop::ChildSpec child_spec(std::vector<std::string> argv, Duration limit) {
    return {.argv = std::move(argv),
            .cwd = "/",
            .new_session = true,
            .output = loop::ToMemory{most_output},
            .errors = loop::ToMemory{most_output},
            .deadline = limit};
}

/// The child's end, or nothing where it was cancelled. Errors: those of ChildProcess::start.
Result<std::optional<loop::ChildResult>>
run_to_end(loop::EventLoop& loop, loop::ChildSpec spec, const AskTerms& terms) {
    const auto limit = spec.deadline.value_or(terms.patience);
    std::optional<loop::ChildResult> ended;
    const auto child = loop::ChildProcess::start(
        loop, std::move(spec), [&](const loop::ChildResult& result) { ended = result; });
    if (!child) return tl::unexpected(child.error());
    static_cast<void>(
        loop.run_until([&] { return ended.has_value() || terms.is_cancelled(); }, limit + grace));
    return ended;
}

/// One conversation with one emulator.
class Conversation {
public:
    Conversation(loop::EventLoop& loop, const std::string& program, const AskTerms& terms)
        : loop_(loop), terms_(terms), socket_(terms.folder + "/qmp") {
        description_.path = program;
    }

    Description hold() {
        if (auto begun = begin(); !begun) {
            description_.problem = begun.error().message;
            return description_;
        }
        static_cast<void>(
            loop_.run_until([&] { return done_ || ended_ || refusal_ || terms_.is_cancelled(); },
                            terms_.patience + grace));
        // Whoever closes its connection is about to end, and its own words tell more.
        if (!done_ && refusal_ && refusal_->code == ErrorCode::Unreachable)
            static_cast<void>(loop_.run_until([&] { return ended_.has_value(); }, end_patience));
        if (!done_) description_.problem = why_not();
        client_.reset();
        child_.reset();
        return description_;
    }

private:
    Status begin() {
        auto listener = loop::UnixListener::open(
            loop_,
            socket_,
            [this](loop::UnixStream stream) { on_dialled(std::move(stream)); },
            {.replace_stale = true});
        if (!listener) return tl::unexpected(listener.error());
        listener_.emplace(std::move(*listener));
        std::vector<std::string> argv{description_.path};
        for (auto& word : survey_mark())
            argv.push_back(std::move(word));
        for (const auto* word :
             {"-machine", "none", "-nodefaults", "-display", "none", "-no-user-config", "-S"})
            argv.emplace_back(word);
        argv.insert(argv.end(),
                    {"-chardev",
                     fmt::format("socket,id=survey,path={}", socket_),
                     "-mon",
                     "chardev=survey,mode=control"});
        auto child =
            loop::ChildProcess::start(loop_,
                                      child_spec(std::move(argv), terms_.patience),
                                      [this](const loop::ChildResult& result) { ended_ = result; });
        if (!child) return tl::unexpected(child.error());
        child_.emplace(std::move(*child));
        return {};
    }

    void on_dialled(loop::UnixStream stream) {
        if (client_ || refusal_) return;
        qmp::Client::Options options;
        options.limits.greeting = terms_.patience;
        auto client =
            qmp::Client::accept(loop_,
                                std::move(stream),
                                options,
                                {.on_ready = [this](const qmp::Ready& ready) { on_ready(ready); },
                                 .on_event = [](const qmp::Event&) {},
                                 .on_closed = [this](const Error& why) { refuse(why); }});
        if (!client) return refuse(client.error());
        client_ = std::move(*client);
    }

    void on_ready(const qmp::Ready& ready) {
        description_.version = printable(ready.version, 64);
        description_.package = printable(ready.package, 200);
        open_ = emulator_questions().size();
        for (const auto& question : emulator_questions()) {
            const auto asked = client_->execute(
                question.command,
                question.arguments,
                terms_.patience,
                [this, command = question.command](const qmp::Reply& reply) {
                    // One that QEMU declines, as an old one may, leaves its part empty.
                    if (reply.outcome == qmp::Reply::Outcome::Done)
                        absorb(description_, command, reply.value);
                    const bool is_answer = reply.outcome == qmp::Reply::Outcome::Done ||
                                           reply.outcome == qmp::Reply::Outcome::Declined;
                    if (!is_answer || --open_ > 0) return;
                    if (description_.arch.empty()) {
                        return refuse({.code = ErrorCode::Malformed,
                                       .message = "it does not say what it emulates"});
                    }
                    done_ = true;
                });
            if (!asked) return refuse(asked.error());
        }
    }

    void refuse(const Error& why) {
        if (!refusal_ && !done_) refusal_ = why;
    }

    [[nodiscard]] std::string why_not() const {
        if (terms_.is_cancelled()) return "the survey was stopped";
        if (ended_ && !ended_->timed_out)
            return fmt::format("ended with {} when asked over QMP", words_of(*ended_));
        const bool says_wrong = refusal_ && refusal_->code != ErrorCode::Unreachable &&
                                refusal_->code != ErrorCode::TimedOut;
        if (says_wrong)
            return fmt::format("does not speak QMP: {}", printable(refusal_->message, 160));
        return fmt::format("did not answer over QMP within {} and was killed",
                           to_short_text(terms_.patience));
    }

    loop::EventLoop& loop_;
    const AskTerms& terms_;
    std::string socket_;
    Description description_;
    std::optional<loop::UnixListener> listener_;
    std::optional<loop::ChildProcess> child_;
    std::unique_ptr<qmp::Client> client_;
    std::size_t open_ = 0;
    bool done_ = false;
    std::optional<loop::ChildResult> ended_;
    std::optional<Error> refusal_;
};

} // namespace

Description ask_emulator(loop::EventLoop& loop, const std::string& program, const AskTerms& terms) {
    auto description = Conversation{loop, program, terms}.hold();
    if (description.problem.empty() || !description.version.empty() || terms.is_cancelled())
        return description;
    const auto ended = run_to_end(loop, child_spec({program, "-version"}, version_patience), terms);
    if (ended && *ended) static_cast<void>(absorb_version_text(description, (*ended)->output));
    return description;
}

GuestOutcome run_probe_guest(loop::EventLoop& loop,
                             const std::string& program,
                             std::string_view accelerator,
                             Duration limit,
                             const AskTerms& terms) {
    GuestOutcome outcome{
        .kind = GuestOutcome::Kind::Ended, .took = {}, .limit = limit, .words = {}};
    const auto image = terms.folder + "/guest.img";
    {
        std::ofstream file{image, std::ios::binary | std::ios::trunc};
        file << probe_guest_image();
        if (!file.flush()) {
            outcome.words = image + " cannot be written";
            return outcome;
        }
    }
    const auto begun = loop.now().instant;
    const auto ended =
        run_to_end(loop, child_spec(probe_guest_call(program, accelerator, image), limit), terms);
    outcome.took = loop.now().instant - begun;
    if (!ended) {
        outcome.words = ended.error().message;
    } else if (!*ended) {
        outcome.kind = GuestOutcome::Kind::TimedOut;
    } else if ((*ended)->timed_out) {
        outcome.kind = GuestOutcome::Kind::TimedOut;
    } else if ((*ended)->term_signal == 0 && (*ended)->exit_status == probe_guest_status) {
        outcome.kind = GuestOutcome::Kind::Up;
    } else {
        outcome.words = words_of(**ended);
    }
    return outcome;
}

} // namespace ctys::agent
