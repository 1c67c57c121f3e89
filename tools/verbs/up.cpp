#include "mesh/bus/endpoint.h"
#include "mesh/core/text.h"
#include "mesh/loop/child_process.h"
#include "mesh/setup/process.h"
#include "tools/client/terminal.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/pool_change.h"
#include "tools/verbs/single_machine.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <unistd.h>

namespace ctys::tools {

namespace {

constexpr Duration start_deadline = std::chrono::seconds{10};
constexpr Duration step = std::chrono::milliseconds{50};

/// A daemon we started and leave alone; its early end is noticed while we wait.
struct Daemon {
    std::optional<loop::ChildProcess> child;
    std::optional<loop::ChildResult> ended;
    std::string log;
};

std::string last_line_of(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::string last;
    while (std::getline(file, line)) {
        if (!trim(line).empty()) last = line;
    }
    return last;
}

/// Ours, without what could lead the agent to another broker.
std::vector<std::string> environment_without_broker() {
    std::vector<std::string> variables;
    for (char** variable = ::environ; *variable != nullptr; ++variable) {
        if (!std::string_view{*variable}.starts_with("CTYS_BROKER="))
            variables.emplace_back(*variable);
    }
    return variables;
}

/// --broker can only name what is started here.
Status check_own(const std::string& asked, const bus::Endpoint& own) {
    if (asked.empty()) return {};
    const auto endpoint = bus::Endpoint::parse(asked);
    if (!endpoint) return tl::unexpected(endpoint.error());
    if (endpoint->to_string() == own.to_string()) return {};
    return fail(ErrorCode::Usage,
                fmt::format("--broker {}: up starts the broker of this machine, at {}",
                            endpoint->to_string(),
                            own.to_string()),
                fmt::format("ctys-agent --broker {} for an agent of that broker", asked));
}

class Up final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "up"; }
    [[nodiscard]] std::string_view summary() const override {
        return "start broker and agent on this machine, without systemd";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys up\n"
               "  ctys up --pool /srv/vms --pool ~/vms\n"
               "  ctys up --runtime-dir /tmp/r --state-dir /tmp/s --name test\n"
               "What runs already is left as it is, and is given each --pool that it does not\n"
               "have, for good (ctys pool add). ctys down ends both; VMs go on.\n"
               "Broker and agent are of this machine, whatever CTYS_BROKER and ctys.toml say.\n";
    }
    void declare(Arguments& arguments) override {
        arguments.texts("--pool", pools_, "DIR", "directory tree with VMs; may be repeated");
        arguments.text("--name", name_, "NAME", "of the agent");
    }

    [[nodiscard]] Status run(Session& session) override {
        auto directories = session.directories();
        if (!directories) return tl::unexpected(directories.error());
        const auto endpoint = bus::Endpoint::ipc(directories->runtime + "/broker/mesh");
        if (!endpoint) return tl::unexpected(endpoint.error());
        if (auto own = check_own(session.globals().broker, *endpoint); !own) return own;
        // What is asked while starting is asked of the broker started here.
        auto globals = session.globals();
        globals.broker = endpoint->to_string();
        auto mesh = Session::open(std::move(globals), common_formats());
        if (!mesh) return tl::unexpected(mesh.error());
        for (const auto& folder : {directories->state, directories->runtime}) {
            if (auto made = setup::prepare_directory(folder, {.group = {}, .keep_group = true});
                !made)
                return made;
        }
        const auto begun = wall_now();
        Daemon broker;
        Daemon agent;
        if (auto ready = start(session, *directories, "broker", "broker", {}, broker); !ready)
            return ready;
        if (auto ready = wait_for(session, broker, begun, [&] { return broker_answers(**mesh); });
            !ready)
            return wrap("broker", ready.error());
        std::vector<std::string> options = {"--broker", endpoint->to_string()};
        for (const auto& pool : pools_) {
            options.insert(options.end(), {"--pool", absolute(pool)});
        }
        if (!name_.empty()) options.insert(options.end(), {"--name", name_});
        const auto present = running_as(*directories, agent_role(name_));
        if (auto ready =
                start(session, *directories, "agent", agent_role(name_), std::move(options), agent);
            !ready)
            return ready;
        if (auto ready = wait_for(session, agent, begun, [&] { return agent_answers(**mesh); });
            !ready)
            return wrap("agent", ready.error());
        if (present) {
            if (auto given = give_pools(**mesh, *present); !given) return given;
        }
        if (const char* other = std::getenv("CTYS_BROKER");
            other != nullptr && *other != '\0' && other != endpoint->to_string()) {
            session.remark(fmt::format("CTYS_BROKER names another broker, {}: unset it to ask "
                                       "this one",
                                       other));
        }
        return session.globals().quiet
                   ? Status{}
                   : session.print(
                         fmt::format("up after {}.  Next:  ctys list | ctys events | ctys status\n",
                                     to_short_text(wall_now() - begun)));
    }

private:
    static std::string absolute(const std::string& pool) {
        std::error_code error;
        const auto path = std::filesystem::absolute(pool, error);
        return error ? pool : path.string();
    }

