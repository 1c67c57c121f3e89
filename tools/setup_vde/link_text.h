#pragma once

#include "tools/setup_vde/observed.h"

#include <string_view>

namespace ctys::vde {

/// Of `ip -json -details address show`. Addresses are those that somebody has set: what the kernel
/// or a router's advertisement made comes by itself on whatever interface there is. Errors:
/// Malformed.
[[nodiscard]] Result<std::vector<Link>> parse_links(std::string_view json);

/// Of `ip -json [-6] route show`; without those of the kernel and of advertisements. Errors:
/// Malformed.
[[nodiscard]] Result<std::vector<Route>> parse_routes(std::string_view json, bool ipv6);

/// Local addresses of the established connections in /proc/net/tcp or tcp6 whose sockets are among
/// `inodes`; IPv4 in IPv6 as IPv4. Lines that are none are skipped.
[[nodiscard]] std::vector<std::string> local_addresses(std::string_view table,
                                                       const std::vector<std::uint64_t>& inodes);

} // namespace ctys::vde
