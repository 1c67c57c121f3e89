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
    {"reconnect", Key::NotYet},
    {"resume", Key::Resume},
    {"bootmode", Key::BootMode},
    {"instmode", Key::InstMode},
    {"kernel", Key::Kernel},
    {"argsadd", Key::ArgsAdd},
    {"chdir", Key::NotYet},
    {"cd", Key::NotYet},
    {"cmd", Key::NotYet},
    {"shell", Key::NotYet},
    {"s", Key::NotYet},
    {"stackcheck", Key::NotYet},
    {"stubmode", Key::NotYet},
    {"stub", Key::NotYet},
    {"vncdeskidlist", Key::NotYet},
    {"vdil", Key::NotYet},
    {"waitc", Key::Harmless},
    {"waits", Key::Harmless},
    {"callopts", Key::NotYet},
    {"c", Key::NotYet},
    {"xopts", Key::NotYet},
    {"x", Key::NotYet},
    {"displayforwarding", Key::NotYet},
    {"connectionforwarding", Key::NotYet},
    {"serveronly", Key::Harmless},
    {"localonly", Key::NotYet},
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

std::vector<std::string_view> key_names(KeySet set) {
    std::vector<std::string_view> names;
    for (const auto& row : rows_of(set))
        names.push_back(row.name);
    return names;
}

} // namespace ctys::tools::legacy
