#pragma once

#include "tools/setup_vde/request.h"
#include "tools/setup_vde/switch_text.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ctys::vde {

/// The bridge that is made where there is none, as in the original.
constexpr std::string_view own_bridge = "ctysbr0";
/// What every alias begins with that this program gives an interface: by it, it knows its own.
constexpr std::string_view mark = "ctys-setupVDE";

/// Whose switch it is.
struct Account {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0; ///< the switch runs with it
    std::string name;
    std::string home = "/";

    bool operator==(const Account&) const = default;
};
/// The one TAP of a user; fits every number of a user.
[[nodiscard]] std::string tap_of(const Account& account);

/// What a TAP is marked with: where its switch is; and what that says, if it is one of ours.
[[nodiscard]] std::string alias_of_tap(const qemu::VdePaths& paths);
[[nodiscard]] std::optional<qemu::VdePaths> paths_of_alias(std::string_view alias);

/// An interface of this machine.
struct Link {
    std::string name;
    std::string kind;   ///< "bridge", "tun", "veth"...; empty for hardware
    std::string master; ///< the bridge it belongs to
    std::string alias;
    std::string mac;
    bool up = false;
    bool loopback = false;
    std::vector<std::string> addresses;     ///< with prefix: those somebody has set
    std::vector<std::string> own_addresses; ///< the same: those that come by themselves

    [[nodiscard]] bool is_ours() const { return alias.starts_with(mark); }
    bool operator==(const Link&) const = default;
};

/// A route that somebody has set, not the kernel.
struct Route {
    std::string link;
    std::string destination;
    std::string gateway;
    std::string source;
    std::optional<std::uint32_t> metric;
    bool ipv6 = false;
    bool onlink = false;

    bool operator==(const Route&) const = default;
};

enum class SwitchState : std::uint8_t {
    Absent,  ///< nothing of it is there
    Answers, ///< it can be managed
    Dead,    ///< files without a process
    Hung,    ///< a process that does not answer
    Strange  ///< what is there is not a switch of this user; it is left alone
};

/// The one switch of a user.
struct Switch {
    SwitchState state = SwitchState::Absent;
    std::string why; ///< of Hung and Strange, one clause
    SwitchInfo info; ///< of Answers; of Hung its pid
    std::vector<Port> ports;

    [[nodiscard]] bool carries(std::string_view tap) const;
    /// What is on its ports beside TAPs, one clause each.
    [[nodiscard]] std::vector<std::string> clients() const;
    /// Ports without a TAP: where clients are, or have been.
    [[nodiscard]] std::vector<Port> client_ports() const;
};

struct Observed;
/// Where the switch is: as asked for, else as the mark of the user's TAP says, else by default.
[[nodiscard]] qemu::VdePaths resolve_paths(const Request& request, const Observed& machine);

/// All that is looked at before something is decided.
struct Observed {
    Account account;
    qemu::VdePaths paths; ///< resolved
    bool is_root = false;
    std::vector<std::string> missing_packages; ///< whose programs are not there
    std::string why_no_tun;                    ///< empty: the user can open /dev/net/tun
    std::vector<Link> links;
    std::vector<Route> routes;
    Switch vde;
    std::vector<std::string> connections; ///< local addresses of those this program is run over
    bool program_is_remote = false;       ///< it lies on a network file system

    [[nodiscard]] const Link* find(std::string_view name) const;
};

} // namespace ctys::vde
