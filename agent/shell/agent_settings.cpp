#include "agent/shell/agent_settings.h"

#include "mesh/bus/curve_keys.h"
#include "mesh/core/text.h"
#include "mesh/setup/config.h"
#include "mesh/setup/pool_file.h"

#include <fmt/format.h>

#include <array>
#include <unistd.h>

namespace ctys::agent {

namespace {

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
    // Each only asks: "--forceStop 0", no "--force". Incus' tool might name another machine as its
    // default, hence "--force-local".
    setup::SettingRule{"owner.libvirt.shutdown",
                       SettingType::TextList,
                       "virsh,--connect,{connection},shutdown,{uuid}",
                       "command that asks a VM of libvirt to end"},
    setup::SettingRule{"owner.proxmox.shutdown",
                       SettingType::TextList,
                       "qm,shutdown,{vmid},--timeout,{timeout},--forceStop,0",
                       "command that asks a VM of Proxmox to end"},
    setup::SettingRule{
        "owner.incus.shutdown",
        SettingType::TextList,
        "incus,stop,--force-local,--project,{project},--timeout,{timeout},{instance}",
        "command that asks a VM of Incus to end"},
    setup::SettingRule{
        "self.poweroff", SettingType::TextList, "", "command that powers this machine off"},
    setup::SettingRule{"self.reboot", SettingType::TextList, "", "command that reboots it"},
    setup::SettingRule{"self.init",
                       SettingType::TextList,
                       "",
                       "command that brings it to another run level, with {level}"},
    setup::SettingRule{"emulators.folders",
                       SettingType::TextList,
                       "",
                       "where qemu-system-* is looked for besides PATH, /opt/qemu*/bin and the "
                       "usual folders, and before them"},
    setup::SettingRule{"emulators.probe",
                       SettingType::Boolean,
                       "true",
                       "ask them what they are, and try KVM by a probe guest"},
    setup::SettingRule{"keys.secret", SettingType::Text, "", "secret key of this agent, for tcp"},
    setup::SettingRule{"keys.broker",
                       SettingType::Text,
                       "",
                       "public key of the broker, or a file with it, for tcp"},
    setup::SettingRule{
        "stop.on_end",
        SettingType::Text,
        "leave",
        "what SIGTERM does to the VMs of this machine: leave or guests (stops them)"},
    setup::SettingRule{"stop.deadline",
                       SettingType::Duration,
                       "180s",
                       "when the host goes down: what is left of its VMs is cut then"},
    setup::SettingRule{
        "log.level", SettingType::Text, "info", "error, warning, notice, info or debug"},
};

} // namespace

std::span<const setup::SettingRule> agent_setting_rules() {
    return rules;
}

Result<setup::Settings> load_agent_settings(const ProgramOptions& options) {
    std::vector<setup::Assignment> given;
    const auto add = [&](std::string_view name, const std::string& value, std::string_view flag) {
        if (!value.empty()) given.push_back({std::string{name}, value, std::string{flag}});
    };
    add("name", options.name, "--name");
    add("broker", options.broker, "--broker");
    add("keys.secret", options.key, "--key");
    add("keys.broker", options.broker_key, "--broker-key");
    add("log.level", options.log_level, "--log-level");
    add("stop.on_end", options.on_stop, "--on-stop");
    add("stop.deadline", options.stop_deadline, "--stop-deadline");
    if (!options.pools.empty()) given.push_back({"pools", options.pools, "--pool"});
    return setup::load_settings("agent", rules, given, options.config);
}

Result<std::string> worker_name(const setup::Settings& settings) {
    auto name = settings.text("name");
    if (name.empty()) {
        std::array<char, 256> host{};
        if (::gethostname(host.data(), host.size() - 1) == 0) name = host.data();
        name = name.substr(0, name.find('.'));
    }
    if (!is_label(name)) {
        return fail(ErrorCode::Usage,
                    fmt::format("\"{}\" cannot be the name of a worker (letters, digits, - _ .)",
                                printable(name, 80)),
                    "ctys-agent --name NAME");
    }
    return name;
}

