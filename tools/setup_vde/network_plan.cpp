#include "tools/setup_vde/network_plan.h"

#include "mesh/core/shell_quoted.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::vde {

namespace {

constexpr std::string_view uplink_key = " uplink=";

std::string names_of_links(const Observed& machine) {
    std::vector<std::string> names;
    for (const auto& link : machine.links) {
        if (!link.loopback && link.kind != "tun" && link.kind != "bridge")
            names.push_back(link.name);
    }
    return fmt::format("{}", fmt::join(names, ", "));
}

/// "br0 (10.0.0.1/24)"
std::string with_addresses(const Link& link) {
    if (link.addresses.empty()) return link.name;
    return fmt::format("{} ({})", link.name, fmt::join(link.addresses, ", "));
}

// The one a default route leads out by, else the first that is up and could lead out.
const Link* active_link(const Observed& machine) {
    const Route* best = nullptr;
    for (const auto& route : machine.routes) {
        if (route.destination != "default" || machine.find(route.link) == nullptr) continue;
        const auto rank = [](const Route& one) {
            return std::pair{one.ipv6, one.metric.value_or(0)};
        };
        if (best == nullptr || rank(route) < rank(*best)) best = &route;
    }
    if (best != nullptr) return machine.find(best->link);
    for (const auto& link : machine.links) {
        if (link.up && !link.loopback && link.kind.empty()) return &link;
    }
    return nullptr;
}

Result<Attachment>
join_bridge(const Link& bridge, const Request& request, const Observed& machine) {
    if (bridge.kind != "bridge") {
        return fail(ErrorCode::Conflict,
                    fmt::format("{} is an interface of another kind ({}), not a bridge",
                                bridge.name,
                                bridge.kind.empty() ? "hardware" : bridge.kind));
    }
    if (request.uplink.empty() || request.uplink == "none")
        return Attachment{.bridge = bridge.name};
    const auto uplink = find_uplink(request, machine);
    if (!uplink) return tl::unexpected(uplink.error());
    if ((*uplink)->master == bridge.name) return Attachment{.bridge = bridge.name};
    return fail(
        ErrorCode::Conflict,
        fmt::format("the bridge {} is there already, without {}",
                    with_addresses(bridge),
                    with_addresses(**uplink)),
        fmt::format("ip link set {} master {}, or leave -i out", (*uplink)->name, bridge.name));
}

Attachment new_bridge(std::string name, const Link* uplink) {
    return {.bridge = std::move(name),
            .made = true,
            .uplink = uplink == nullptr ? std::string{} : uplink->name};
}

Act route_act(std::string_view verb, const Route& route, const std::string& link) {
    std::vector<std::string> words;
    if (route.ipv6) words.emplace_back("-6");
    words.insert(words.end(), {"route", std::string{verb}, route.destination});
    if (!route.gateway.empty()) words.insert(words.end(), {"via", route.gateway});
    words.insert(words.end(), {"dev", link});
    if (route.metric) words.insert(words.end(), {"metric", std::to_string(*route.metric)});
    if (!route.source.empty()) words.insert(words.end(), {"src", route.source});
    if (route.onlink) words.emplace_back("onlink");
    return ip(std::move(words));
}

// Those without a gateway first: they may be what reaches the gateways of the others.
std::vector<Route> routes_of(const Link& link, const Observed& machine) {
    std::vector<Route> routes;
    for (const bool direct : {true, false}) {
        for (const auto& route : machine.routes) {
            if (route.link == link.name && route.gateway.empty() == direct) routes.push_back(route);
        }
    }
    return routes;
}

// Routes need the addresses: they go before them and come after them, also where it is undone. The
// kernel takes some of them along with an address, and leaves others.
void move_network(Plan& plan, const Link& from, const std::string& to, const Observed& machine) {
    const auto routes = routes_of(from, machine);
    for (auto one = routes.rbegin(); one != routes.rend(); ++one) {
        plan.steps.push_back(
            {fmt::format("take the route to {} from {}", one->destination, from.name),
             route_act("delete", *one, from.name),
             route_act("replace", *one, from.name)});
    }
    // The first one of a network takes the others along when it goes.
    for (auto address = from.addresses.rbegin(); address != from.addresses.rend(); ++address) {
        plan.steps.push_back({fmt::format("take {} from {}", *address, from.name),
                              ip({"address", "delete", *address, "dev", from.name}),
                              ip({"address", "replace", *address, "dev", from.name})});
    }
    for (const auto& address : from.addresses) {
        plan.steps.push_back({fmt::format("give {} to {}", address, to),
                              ip({"address", "add", address, "dev", to}),
                              ip({"address", "delete", address, "dev", to})});
    }
    for (const auto& one : routes) {
        plan.steps.push_back({fmt::format("lead the route to {} over {}", one.destination, to),
                              route_act("replace", one, to),
                              route_act("delete", one, to)});
    }
}

} // namespace

