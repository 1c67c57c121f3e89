#include "tools/legacy/keys.h"

#include "mesh/core/text.h"

#include <algorithm>
#include <array>

namespace ctys::tools::legacy {

namespace {

struct KeyRow {
    std::string_view name;
    Key key;
};

// CTYS-REFERENCE 2.1.
constexpr auto address_keys = std::to_array<KeyRow>({
    {"id", Key::Address},    {"i", Key::Address},        {"pathname", Key::Address},
    {"pname", Key::Address}, {"p", Key::Address},        {"label", Key::Address},
    {"l", Key::Address},     {"filename", Key::Address}, {"fname", Key::Address},
    {"f", Key::Address},     {"uuid", Key::Address},     {"u", Key::Address},
    {"mac", Key::Address},   {"m", Key::Address},        {"tcp", Key::Address},
    {"t", Key::Address},     {"dbrecord", Key::Address}, {"dbrec", Key::Address},
    {"dr", Key::Address},    {"worker", Key::Address},   {"w", Key::Address},
    {"basepath", Key::Base}, {"base", Key::Base},        {"b", Key::Base},
});

// CTYS-REFERENCE 3.3.
constexpr auto create_keys = std::to_array<KeyRow>({
    {"connect", Key::Connect},
    {"reuse", Key::Reuse},
    {"user", Key::User},
    {"console", Key::Console},
    {"ping", Key::Ping},
    {"sshping", Key::Ping},
    {"reconnect", Key::Reconnect},
    {"resume", Key::Resume},
    {"bootmode", Key::BootMode},
    {"instmode", Key::InstMode},
    {"kernel", Key::Kernel},
    {"argsadd", Key::ArgsAdd},
    {"chdir", Key::Elsewhere},
    {"cd", Key::Elsewhere},
    {"cmd", Key::Elsewhere},
    {"shell", Key::Elsewhere},
    {"s", Key::Elsewhere},
    {"stackcheck", Key::StackCheck},
    {"stubmode", Key::Elsewhere},
    {"stub", Key::Elsewhere},
    {"vncdeskidlist", Key::Elsewhere},
    {"vdil", Key::Elsewhere},
    {"waitc", Key::Harmless},
    {"waits", Key::Harmless},
    {"callopts", Key::Elsewhere},
    {"c", Key::Elsewhere},
    {"xopts", Key::Elsewhere},
    {"x", Key::Elsewhere},
    {"displayforwarding", Key::Elsewhere},
    {"connectionforwarding", Key::Elsewhere},
    {"serveronly", Key::Harmless},
    {"localonly", Key::Elsewhere},
});

struct InsteadRow {
    std::string_view name;
    Instead instead;
};

constexpr Instead own_folder{"a VM runs in its own folder", "ctys -t QEMU -a create=l:LABEL"};
constexpr Instead in_the_guest{"commands inside a guest are given at its console, or by ssh to it",
                               "ctys console LABEL"};
constexpr Instead has_agent{"every worker has an agent, nothing goes by a plain ssh shell",
                            "ctys workers"};
constexpr Instead own_display{"the configuration or the start chooses a VNC display",
                              "ctys start LABEL --vncaccessdisplay free"};
constexpr Instead own_options{"nobody is called in between: options stand before the action",
                              "ctys help legacy"};
constexpr Instead no_client{"create opens no window; who looks opens one", "ctys console LABEL"};
constexpr Instead own_answer{"whether a guest answers is asked over its own network",
                             "ctys wait LABEL && ping -c 1 ADDRESS"};

constexpr auto instead_rows = std::to_array<InsteadRow>({
    {"chdir", own_folder},
    {"cd", own_folder},
    {"cmd", in_the_guest},
    {"shell", in_the_guest},
    {"s", in_the_guest},
    {"stackcheck", {"the wrapper checks what a VM needs, before every start", "./VM.sh --check"}},
    {"stubmode", has_agent},
    {"stub", has_agent},
    {"vncdeskidlist", own_display},
    {"vdil", own_display},
    {"callopts", own_options},
    {"c", own_options},
    {"xopts", no_client},
    {"x", no_client},
    {"displayforwarding", no_client},
    {"connectionforwarding",
     {"create opens no connection; ssh forwards that of a display",
      "ssh -L 5907:127.0.0.1:5907 WORKER"}},
    {"localonly",
     {"the hosts behind the action say where a VM is started",
      "ctys -t QEMU -a create=l:LABEL localhost"}},
    {"ping", own_answer},
    {"sshping", own_answer},
});

// CTYS-REFERENCE 3.5.
constexpr auto cancel_keys = std::to_array<KeyRow>({
    {"poweroff", Key::PowerOff}, {"s5", Key::PowerOff},     {"reset", Key::Reset},
    {"reboot", Key::Reboot},     {"pause", Key::Pause},     {"s3", Key::Pause},
    {"force", Key::Force},       {"timeout", Key::Timeout}, {"user", Key::User},
    {"stack", Key::Stack},       {"server", Key::Harmless}, {"suspend", Key::Suspend},
    {"s4", Key::Suspend},        {"init", Key::Init},       {"self", Key::Self},
    {"all", Key::All},           {"client", Key::NotYet},   {"both", Key::NotYet},
    {"wol", Key::NotYet},        {"if", Key::NotYet},
});

// CTYS-REFERENCE 3.6.
constexpr auto list_keys = std::to_array<KeyRow>({
    {"machine", Key::Machine}, {"title", Key::Title},        {"titleidx", Key::NotYet},
    {"tab_tcp", Key::Table},   {"tab_gen", Key::NotYet},     {"rec_gen", Key::NotYet},
    {"spec_gen", Key::NotYet}, {"xml_gen", Key::NotYet},     {"terse", Key::NotYet},
    {"maxkey", Key::NotYet},   {"titleidxasc", Key::NotYet}, {"ip", Key::NotYet},
    {"dns", Key::NotYet},      {"sort", Key::NotYet},        {"pkg", Key::NotYet},
    {"user", Key::NotYet},     {"tunnel", Key::NotYet},      {"clients", Key::NotYet},
    {"c", Key::NotYet},        {"server", Key::Harmless},    {"s", Key::Harmless},
    {"both", Key::Harmless},   {"label", Key::NotYet},       {"id", Key::NotYet},
    {"uuid", Key::NotYet},     {"mac", Key::NotYet},         {"tcp", Key::NotYet},
    {"display", Key::NotYet},  {"cport", Key::NotYet},       {"sport", Key::NotYet},
    {"pid", Key::NotYet},      {"uid", Key::NotYet},         {"gid", Key::NotYet},
    {"type", Key::NotYet},     {"pm", Key::NotYet},          {"host", Key::NotYet},
    {"arch", Key::NotYet},     {"accelerator", Key::NotYet},
});

// CTYS-REFERENCE 3.7: those of list, and these.
constexpr auto enumerate_keys = std::to_array<KeyRow>({
    {"basepath", Key::Base},
    {"base", Key::Base},
    {"b", Key::Base},
    {"matchvstat", Key::NotYet},
});

std::vector<KeyRow> rows_of(KeySet set) {
    std::vector<KeyRow> rows;
    const auto add = [&](const auto& table) {
        rows.insert(rows.end(), table.begin(), table.end());
    };
    switch (set) {
    case KeySet::Create:
        add(address_keys);
        add(create_keys);
        return rows;
    case KeySet::Cancel:
        add(address_keys);
        add(cancel_keys);
        return rows;
    case KeySet::List:
        add(list_keys);
        return rows;
    case KeySet::Enumerate:
        add(enumerate_keys);
        add(list_keys);
        return rows;
    }
    return rows;
}

} // namespace

std::optional<Key> find_key(KeySet set, std::string_view key) {
    const auto name = to_lower(key);
    for (const auto& row : rows_of(set)) {
        if (row.name == name) return row.key;
    }
    return std::nullopt;
}

Instead instead_of(std::string_view key) {
    const auto name = to_lower(key);
    for (const auto& row : instead_rows) {
        if (row.name == name) return row.instead;
    }
    return {};
}

std::vector<std::string_view> key_names(KeySet set) {
    std::vector<std::string_view> names;
    for (const auto& row : rows_of(set))
        names.push_back(row.name);
    return names;
}

} // namespace ctys::tools::legacy