    // An agent without a name has the host's: any that runs here is the one that is meant.
    static std::optional<RoleProcess> running_as(const setup::Directories& directories,
                                                 const std::string& role) {
        for (const auto& running : running_roles(directories)) {
            const bool is_it = running.role == role ||
                               (role == agent_role("") && running.role.starts_with(role + "-"));
            if (is_it) return running;
        }
        return std::nullopt;
    }

    /// To an agent that ran before: its command line has not named them.
    [[nodiscard]] Status give_pools(Session& session, const RoleProcess& agent) const {
        const auto name = agent.role.substr(agent.role.find('-') + 1);
        for (const auto& pool : pools_) {
            if (auto given = ensure_pool(session, name, absolute(pool)); !given)
                return wrap("pool " + printable(pool), given.error());
        }
        return {};
    }

    static Status start(Session& session,
                        const setup::Directories& directories,
                        std::string_view program,
                        const std::string& role,
                        std::vector<std::string> options,
                        Daemon& daemon) {
        if (const auto running = running_as(directories, role)) {
            session.remark(fmt::format("{} runs already (pid {})", running->role, running->pid));
            return {};
        }
        const auto folder = directories.state + "/" + role;
        if (auto made = setup::prepare_directory(folder); !made) return made;
        daemon.log = folder + "/log";
        loop::ChildSpec spec;
        spec.argv = {setup::program_beside(fmt::format("ctys-{}", program)),
                     "--state-dir",
                     directories.state,
                     "--runtime-dir",
                     directories.runtime};
        spec.argv.insert(spec.argv.end(), options.begin(), options.end());
        spec.env = environment_without_broker();
        spec.cwd = "/";
        spec.new_session = true;
        spec.output = loop::ToFile{daemon.log};
        spec.errors = loop::ToFile{daemon.log};
        spec.when_dropped = loop::WhenDropped::Leave;
        auto child = loop::ChildProcess::start(
            session.loop(), spec, [&daemon](const loop::ChildResult& ended) {
                daemon.ended = ended;
            });
        if (!child) return tl::unexpected(child.error());
        daemon.child.emplace(std::move(*child));
        return {};
    }

    template <typename Ready>
    static Status wait_for(Session& session, Daemon& daemon, WallTime begun, Ready ready) {
        while (!ready()) {
            if (daemon.ended) {
                return fail(ErrorCode::Failed,
                            fmt::format("it ended with status {}", daemon.ended->exit_status),
                            "ctys doctor",
                            {daemon.log + ": " + printable(last_line_of(daemon.log))});
            }
            if (wall_now() - begun > start_deadline) {
                return fail(
                    ErrorCode::TimedOut,
                    fmt::format("it does not answer after {}", to_short_text(start_deadline)),
                    "ctys doctor",
                    {daemon.log});
            }
            static_cast<void>(
                session.loop().run_until([&] { return daemon.ended.has_value(); }, step));
        }
        return {};
    }

    static bool broker_answers(Session& session) {
        auto connection = session.broker();
        return connection && (*connection)
                                 ->request(msg::Ask{.query = {.table = Table::Broker}, .credit = 1},
                                           std::chrono::seconds{1})
                                 .has_value();
    }

    [[nodiscard]] bool agent_answers(Session& session) const {
        auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers, .address = name_});
        return workers && std::any_of(workers->begin(), workers->end(), [](const auto& worker) {
                   return worker.state == WorkerState::Alive;
               });
    }

    std::vector<std::string> pools_;
    std::string name_;
};

} // namespace

std::unique_ptr<Subcommand> make_up() {
    return std::make_unique<Up>();
}

} // namespace ctys::tools
