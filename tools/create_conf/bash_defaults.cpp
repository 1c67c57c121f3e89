#include "tools/create_conf/bash_defaults.h"

#include "mesh/core/text.h"
#include "mesh/qemu/shell_word.h"

namespace ctys::conf {

namespace {

// The default of ${NAME:-default} with or without quotes around it; else nothing.
std::optional<std::string> default_of(std::string_view source, const qemu::Variables& known) {
    auto text = trim(source);
    text = trim(text.substr(0, text.find(';')));
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
        text = text.substr(1, text.size() - 2);
    if (!text.starts_with("${") || !text.ends_with('}')) return std::nullopt;
    const auto dash = text.find(":-");
    if (dash == std::string_view::npos) return std::nullopt;
    const auto rest = text.substr(dash + 2, text.size() - dash - 3);
    if (rest.empty()) return std::string{};
    const auto word = qemu::read_shell_word(rest, known);
    return word.followed || word.open_quote != 0 ? std::nullopt : word.value;
}

} // namespace

std::vector<Setting> put_in_defaults(qemu::Configuration& configuration,
                                     const std::string& folder) {
    qemu::Variables known{{"CTYSWRAPPERPATH", folder}};
    for (const auto& setting : configuration.vm.settings) {
        known.insert_or_assign(setting.key, setting.value);
    }
    std::vector<Setting> unknown;
    for (const auto& setting : configuration.dynamic) {
        const auto value = default_of(setting.value, known);
        if (!value) {
            unknown.push_back(setting);
            continue;
        }
        known.insert_or_assign(setting.key, *value);
        configuration.vm.settings.push_back({setting.key, *value, setting.line});
    }
    return unknown;
}

} // namespace ctys::conf
