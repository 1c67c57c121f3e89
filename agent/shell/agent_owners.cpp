// How Agent lets the owners of foreign VMs ask them to end.
//
// Happy path: the owner's own file names the process, then its command is run, and ends with 0.
//
// Failure modes: the program is not there -> told to the core before any order is; the file names
// another process, the account cannot be become, or the command hangs -> it is told as failed.

#include "agent/shell/agent.h"
#include "agent/shell/owner_programs.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

namespace ctys::agent {

namespace {

constexpr int not_begun = 126; // as a shell says it
constexpr int no_answer = 124;
constexpr std::size_t most_output = 4096;
/// Those that wait end by themselves before (owner_call).
constexpr Duration more_patience = std::chrono::seconds{20};

std::string one_line(const std::string& text) {
    std::string out;
    for (const auto line : split(trim(text), '\n')) {
        if (trim(line).empty()) continue;
        if (!out.empty()) out += "; ";
        out += printable(trim(line));
    }
    return out;
}

} // namespace

void Agent::use_owners(OwnerCommands commands) {
    find_programs(commands);
    if (commands == options_.owner_commands) return;
    options_.owner_commands = std::move(commands);
    step(OwnersChanged{options_.owner_commands});
}

void Agent::look_for_owners() {
    const auto& running = core_->instances().all();
    const bool is_needed = std::any_of(running.begin(), running.end(), [](const auto& item) {
        return has_commands(item.second.record.owner);
    });
    if (is_needed) use_owners(options_.owner_commands);
}

void Agent::run_owner_command(const RunOwnerCommand& command) {
    if (auto begun = begin_owner_command(command); !begun) {
        loop_.defer([this, key = command.key, why = begun.error().message] {
            step(OwnerCommandEnded{.key = key, .exit_code = not_begun, .output = why});
        });
    }
}

Status Agent::begin_owner_command(const RunOwnerCommand& command) {
    const auto found = core_->instances().all().find(command.key);
    if (found == core_->instances().all().end()) return {};
    const auto& record = found->second.record;
    const bool is_root = ::geteuid() == 0;
    // Who is not root asks with no more rights than the VM's own user may have.
    if (is_root && !command.call.as_user) {
        if (command.call.pidfile.empty()) {
            return fail(ErrorCode::Refused,
                        fmt::format("nothing but its command line says that {} runs process {}",
                                    to_string(record.owner),
                                    command.key.pid));
        }
        auto proven = check_pidfile(command.call.pidfile, command.key.pid);
        if (!proven) return proven;
    }
    loop::ChildSpec spec{.argv = command.call.argv};
    if (command.call.as_user && record.uid != ::geteuid()) {
        if (auto become = Launcher::run_as(spec, record.uid); !become) return become;
    }
    spec.cwd = "/";
    spec.new_session = true;
    spec.output = loop::ToMemory{most_output};
    spec.errors = loop::ToMemory{most_output};
    spec.deadline = command.patience + more_patience;
    auto child = loop::ChildProcess::start(
        loop_, std::move(spec), [this, key = command.key](const loop::ChildResult& result) {
            owner_commands_.erase(key);
            auto words = one_line(result.errors.empty() ? result.output : result.errors);
            if (result.timed_out) words = "it does not answer";
            const int code =
                result.term_signal != 0 ? 128 + result.term_signal : result.exit_status;
            step(OwnerCommandEnded{.key = key,
                                   .exit_code = result.timed_out ? no_answer : code,
                                   .output = std::move(words)});
        });
    if (!child) return tl::unexpected(child.error());
    const auto words = fmt::format("{}", fmt::join(command.call.argv, " "));
    log_.info("{}: its owner is told to ask it: {}", record.label, words);
    owner_commands_.insert_or_assign(command.key, std::move(*child));
    return {};
}

} // namespace ctys::agent
