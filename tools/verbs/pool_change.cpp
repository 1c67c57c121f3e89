// Happy path: the pool is put into the agent's file, the agent gets SIGHUP, reads it, and says in
// its facts how the pool is.
// Failure modes: no agent runs -> the file waits for it; the process is not ours to signal -> it is
// told how; the broker does not answer -> what was done is said, not what came of it.

#include "tools/verbs/pool_change.h"

#include "mesh/core/text.h"
#include "mesh/setup/pool_file.h"
#include "tools/client/terminal.h"
#include "tools/client/watcher.h"
#include "tools/verbs/single_machine.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace ctys::tools {

namespace {

constexpr Duration default_patience = std::chrono::seconds{10};

/// An agent of this machine: its role is its folder below the state directory.
struct LocalAgent {
    std::string role;
    std::string state;
    pid_t pid = 0; ///< 0: it does not run

    [[nodiscard]] std::string name() const { return role.substr(role.find('-') + 1); }
};

std::vector<LocalAgent> local_agents(const setup::Directories& directories) {
    std::vector<LocalAgent> found;
    std::error_code error;
    std::filesystem::directory_iterator entries(directories.state, error);
    for (; !error && entries != std::filesystem::directory_iterator{}; entries.increment(error)) {
        const auto role = entries->path().filename().string();
        if (role.starts_with("agent-")) found.push_back({.role = role, .state = entries->path()});
    }
    for (const auto& running : running_roles(directories)) {
        for (auto& agent : found) {
            if (agent.role == running.role) agent.pid = running.pid;
        }
    }
    return found;
}

std::string_view word_of(PoolChange change) {
    return change == PoolChange::Add ? "add" : "trust";
}

Result<LocalAgent>
choose(const std::vector<LocalAgent>& agents, const std::string& name, PoolChange change) {
    std::vector<LocalAgent> fitting;
    for (const auto& agent : agents) {
        if (name.empty() || agent.name() == name) fitting.push_back(agent);
    }
    const auto runs = [](const LocalAgent& agent) { return agent.pid != 0; };
    if (fitting.size() > 1 && std::count_if(fitting.begin(), fitting.end(), runs) == 1)
        return *std::find_if(fitting.begin(), fitting.end(), runs);
    if (fitting.size() == 1) return fitting.front();
    if (fitting.empty()) {
        return fail(ErrorCode::NotFound,
                    name.empty() ? "no agent of this user has run on this machine"
                                 : fmt::format("no agent of this user is called {}", name),
                    fmt::format("as the agent's user, for example: sudo ctys pool {} DIR; or: "
                                "ctys up",
                                word_of(change)));
    }
    std::vector<std::string> names;
    names.reserve(fitting.size());
    for (const auto& agent : fitting) {
        names.push_back(agent.name());
    }
    auto example = fmt::format("ctys pool {} {}:DIR", word_of(change), names.front());
    return fail(ErrorCode::Ambiguous,
                "several agents run here: which one?",
                std::move(example),
                std::move(names));
}

bool lies_in(const std::string& path, const std::string& root) {
    return path == root || path.starts_with(root == "/" ? root : root + "/");
}

// The pid in a lock is of the agent's own namespace, which may be another one than ours.
bool is_agent(pid_t pid) {
    std::ifstream comm(fmt::format("/proc/{}/comm", pid));
    std::string name;
    return std::getline(comm, name) && name == "ctys-agent";
}

/// Nothing where the agent will read its file; else what a person has to do.
std::string wake(const LocalAgent& agent) {
    if (!is_agent(agent.pid)) {
        return fmt::format("send SIGHUP to the agent {}: its process is not seen here",
                           agent.name());
    }
    if (::kill(agent.pid, SIGHUP) == 0) return {};
    return fmt::format("kill -HUP {}   ({})", agent.pid, std::strerror(errno));
}

const PoolReport* find_report(const std::vector<WorkerRecord>& workers,
                              const std::string& name,
                              const std::string& root) {
    for (const auto& worker : workers) {
        if (worker.name != name || worker.state != WorkerState::Alive) continue;
        for (const auto& pool : worker.pools) {
            if (pool.root == root) return &pool;
        }
    }
    return nullptr;
}

Result<std::vector<WorkerRecord>> ask_worker(Session& session, const std::string& name) {
    return session.rows_of<WorkerRecord>({.table = Table::Workers, .address = name});
}

Status say_unknown(Session& session, const LocalAgent& agent, const Error& why) {
    return session.print(fmt::format(
        "{} is told; what came of it cannot be asked: {}\n", agent.name(), why.message));
}

/// Until the agent reports the pool as it is to be: asked anew after each of its news.
Status
await(Session& session, const LocalAgent& agent, const std::string& root, PoolChange change) {
    auto connection = session.broker();
    if (!connection) return say_unknown(session, agent, connection.error());
    Watcher watcher(**connection, {.filters = {{.field = "family", .values = {"worker"}}}});
    if (auto opened = watcher.open(); !opened) return say_unknown(session, agent, opened.error());
    const auto begun = wall_now();
    const auto patience = session.globals().timeout.value_or(default_patience);
    while (true) {
        auto workers = ask_worker(session, agent.name());
        if (!workers) return say_unknown(session, agent, workers.error());
        const auto* report = find_report(*workers, agent.name(), root);
        if (report != nullptr && (change == PoolChange::Add || report->trusted)) {
            return session.print(fmt::format("{} on {}: {}{}, {} VMs{}{}\n",
                                             printable(root),
                                             agent.name(),
                                             report->trusted ? "trusted, " : "",
                                             to_string(report->health),
                                             report->vms,
                                             report->reason.empty() ? "" : "; ",
                                             printable(report->reason)));
        }
        const auto left = patience - (wall_now() - begun);
        if (left <= Duration{}) break;
        auto next = watcher.next(left);
        if (!next) return say_unknown(session, agent, next.error());
    }
    return fail(ErrorCode::TimedOut,
                fmt::format("{} was told and has not reported the pool", agent.name()),
                "ctys pool list");
}

Status put_entry(const LocalAgent& agent, const std::string& root, PoolChange change) {
    const auto path = setup::pool_file(agent.state);
    auto entries = setup::read_pool_file(path);
    if (!entries) return tl::unexpected(entries.error());
    const auto known = std::find_if(
        entries->begin(), entries->end(), [&](const auto& entry) { return entry.root == root; });
    auto& entry = known == entries->end() ? entries->emplace_back() : *known;
    entry.root = root;
    entry.trusted = entry.trusted || change == PoolChange::Trust;
    return setup::write_pool_file(path, *entries);
}

/// Roots in the agent's file, and those of its configuration as far as the broker knows them.
struct KnownRoots {
    std::vector<std::string> roots;
    Status asked; ///< the error when the broker could not be asked
};

Result<KnownRoots> roots_of(Session& session, const LocalAgent& agent) {
    const auto kept = setup::read_pool_file(setup::pool_file(agent.state));
    if (!kept) return tl::unexpected(kept.error());
    KnownRoots known;
    for (const auto& entry : *kept)
        known.roots.push_back(entry.root);
    const auto workers = ask_worker(session, agent.name());
    if (!workers) {
        known.asked = tl::unexpected(workers.error());
        return known;
    }
    for (const auto& worker : *workers) {
        for (const auto& pool : worker.pools)
            known.roots.push_back(pool.root);
    }
    std::sort(known.roots.begin(), known.roots.end());
    known.roots.erase(std::unique(known.roots.begin(), known.roots.end()), known.roots.end());
    return known;
}

/// Trust is given to what the agent walks already: a root that it has not would become one.
Status check_known(const std::string& root, const KnownRoots& known, const LocalAgent& agent) {
    if (std::find(known.roots.begin(), known.roots.end(), root) != known.roots.end()) return {};
    if (!known.asked)
        return wrap(fmt::format("which pools {} has cannot be asked", agent.name()),
                    known.asked.error());
    return fail(ErrorCode::NotFound,
                fmt::format("{} is no pool of {}{}",
                            printable(root),
                            agent.name(),
                            known.roots.empty() ? "" : "; its pools are"),
                "ctys pool list",
                known.roots);
}

/// What is asked for, looked up.
struct Subject {
    LocalAgent agent;
    std::string root;
    KnownRoots known;
};

Result<Subject> find_subject(Session& session,
                             const std::string& name,
                             const std::string& given,
                             PoolChange change) {
    std::error_code error;
    auto root = std::filesystem::absolute(given, error).lexically_normal().string();
    while (root.size() > 1 && root.back() == '/')
        root.pop_back();
    if (error || !std::filesystem::is_directory(root, error))
        return fail(ErrorCode::NotFound, fmt::format("{} is no directory", printable(root)));
    auto directories = session.directories();
    if (!directories) return tl::unexpected(directories.error());
    auto agent = choose(local_agents(*directories), name, change);
    if (!agent) return tl::unexpected(agent.error());
    auto known = roots_of(session, *agent);
    if (!known) return tl::unexpected(known.error());
    return Subject{std::move(*agent), std::move(root), std::move(*known)};
}

Status put_and_wake(Session& session, const Subject& subject, PoolChange change) {
    const auto& [agent, root, known] = subject;
    if (auto put = put_entry(agent, root, change); !put) return put;
    if (agent.pid == 0) {
        return session.print(fmt::format("{} is kept for {}, which does not run: it counts when it "
                                         "starts\n",
                                         printable(root),
                                         agent.name()));
    }
    if (const auto to_do = wake(agent); !to_do.empty()) {
        return session.print(fmt::format(
            "{} is kept for {}; to use it now: {}\n", printable(root), agent.name(), to_do));
    }
    return await(session, agent, root, change);
}

} // namespace