Act ip(std::vector<std::string> words) {
    words.insert(words.begin(), "ip");
    return Run{.argv = std::move(words)};
}

std::string call_again(Request request, const Observed& machine) {
    if (request.user.empty()) request.user = machine.account.name;
    return shell_quoted(words_of(request));
}

Result<const Link*> find_uplink(const Request& request, const Observed& machine) {
    const auto& name = request.uplink;
    const auto* link = machine.find(name);
    if (link == nullptr) {
        return fail(
            ErrorCode::NotFound,
            fmt::format("there is no interface {}; there are: {}", name, names_of_links(machine)));
    }
    if (link->loopback)
        return fail(ErrorCode::Usage, fmt::format("{} leads nowhere: it is the loopback", name));
    if (link->kind == "bridge") {
        return fail(ErrorCode::Usage,
                    fmt::format("{} is a bridge itself", name),
                    fmt::format("ctys-setupVDE -b {} create", name));
    }
    return link;
}

std::vector<Error>
missing_rights(const Request& request, const Observed& machine, std::string_view done) {
    if (machine.is_root) return {};
    auto again = request;
    again.only_shows = false;
    return {Error{.code = ErrorCode::Refused,
                  .message = fmt::format("TAP devices and bridges are {} by root only", done),
                  .try_next = "sudo " + call_again(std::move(again), machine)}};
}

Result<Plan> plan_or_lack(Plan plan, const Request& request) {
    if (plan.missing.empty() || request.only_shows) return plan;
    return tl::unexpected(std::move(plan.missing.front()));
}

Result<Attachment> choose_bridge(const Request& request, const Observed& machine) {
    const auto name = request.bridge.empty() ? std::string{own_bridge} : request.bridge;
    if (const auto* there = machine.find(name)) return join_bridge(*there, request, machine);
    if (request.uplink == "none") return new_bridge(name, nullptr);
    const Link* uplink = nullptr;
    if (request.uplink.empty()) {
        uplink = active_link(machine);
    } else {
        const auto found = find_uplink(request, machine);
        if (!found) return tl::unexpected(found.error());
        uplink = *found;
    }
    if (uplink == nullptr) return new_bridge(name, nullptr);
    // It leads out by a bridge already, or is one.
    const auto& bridge = uplink->kind == "bridge" ? uplink->name : uplink->master;
    if (bridge.empty()) return new_bridge(name, uplink);
    if (request.bridge.empty()) return Attachment{.bridge = bridge};
    return fail(ErrorCode::Conflict,
                fmt::format("{} leads out by the bridge {} already", uplink->name, bridge),
                fmt::format("ctys-setupVDE -b {} create", bridge));
}

