#include "agent/scanner/configuration_reader.h"

#include "mesh/core/address.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

namespace {

constexpr std::size_t max_settings = 1024;
constexpr std::size_t max_value_bytes = 4096;

std::string_view unquoted(std::string_view value) {
    value = trim(value);
    if (value.size() >= 2 && value.front() == '"') {
        const auto end = value.find('"', 1);
        if (end != std::string_view::npos) return value.substr(1, end - 1);
    }
    return value;
}

void apply(VmRecord& vm, const Setting& setting) {
    if (setting.key == "LABEL" && is_label(setting.value)) vm.label = setting.value;
    if (setting.key == "ARCH") vm.arch = setting.value;
    if (setting.key.starts_with("MAC")) {
        if (auto mac = parse_mac(setting.value)) vm.macs.push_back(std::move(*mac));
    }
    if (setting.key.starts_with("IP") && !setting.value.empty()) {
        vm.ips.emplace_back(split(setting.value, '%').front());
    }
    if (setting.key == "UUID") {
        if (auto id = VmId::parse(setting.value)) vm.id = *id;
    }
}

} // namespace

ReadConfiguration read_configuration(std::string_view text, std::string_view prefix) {
    ReadConfiguration out;
    auto& settings = out.vm.settings;
    out.vm.label = is_label(prefix) ? std::string(prefix) : "unnamed";
    std::uint32_t number = 0;
    for (const auto line : split(text, '\n')) {
        ++number;
        const auto equals = line.find('=');
        if (!line.starts_with("#@#") || equals == std::string_view::npos) continue;
        Setting setting{std::string(trim(line.substr(3, equals - 3))),
                        printable(unquoted(line.substr(equals + 1)), max_value_bytes),
                        number};
        const auto known = std::any_of(settings.begin(), settings.end(), [&](const auto& other) {
            return other.key == setting.key;
        });
        if (known || !is_label(setting.key)) continue;
        if (settings.size() == max_settings) {
            out.warnings.push_back(fmt::format("line {}: more than {} keys", number, max_settings));
            break;
        }
        apply(out.vm, setting);
        settings.push_back(std::move(setting));
    }
    return out;
}

} // namespace ctys::agent
