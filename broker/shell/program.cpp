#include "broker/shell/program.h"

#include "broker/shell/server.h"
#include "mesh/bus/context.h"
#include "mesh/bus/curve_keys.h"
#include "mesh/bus/curve_self_test.h"
#include "mesh/bus/zap_authenticator.h"
#include "mesh/core/shell_quoted.h"
#include "mesh/core/text.h"
#include "mesh/loop/signal_watch.h"
#include "mesh/setup/config.h"
#include "mesh/setup/directories.h"
#include "mesh/setup/notify.h"
#include "mesh/setup/process.h"
#include "mesh/setup/require.h"
#include "mesh/setup/role_lock.h"

#include <fmt/format.h>

#include <csignal>
#include <grp.h>
#include <optional>
#include <unistd.h>

namespace ctys::broker {

namespace {

using setup::require;
using setup::SettingType;

constexpr std::array rules = {
    setup::SettingRule{
        "mesh.listen", SettingType::TextList, "", "further endpoints for agents and tools"},
    setup::SettingRule{
        "feed.listen", SettingType::TextList, "", "further endpoints of the event feed"},
    setup::SettingRule{"keys.folder",
                       SettingType::Text,
                       "",
                       "broker.secret and known keys; empty: <state>/broker/keys"},
    setup::SettingRule{
        "users.*", SettingType::Text, "", "role of a local user: viewer, operator or admin"},
    setup::SettingRule{
        "runtime.group", SettingType::Text, "", "group that may reach the unix socket"},
    setup::SettingRule{
        "store.map_size", SettingType::Size, "64G", "address space of the store", "bytes", 1 << 20},
    setup::SettingRule{"journal.max_bytes",
                       SettingType::Size,
                       "8G",
                       "oldest events are dropped beyond it; 0: never",
                       "bytes",
                       0},
    setup::SettingRule{"journal.max_age",
                       SettingType::Duration,
                       "0",
                       "oldest events are dropped beyond it; 0: never"},
    setup::SettingRule{
        "log.level", SettingType::Text, "info", "error, warning, notice, info or debug"},
};

setup::Settings load(const ProgramOptions& options) {
    std::vector<setup::Assignment> given;
    if (!options.mesh.empty()) given.push_back({"mesh.listen", options.mesh, "--mesh"});
    if (!options.feed.empty()) given.push_back({"feed.listen", options.feed, "--feed"});
    if (!options.keys.empty()) given.push_back({"keys.folder", options.keys, "--keys"});
    if (!options.log_level.empty())
        given.push_back({"log.level", options.log_level, "--log-level"});
    return require(setup::load_settings("broker", rules, given, options.config));
}

std::map<std::string, Role> users_of(const setup::Settings& settings) {
    std::map<std::string, Role> users;
    for (const auto& name : settings.names_like("users.*")) {
        const auto role = role_from_text(settings.text(name));
        if (!role || *role == Role::Agent) {
            throw Fault(Error{.code = ErrorCode::Usage,
                              .message = fmt::format("{}: {} must be viewer, operator or admin",
                                                     settings.origin(name),
                                                     name)});
        }
        users[name.substr(name.find('.') + 1)] = *role;
    }
    return users;
}

/// What tcp needs: keys, and somebody who checks them.
struct Security {
    std::optional<bus::ZapAuthenticator> authenticator;
    std::optional<bus::CurveServer> curve;
};

bool wants_tcp(const setup::Settings& settings) {
    for (const auto* name : {"mesh.listen", "feed.listen"}) {
        for (const auto& text : settings.texts(name)) {
            if (require(bus::Endpoint::parse(text)).is_tcp()) return true;
        }
    }
    return false;
}

void secure(Security& security,
            const setup::Settings& settings,
            const std::string& state,
            bus::Context& context,
            Principals& principals,
            setup::Logger& log) {
    if (!wants_tcp(settings)) return;
    auto folder = settings.text("keys.folder");
    if (folder.empty()) folder = state + "/keys";
    auto own = bus::CurveKeyPair::load(folder + "/broker.secret");
    if (!own) {
        auto error = within("a tcp endpoint needs keys", own.error());
        // A file that is there is never written over; its own error says what is wrong with it.
        if (error.code == ErrorCode::NotFound)
            error.try_next =
                fmt::format("mkdir -p -m 700 {0} && ctys keys generate --file "
                            "{0}/broker.secret --name broker --role viewer > broker.pub",
                            folder);
        throw Fault(std::move(error));
    }
    auto known = require(bus::KnownKeys::load(folder));
    for (const auto& problem : known.problems) {
        log.warning("{}", problem.message);
    }
    log.info("{} known keys in {}", known.keys.size(), folder);
    principals.replace_keys(known.keys);
    // Agents never read the feed: it would tell one worker about the VMs of all others.
    security.authenticator.emplace(context,
                                   std::move(known.keys),
                                   [](const std::string& domain, const bus::KeyHolder& holder) {
                                       return domain != "feed" || holder.role != Role::Agent;
                                   });
    require(bus::curve_self_test(context));
    security.curve = bus::CurveServer{.keys = std::move(*own)};
}

std::optional<gid_t> group_of(const setup::Settings& settings) {
    const auto& name = settings.text("runtime.group");
    if (name.empty()) return {};
    const auto* group = ::getgrnam(name.c_str());
    if (group == nullptr) {
        throw Fault(Error{.code = ErrorCode::Usage,
                          .message = fmt::format("{}: there is no group \"{}\" here",
                                                 settings.origin("runtime.group"),
                                                 printable(name, 64)),
                          .evidence = {},
                          .try_next = shell_quoted({"groupadd", "--system", printable(name, 64)})});
    }
    return group->gr_gid;
}

bus::SocketOptions mesh_options(const Security& security, std::optional<gid_t> group) {
    bus::SocketOptions options{.linger = std::chrono::milliseconds{200},
                               .send_high_water = 20000,
                               .receive_high_water = 20000};
    options.ipc_mode = 0660;
    options.ipc_group = group;
    if (security.curve)
        options.security = bus::CurveServer{.keys = security.curve->keys, .domain = "mesh"};
    return options;
}

bus::SocketOptions feed_options(const Security& security, std::optional<gid_t> group) {
    bus::SocketOptions options{.send_high_water = 50000};
    options.ipc_mode = 0660;
    options.ipc_group = group;
    if (security.curve)
        options.security = bus::CurveServer{.keys = security.curve->keys, .domain = "feed"};
    return options;
}

int back_up(const ProgramOptions& options, const std::string& state) {
    // Read beside a running broker: opening the store as its owner would refuse, and should.
    const auto store =
        require(store::Environment::open(state + "/db", {.access = store::Access::Reader}));
    require(store.copy_compact_to(options.backup_folder));
    fmt::print(
        "a copy of {} is in {}; to restore it, stop the broker and put it in the place of {}/db\n",
        state,
        options.backup_folder,
        state);
    return 0;
}

} // namespace

int run(const ProgramOptions& options) {
    const auto settings = load(options);
    if (options.print_config) {
        fmt::print("{}", settings.to_text());
        return 0;
    }
    const auto directories = require(setup::choose_directories(
        setup::directory_request(options.state_dir, options.runtime_dir)));
    if (options.backup) return back_up(options, directories.state + "/broker");
    const auto level = setup::log_level_from(settings.text("log.level"));
    if (!level)
        throw Fault(Error{.code = ErrorCode::Usage,
                          .message = "log.level must be error, warning, notice, info or debug"});
    setup::Logger log{
        *level, setup::detect_log_format(STDERR_FILENO, getenv("JOURNAL_STREAM")), STDERR_FILENO};
    const auto notifier = setup::ServiceNotifier::take_from_environment();
    if (auto raised = setup::raise_descriptor_limit(); !raised)
        log.warning("{}", raised.error().message);

    const auto group = group_of(settings);
    const auto lock =
        require(setup::RoleLock::acquire(directories, "broker", {}, {.group = group}));
    const auto& own = lock.folders();
    loop::EventLoop loop;
    auto store = require(BrokerStore::open(
        own.state, loop.now().wall, {.map_size = settings.bytes("store.map_size")}));
    bus::Context context;
    Principals principals{geteuid(), users_of(settings)};
    Security security;
    secure(security, settings, own.state, context, principals, log);
    Server server{loop,
                  context,
                  log,
                  *store,
                  principals,
                  mesh_options(security, group),
                  feed_options(security, group),
                  Retention{.bytes = settings.bytes("journal.max_bytes"),
                            .age = settings.duration("journal.max_age")}};
    require(server.bind_mesh(require(bus::Endpoint::ipc(own.runtime + "/mesh"))));
    require(server.bind_feed(require(bus::Endpoint::ipc(own.runtime + "/feed"))));
    for (const auto& text : settings.texts("mesh.listen")) {
        require(server.bind_mesh(require(bus::Endpoint::parse(text))));
    }
    for (const auto& text : settings.texts("feed.listen")) {
        require(server.bind_feed(require(bus::Endpoint::parse(text))));
    }
    const auto end = [&] {
        if (auto told = notifier.stopping(); !told) log.debug("{}", told.error().message);
        loop.stop();
    };
    loop::SignalWatch on_term{loop, SIGTERM, end};
    loop::SignalWatch on_int{loop, SIGINT, end};
    loop::Timer watchdog{loop};
    if (const auto period = notifier.watchdog()) {
        watchdog.start_repeating(*period / 2, [&] {
            if (auto told = notifier.alive(); !told) log.debug("{}", told.error().message);
        });
    }
    server.start();
    if (auto told = notifier.ready(); !told) log.warning("{}", told.error().message);
    log.info("ctys-broker {} serves {} (pid {})", CTYS_VERSION, own.runtime + "/mesh", getpid());
    loop.run();
    server.stop();
    log.info("ended in order");
    return 0;
}

} // namespace ctys::broker
