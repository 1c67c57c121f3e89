#include "agent/shell/program.h"

#include "agent/shell/agent.h"
#include "agent/shell/pool_settings.h"
#include "agent/shell/process_record.h"
#include "agent/shell/worker_identity.h"
#include "mesh/bus/context.h"
#include "mesh/bus/curve_keys.h"
#include "mesh/core/text.h"
#include "mesh/loop/signal_watch.h"
#include "mesh/setup/config.h"
#include "mesh/setup/notify.h"
#include "mesh/setup/process.h"
#include "mesh/setup/require.h"
#include "mesh/setup/role_lock.h"

#include <fmt/format.h>

#include <array>
#include <csignal>
#include <unistd.h>

namespace ctys::agent {

namespace {

using setup::require;
using setup::SettingType;

constexpr std::array rules = {
    setup::SettingRule{"name", SettingType::Text, "", "name of this worker; empty: the host name"},
    setup::SettingRule{"broker",
                       SettingType::Text,
                       "",
                       "where the broker is; empty: the unix socket of this machine"},
    setup::SettingRule{
        "pools", SettingType::TextList, "", "directory trees that hold VM directories"},
    setup::SettingRule{"pool.*.as",
                       SettingType::Text,
                       "",
                       "account that scans the pool whose path ends with this name"},
    setup::SettingRule{
        "pool.*.trust", SettingType::Boolean, "false", "take the pool's identity without a marker"},
    setup::SettingRule{"owner.*.shutdown",
                       SettingType::TextList,
                       "",
                       "command that asks a VM of this owner to end"},
    setup::SettingRule{"keys.secret", SettingType::Text, "", "secret key of this agent, for tcp"},
    setup::SettingRule{"keys.broker",
                       SettingType::Text,
                       "",
                       "public key of the broker, or a file with it, for tcp"},
    setup::SettingRule{
        "log.level", SettingType::Text, "info", "error, warning, notice, info or debug"},
};

Result<setup::Settings> load(const ProgramOptions& options) {
    std::vector<setup::Assignment> given;
    const auto add = [&](std::string_view name, const std::string& value, std::string_view flag) {
        if (!value.empty()) given.push_back({std::string{name}, value, std::string{flag}});
    };
    add("name", options.name, "--name");
    add("broker", options.broker, "--broker");
    add("keys.secret", options.key, "--key");
    add("keys.broker", options.broker_key, "--broker-key");
    add("log.level", options.log_level, "--log-level");
    if (!options.pools.empty()) given.push_back({"pools", options.pools, "--pool"});
    return setup::load_settings("agent", rules, given, options.config);
}

std::string own_name(const setup::Settings& settings) {
    auto name = settings.text("name");
    if (name.empty()) {
        std::array<char, 256> host{};
        if (::gethostname(host.data(), host.size() - 1) == 0) name = host.data();
        name = name.substr(0, name.find('.'));
    }
    if (!is_label(name)) {
        throw Fault(Error{
            .code = ErrorCode::Usage,
            .message = fmt::format("\"{}\" cannot be the name of a worker (letters, digits, - _ .)",
                                   printable(name, 80)),
            .try_next = "ctys-agent --name NAME"});
    }
    return name;
}

Result<std::vector<PoolSettings>> pools_of(const setup::Settings& settings,
                                           const std::string& own_state) {
    auto kept = setup::read_pool_file(setup::pool_file(own_state));
    if (!kept) return tl::unexpected(kept.error());
    return pool_settings(settings, *kept);
}

std::map<Owner, std::vector<std::string>> owner_commands_of(const setup::Settings& settings) {
    const auto owner_of = [](std::string_view name) -> std::optional<Owner> {
        for (const auto owner : {Owner::Libvirt, Owner::Proxmox, Owner::Incus}) {
            if (to_string(owner) == name) return owner;
        }
        return std::nullopt;
    };
    std::map<Owner, std::vector<std::string>> commands;
    for (const auto& name : settings.names_like("owner.*.shutdown")) {
        const auto owner = owner_of(split(name, '.')[1]);
        if (!owner) {
            throw Fault(Error{.code = ErrorCode::Usage,
                              .message = fmt::format("{}: owners are libvirt, proxmox and incus",
                                                     settings.origin(name))});
        }
        if (!settings.texts(name).empty()) commands[*owner] = settings.texts(name);
    }
    return commands;
}

bus::SocketOptions socket_options(const setup::Settings& settings, const bus::Endpoint& broker) {
    bus::SocketOptions options{.linger = std::chrono::milliseconds{200},
                               .send_high_water = 4000,
                               .receive_high_water = 4000,
                               .immediate = true};
    if (!broker.is_tcp()) return options;
    if (settings.text("keys.secret").empty() || settings.text("keys.broker").empty()) {
        throw Fault(
            Error{.code = ErrorCode::Refused,
                  .message = fmt::format("{} needs keys: --key FILE and --broker-key KEY",
                                         broker.to_string()),
                  .try_next = "ctys keys generate --role agent --name W --worker W --file F"});
    }
    options.security =
        bus::CurveClient{.keys = require(bus::CurveKeyPair::load(settings.text("keys.secret"))),
                         .server_key = require(bus::public_key_from(settings.text("keys.broker")))};
    return options;
}

int discover(const setup::Directories& directories) {
    loop::EventLoop loop;
    const auto facts = setup::read_machine_facts();
    const auto host = facts ? facts->host_name : std::string{};
    const auto found = require(
        discover_once(loop, setup::program_folder() + "/ctys-probe", std::chrono::seconds{5}));
    std::string out;
    for (const auto& process : found) {
        auto foreign = describe_foreign(
            process, directories.runtime, [](const std::string&) { return nullptr; });
        const auto directory = qemu::instance_directory(qemu::parse(process.argv));
        if (!directory.empty()) {
            // Ours also without the agent: its folder says whose it is, if we may read it.
            foreign.record.owner = Owner::Ctys;
            foreign.record.managed = true;
            foreign.record.note.clear();
            const auto kept = InstanceDirs::kept(directory, process.uid);
            take_kept(foreign.record, kept);
            if (kept) foreign.record.console = kept->console;
        }
        out += to_json_line(foreign.record, host);
        out += '\n';
    }
    fmt::print("{}", out);
    return 0;
}

} // namespace

int run(const ProgramOptions& options) {
    const auto directories = require(setup::choose_directories(
        setup::directory_request(options.state_dir, options.runtime_dir)));
    if (options.discover) return discover(directories);
    const auto settings = require(load(options));
    if (options.print_config) {
        fmt::print("{}", settings.to_text());
        return 0;
    }
    const auto level = setup::log_level_from(settings.text("log.level"));
    if (!level)
        throw Fault(Error{.code = ErrorCode::Usage,
                          .message = "log.level must be error, warning, notice, info or debug"});
    setup::Logger log{
        *level, setup::detect_log_format(STDERR_FILENO, getenv("JOURNAL_STREAM")), STDERR_FILENO};
    const auto notifier = setup::ServiceNotifier::take_from_environment();
    if (auto raised = setup::raise_descriptor_limit(); !raised)
        log.warning("{}", raised.error().message);

    const auto name = own_name(settings);
    const auto lock = require(
        setup::RoleLock::acquire(directories, "agent", name, {.passable = ::geteuid() == 0}));
    const auto& own = lock.folders();
    loop::EventLoop loop;
    loop::SystemIdSource ids;
    auto spool = require(SpoolStore::open(own.state, StreamId{ids.next_uuid()}, loop.now().wall));
    auto broker_text = settings.text("broker");
    if (broker_text.empty()) broker_text = "ipc://" + directories.runtime + "/broker/mesh";
    const auto broker = require(bus::Endpoint::parse(broker_text));
    bus::Context context;
    Agent agent{loop,
                context,
                log,
                AgentOptions{.worker = require(identify_worker(name, own.state, ids)),
                             .pools = require(pools_of(settings, own.state)),
                             .owner_commands = owner_commands_of(settings),
                             .programs = setup::program_folder(),
                             .state = own.state,
                             .mesh_runtime = directories.runtime,
                             .socket = own.runtime + "/agent.sock"},
                spool,
                require(InstanceDirs::open(own.runtime)),
                socket_options(settings, broker)};
    const auto end = [&] {
        if (auto told = notifier.stopping(); !told) log.debug("{}", told.error().message);
        loop.stop();
    };
    loop::SignalWatch on_term{loop, SIGTERM, end};
    loop::SignalWatch on_int{loop, SIGINT, end};
    loop::SignalWatch on_hup{
        loop, SIGHUP, [&] {
            auto again = load(options);
            auto pools = again ? pools_of(*again, own.state) : tl::unexpected(again.error());
            if (!pools) return log.error("pools stay as they are: {}", pools.error().message);
            agent.use_pools(std::move(*pools));
        }};
    loop::Timer watchdog{loop};
    if (const auto period = notifier.watchdog()) {
        watchdog.start_repeating(*period / 2, [&] {
            if (auto told = notifier.alive(); !told) log.debug("{}", told.error().message);
        });
    }
    require(agent.start(broker));
    if (auto told = notifier.ready(); !told) log.warning("{}", told.error().message);
    log.info("ctys-agent {} is worker {} and reports to {} (pid {})",
             CTYS_VERSION,
             name,
             broker.to_string(),
             getpid());
    loop.run();
    agent.stop();
    log.info("ended in order; VMs go on");
    return 0;
}

} // namespace ctys::agent
