// Happy path: one request; the agent answers at once and then each second until it is done.
//
// Failure modes: nobody answers, or no longer -> Unreachable: whoever called ends the agent and
// does its work.

#include "agent/shell/stop_call.h"

#include "mesh/bus/socket.h"
#include "mesh/loop/pid_watch.h"
#include "mesh/setup/lock_holder.h"
#include "schema/codec.h"

#include <fmt/format.h>

#include <csignal>
#include <deque>
#include <filesystem>
#include <set>

namespace ctys::agent {

namespace {

constexpr Duration end_patience = std::chrono::seconds{5}; // from SIGKILL to its exit

std::set<std::string> known_agents(const setup::Directories& directories) {
    constexpr std::string_view prefix = "agent-";
    std::set<std::string> names;
    for (const auto& folder : {directories.state, directories.runtime}) {
        std::error_code error;
        std::filesystem::directory_iterator entries(folder, error);
        for (; !error && entries != std::filesystem::directory_iterator{};
             entries.increment(error)) {
            const auto role = entries->path().filename().string();
            if (role.starts_with(prefix)) names.insert(role.substr(prefix.size()));
        }
    }
    return names;
}

std::string lock_file(const setup::Directories& directories, const std::string& name) {
    return fmt::format("{}/agent-{}/lock", directories.runtime, name);
}

} // namespace

Result<msg::GuestsStopping> StopCall::run(const msg::StopGuests& asked, const OnTold& on_told) {
    const auto endpoint = bus::Endpoint::ipc(socket_);
    if (!endpoint) return tl::unexpected(endpoint.error());
    std::deque<Body> answers;
    bus::Socket socket{context_,
                       loop_,
                       bus::SocketKind::Dealer,
                       // Not at once: what is sent before somebody listens waits for it.
                       bus::SocketOptions{.linger = {}, .immediate = false},
                       [&](bus::Message& message) {
                           auto envelope = schema::decode_envelope(message.frames.back().bytes());
                           if (envelope) answers.push_back(std::move(envelope->body));
                       }};
    if (auto connected = socket.connect(*endpoint); !connected)
        return tl::unexpected(connected.error());
    const auto bytes = schema::encode(Envelope{.correlation = 1, .body = asked});
    bus::Frames frames;
    frames.emplace_back(std::span<const std::byte>{bytes});
    if (auto sent = socket.send(frames); !sent) return tl::unexpected(sent.error());
    bool has_ended = false;
    const auto watch = loop::PidWatch::open(loop_, pid_, [&] { has_ended = true; });
    auto bound = first_patience;
    while (loop_.run_until([&] { return !answers.empty() || has_ended || !watch; }, bound)) {
        if (answers.empty()) return fail(ErrorCode::Unreachable, "the agent has ended");
        bound = patience;
        const auto answer = std::move(answers.front());
        answers.pop_front();
        if (const auto* failure = std::get_if<msg::Failure>(&answer))
            return tl::unexpected(failure->error);
        const auto* told = std::get_if<msg::GuestsStopping>(&answer);
        if (told == nullptr) continue;
        on_told(*told);
        if (told->done) return *told;
    }
    return fail(ErrorCode::Unreachable,
                fmt::format("the agent has not answered for {}", to_short_text(bound)));
}

Status require_known_agent(const setup::Directories& directories, const std::string& name) {
    // A folder that cannot be looked at may be one of it: whoever opens it is told why.
    const auto may_be_there = [&](const std::string& folder) {
        std::error_code error;
        const auto found = std::filesystem::status(fmt::format("{}/agent-{}", folder, name), error);
        return found.type() != std::filesystem::file_type::not_found;
    };
    if (may_be_there(directories.state) || may_be_there(directories.runtime)) return {};
    const auto known = known_agents(directories);
    return fail(
        ErrorCode::NotFound,
        fmt::format("no agent {} has run here: neither {}/agent-{} nor {}/agent-{} exists{}",
                    name,
                    directories.state,
                    name,
                    directories.runtime,
                    name,
                    known.empty() ? std::string{}
                                  : fmt::format("; known: {}", fmt::join(known, ", "))),
        known.empty() ? "ctys-agent --stop-guests --name NAME --state-dir DIR --runtime-dir "
                        "DIR   (as its agent was started)"
                      : fmt::format("ctys-agent --stop-guests --name {}", *known.begin()));
}

std::optional<pid_t> running_agent(const setup::Directories& directories, const std::string& name) {
    return setup::lock_holder(lock_file(directories, name));
}

Status end_hung_agent(loop::EventLoop& loop,
                      const setup::Directories& directories,
                      const std::string& name,
                      pid_t pid) {
    bool has_ended = false;
    const auto watch = loop::PidWatch::open(loop, pid, [&] { has_ended = true; });
    if (!watch) return tl::unexpected(watch.error());
    // Only now is it certain that the pidfd is of the process that holds the lock.
    if (running_agent(directories, name) != pid)
        return fail(ErrorCode::NotFound, fmt::format("the agent {} has ended", pid));
    if (auto sent = watch->send_signal(SIGKILL); !sent) return sent;
    if (loop.run_until([&] { return has_ended; }, end_patience)) return {};
    return fail(ErrorCode::TimedOut,
                fmt::format("the agent {} is still there {} after SIGKILL",
                            pid,
                            to_short_text(end_patience)));
}

} // namespace ctys::agent
