#include "tools/setup_vde/observed.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::vde {

namespace {

constexpr std::string_view data_key = " sock=";
constexpr std::string_view management_key = " mgmt=";

} // namespace

std::string tap_of(const Account& account) {
    return fmt::format("ctys{}", account.uid);
}

std::string alias_of_tap(const qemu::VdePaths& paths) {
    return fmt::format("{}{}{}{}{}", mark, data_key, paths.data, management_key, paths.management);
}

std::optional<qemu::VdePaths> paths_of_alias(std::string_view alias) {
    if (!alias.starts_with(mark) || !alias.substr(mark.size()).starts_with(data_key))
        return std::nullopt;
    alias.remove_prefix(mark.size() + data_key.size());
    const auto at = alias.rfind(management_key);
    if (at == std::string_view::npos) return std::nullopt;
    return qemu::VdePaths{.data = std::string{alias.substr(0, at)},
                          .management = std::string{alias.substr(at + management_key.size())}};
}

bool Switch::carries(std::string_view tap) const {
    for (const auto& port : ports) {
        for (const auto& endpoint : port.endpoints) {
            if (endpoint.is_tap && endpoint.text == tap) return true;
        }
    }
    return false;
}

std::vector<std::string> Switch::clients() const {
    std::vector<std::string> out;
    for (const auto& port : ports) {
        for (const auto& endpoint : port.endpoints) {
            if (!endpoint.is_tap)
                out.push_back(fmt::format("port {}: {}", port.number, endpoint.text));
        }
    }
    return out;
}

std::vector<Port> Switch::client_ports() const {
    std::vector<Port> out;
    for (const auto& port : ports) {
        const auto is_tap = [](const Endpoint& endpoint) { return endpoint.is_tap; };
        if (std::none_of(port.endpoints.begin(), port.endpoints.end(), is_tap)) out.push_back(port);
    }
    return out;
}

const Link* Observed::find(std::string_view name) const {
    const auto found = std::find_if(
        links.begin(), links.end(), [&](const Link& link) { return link.name == name; });
    return found == links.end() || name.empty() ? nullptr : &*found;
}

qemu::VdePaths resolve_paths(const Request& request, const Observed& machine) {
    const auto& [data, management] = request.paths;
    auto paths = qemu::default_vde_paths(machine.account.name);
    const auto* tap = machine.find(tap_of(machine.account));
    if (tap != nullptr && data.empty() && management.empty())
        paths = paths_of_alias(tap->alias).value_or(paths);
    if (!data.empty()) paths.data = data;
    if (!management.empty()) paths.management = management;
    return paths;
}

} // namespace ctys::vde