void add_bridge(Plan& plan, const Attachment& attachment, const Observed& machine) {
    const auto& [bridge, made, uplink_name] = attachment;
    if (!made) {
        const auto* there = machine.find(bridge);
        if (there != nullptr && !there->is_ours()) {
            plan.notes.push_back(fmt::format("the TAP joins the bridge {}, which stays as it is",
                                             with_addresses(*there)));
        }
        return;
    }
    const auto* uplink = machine.find(uplink_name);
    std::vector<std::string> make{"link", "add", "name", bridge};
    // The address the network knows this machine by.
    if (uplink != nullptr && !uplink->mac.empty())
        make.insert(make.end(), {"address", uplink->mac});
    make.insert(make.end(), {"type", "bridge", "forward_delay", "0"});
    plan.steps.push_back(
        {"make the bridge " + bridge, ip(std::move(make)), ip({"link", "delete", "dev", bridge})});
    plan.steps.push_back(
        {"mark the bridge " + bridge,
         ip({"link",
             "set",
             "dev",
             bridge,
             "alias",
             uplink == nullptr ? std::string{mark}
                               : fmt::format("{}{}{}", mark, uplink_key, uplink_name)})});
    plan.steps.push_back(
        {"set the bridge " + bridge + " up", ip({"link", "set", "dev", bridge, "up"})});
    if (uplink == nullptr) {
        plan.notes.push_back(fmt::format(
            "{} leads nowhere: VMs reach each other and this machine only{}",
            bridge,
            machine.links.size() > 1 ? "; -i names the interface it is to lead out by" : ""));
        return;
    }
    plan.steps.push_back({fmt::format("move {} into {}", uplink_name, bridge),
                          ip({"link", "set", "dev", uplink_name, "master", bridge}),
                          ip({"link", "set", "dev", uplink_name, "nomaster"})});
    move_network(plan, *uplink, bridge, machine);
}

void remove_bridge(Plan& plan,
                   const Link& bridge,
                   const std::string& tap,
                   const Observed& machine) {
    if (!bridge.is_ours()) {
        plan.notes.push_back(
            fmt::format("the bridge {} stays: it was not made by ctys-setupVDE", bridge.name));
        return;
    }
    const auto* uplink = uplink_of(bridge, machine);
    for (const auto& link : machine.links) {
        if (link.master != bridge.name || link.name == tap || &link == uplink) continue;
        plan.notes.push_back(
            fmt::format("the bridge {} stays: {} is on it", bridge.name, link.name));
        return;
    }
    if (uplink != nullptr) {
        if (uplink->master == bridge.name) {
            plan.steps.push_back({fmt::format("take {} out of {}", uplink->name, bridge.name),
                                  ip({"link", "set", "dev", uplink->name, "nomaster"}),
                                  ip({"link", "set", "dev", uplink->name, "master", bridge.name})});
        }
        move_network(plan, bridge, uplink->name, machine);
    }
    plan.steps.push_back(
        {"take away the bridge " + bridge.name, ip({"link", "delete", "dev", bridge.name})});
}

const Link* uplink_of(const Link& bridge, const Observed& machine) {
    const auto at = bridge.alias.find(uplink_key);
    if (!bridge.is_ours() || at == std::string::npos) return nullptr;
    return machine.find(bridge.alias.substr(at + uplink_key.size()));
}

Status check_connection(const Request& request, const Link& link, const Observed& machine) {
    if (request.force) return {};
    auto forced = request;
    forced.force = true;
    const auto again = call_again(std::move(forced), machine);
    auto all = link.addresses;
    all.insert(all.end(), link.own_addresses.begin(), link.own_addresses.end());
    const auto& over = machine.connections;
    for (const auto& address : all) {
        const auto bare = address.substr(0, address.find('/'));
        if (std::find(over.begin(), over.end(), bare) == over.end()) continue;
        return fail(
            ErrorCode::Refused,
            fmt::format("the connection you work over comes in at {} of {}, whose addresses "
                        "would move and might not come back",
                        bare,
                        link.name),
            again + "   (or from the console; or -i none, -b BRIDGE)");
    }
    if (!machine.program_is_remote) return {};
    return fail(
        ErrorCode::Refused,
        fmt::format("this program lies on a network file system, which may be gone while the "
                    "addresses of {} move",
                    link.name),
        "a copy on a local disk, or " + again);
}

} // namespace ctys::vde
