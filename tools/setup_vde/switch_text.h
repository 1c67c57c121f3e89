#pragma once

#include "mesh/core/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::vde {

// The management of a vde_switch, as text. Whoever owns the switch may let it say anything: all of
// it is hostile until read here, and only shown afterwards.

/// The prompt after which a command is awaited.
constexpr std::string_view prompt = "vde$ ";
/// The longest answer that is read; one of 1,024 ports with a client each has a quarter of it.
constexpr std::size_t max_answer_bytes = 1024 * 1024;

struct Answer {
    std::uint32_t status = 0; ///< 1000: done; 1001 and more: an errno beyond 1000
    std::string data;         ///< lines, each with its end

    [[nodiscard]] bool is_success() const { return status == 1000; }
    bool operator==(const Answer&) const = default;
};
/// The first complete answer in what came after a command; nothing while it is incomplete.
[[nodiscard]] std::optional<Answer> read_answer(std::string_view bytes);

/// Of `showinfo`.
struct SwitchInfo {
    std::uint32_t pid = 0; ///< 0: it does not say
    std::string version;
    std::uint64_t uptime_s = 0;

    bool operator==(const SwitchInfo&) const = default;
};
[[nodiscard]] SwitchInfo parse_info(std::string_view data);

/// Somebody on a port.
struct Endpoint {
    bool is_tap = false;
    std::string text;      ///< of a TAP its name, else what the client calls itself; printable
    std::uint32_t pid = 0; ///< that it names; 0: none

    bool operator==(const Endpoint&) const = default;
};
struct Port {
    std::uint32_t number = 0;
    std::string user; ///< empty: nobody
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::vector<Endpoint> endpoints;

    bool operator==(const Port&) const = default;
};
/// Of `port/print`, or of `port/allprint`, which has those too that nobody is on any more; lines
/// that say nothing known are skipped. At most 4,096 ports and endpoints.
[[nodiscard]] std::vector<Port> parse_ports(std::string_view data);

} // namespace ctys::vde
