// Happy path: ctys-qemu-call runs as the owner of the VM, writes the note or takes it away, and
// ends with 0 when that is durable.
//
// Failure modes: no such account, or one that this agent may not become -> told as the error; a
// storage that hangs -> the process is killed at its deadline; the next note waits for its end.

#include "agent/shell/state_notes.h"

#include "agent/shell/launcher.h"
#include "mesh/core/text.h"
#include "mesh/qemu/saved_state.h"

#include <fmt/format.h>

#include <unistd.h>

namespace ctys::agent {

void StateNotes::run(NoteState note) {
    const auto config = note.config;
    auto& writer = writers_[config];
    writer.waiting.push_back(std::move(note));
    if (writer.waiting.size() == 1) begin(config);
}

void StateNotes::begin(const std::string& config) {
    if (auto started = start(writers_.at(config).waiting.front()); !started)
        loop_.defer([this, config, error = started.error()] { done(config, error); });
}

Status StateNotes::start(const NoteState& note) {
    const auto account = Launcher::find_account({}, note.uid);
    if (!account) return tl::unexpected(account.error());
    loop::ChildSpec spec{.argv = {call_, "--config-file", note.config}};
    spec.argv.push_back(note.saved ? fmt::format("--note-state={}", qemu::saved_state_tag)
                                   : std::string{"--forget-state"});
    Launcher::become(spec, *account);
    spec.new_session = true;
    spec.errors = loop::ToMemory{4096};
    spec.deadline = limit;
    auto child = loop::ChildProcess::start(
        loop_, std::move(spec), [this, config = note.config](const loop::ChildResult& result) {
            std::optional<Error> error;
            if (result.timed_out) {
                error = Error{.code = ErrorCode::TimedOut,
                              .message = fmt::format("no answer of its storage within {}",
                                                     to_short_text(limit))};
            } else if (result.exit_status != 0 || result.term_signal != 0) {
                error = Error{.code = ErrorCode::Failed,
                              .message = printable(trim(result.errors), 400)};
            }
            // Not under the feet of the child that tells.
            loop_.defer([this, config, error] { done(config, error); });
        });
    if (!child) return tl::unexpected(child.error());
    writers_.at(note.config).child = std::move(*child);
    return {};
}

void StateNotes::done(const std::string& config, std::optional<Error> error) {
    auto& writer = writers_.at(config);
    const auto note = std::move(writer.waiting.front());
    writer.waiting.pop_front();
    writer.child.reset();
    if (writer.waiting.empty()) {
        writers_.erase(config);
    } else {
        begin(config);
    }
    on_noted_({.key = note.key,
               .number = note.number,
               .config = note.config,
               .saved = note.saved,
               .error = std::move(error)});
}

} // namespace ctys::agent