Status check_apart(const std::string& root,
                   const std::vector<std::string>& roots,
                   const std::string& agent) {
    for (const auto& other : roots) {
        if (root == other)
            return fail(ErrorCode::Conflict,
                        fmt::format("is a pool of {} already", agent),
                        "ctys scan " + agent);
        if (lies_in(root, other))
            return fail(ErrorCode::Conflict,
                        fmt::format("lies in {}, a pool of {}", printable(other), agent),
                        "ctys scan " + agent);
        if (lies_in(other, root))
            return fail(ErrorCode::Conflict,
                        fmt::format("holds {}, a pool of {}", printable(other), agent),
                        "a folder beside it; or take that one away first");
    }
    return {};
}

Status tell_agent(Session& session, const std::string& pool, PoolChange change) {
    const auto colon = pool.find(':');
    const bool names_agent = colon != std::string::npos && is_label(pool.substr(0, colon));
    const auto name = names_agent ? pool.substr(0, colon) : std::string{};
    const auto given = names_agent ? pool.substr(colon + 1) : pool;
    if (given.empty())
        return fail(ErrorCode::Usage,
                    "the directory is missing",
                    fmt::format("ctys pool {} /srv/vms", word_of(change)));
    const auto subject = find_subject(session, name, given, change);
    if (!subject) return tl::unexpected(subject.error());
    const auto& [agent, root, known] = *subject;
    auto fits = change == PoolChange::Add ? check_apart(root, known.roots, agent.name())
                                          : check_known(root, known, agent);
    if (!fits) return fits;
    return put_and_wake(session, *subject, change);
}

Status ensure_pool(Session& session, const std::string& agent, const std::string& directory) {
    const auto subject = find_subject(session, agent, directory, PoolChange::Add);
    if (!subject) return tl::unexpected(subject.error());
    const auto& roots = subject->known.roots;
    if (std::find(roots.begin(), roots.end(), subject->root) != roots.end()) return {};
    if (auto fits = check_apart(subject->root, roots, agent); !fits) return fits;
    return put_and_wake(session, *subject, PoolChange::Add);
}

} // namespace ctys::tools