Result<std::vector<PoolSettings>> configured_pools(const setup::Settings& settings,
                                                   const std::string& own_state) {
    auto kept = setup::read_pool_file(setup::pool_file(own_state));
    if (!kept) return tl::unexpected(kept.error());
    return pool_settings(settings, *kept);
}

Result<OwnerCommands> owner_commands(const setup::Settings& settings) {
    OwnerCommands commands;
    for (const auto owner : {Owner::Libvirt, Owner::Proxmox, Owner::Incus}) {
        const auto name = fmt::format("owner.{}.shutdown", to_string(owner));
        OwnerCommand command{.words = settings.texts(name), .origin = settings.origin(name)};
        if (auto checked = check_owner_command(command.words); !checked) {
            return fail(ErrorCode::Usage,
                        fmt::format("{}: {} ({})", name, checked.error().message, command.origin));
        }
        commands.emplace(owner, std::move(command));
    }
    return commands;
}

SelfCommands self_commands(const setup::Settings& settings) {
    const bool has_systemd = ::access("/run/systemd/system", F_OK) == 0;
    const auto command = [&](std::string_view name, std::vector<std::string> otherwise) {
        return settings.texts(name).empty() ? std::move(otherwise) : settings.texts(name);
    };
    const auto words = [&](std::string word) {
        return has_systemd ? std::vector<std::string>{"systemctl", std::move(word)}
                           : std::vector<std::string>{std::move(word)};
    };
    SelfCommands self{.power_off = command("self.poweroff", words("poweroff")),
                      .reboot = command("self.reboot", words("reboot")),
                      .run_level = command("self.init", {"init", "{level}"}),
                      .why_not = {}};
    if (::geteuid() != 0) {
        self.why_not = fmt::format(
            "its agent runs as user {}: only one that runs as root may end or reboot its machine",
            ::geteuid());
    }
    return self;
}

bus::SocketOptions uplink_options() {
    return {.linger = std::chrono::milliseconds{200},
            .send_high_water = 4000,
            .receive_high_water = 4000,
            .immediate = true};
}

Result<BrokerLine> broker_line(const setup::Settings& settings, const std::string& runtime) {
    auto text = settings.text("broker");
    if (text.empty()) text = "ipc://" + runtime + "/broker/mesh";
    auto endpoint = bus::Endpoint::parse(text);
    if (!endpoint) return tl::unexpected(endpoint.error());
    BrokerLine line{.endpoint = std::move(*endpoint), .options = uplink_options()};
    if (!line.endpoint.is_tcp()) return line;
    if (settings.text("keys.secret").empty() || settings.text("keys.broker").empty()) {
        return fail(ErrorCode::Refused,
                    fmt::format("{} needs keys: --key FILE and --broker-key KEY",
                                line.endpoint.to_string()),
                    "ctys keys generate --role agent --name W --worker W --file F");
    }
    auto keys = bus::CurveKeyPair::load(settings.text("keys.secret"));
    if (!keys) return tl::unexpected(keys.error());
    auto server = bus::public_key_from(settings.text("keys.broker"));
    if (!server) return tl::unexpected(server.error());
    line.options.security = bus::CurveClient{.keys = std::move(*keys), .server_key = *server};
    return line;
}

Result<StopSettings> stop_settings(const setup::Settings& settings) {
    StopSettings out{.deadline = settings.duration("stop.deadline")};
    const auto& word = settings.text("stop.on_end");
    if (word == "guests") {
        out.on_end = OnEnd::StopGuests;
    } else if (word != "leave") {
        return fail(ErrorCode::Usage,
                    fmt::format("stop.on_end is \"{}\" ({}); it is leave or guests",
                                printable(word, 80),
                                settings.origin("stop.on_end")));
    }
    return out;
}

} // namespace ctys::agent
