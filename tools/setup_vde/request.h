#pragma once

#include "mesh/core/error.h"
#include "mesh/qemu/vde.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace ctys::vde {

enum class Action : std::uint8_t { Create, Cancel, Check, Info, Ports, List, ListAll };
[[nodiscard]] std::string_view to_string(Action action);

/// What the process that stays behind waits for.
enum class Stay : std::uint8_t { No, Last, FirstAndLast };

/// What was asked for, as it was typed; empty: not asked for.
struct Request {
    Action action = Action::Info;
    std::vector<std::string> machines; ///< where, in this order; empty: here
    std::string user;                  ///< -u, with a group after a dot
    std::string uplink;                ///< -i; "none": a bridge without one
    std::string bridge;                ///< -b
    qemu::VdePaths paths;              ///< -s and -S
    std::string group;                 ///< -g: its members may attach VMs as well
    bool force = false;                ///< -f
    bool header = true;                ///< not -n
    bool terse = false;                ///< -X: nothing is said of what went well
    bool traces = false;               ///< -d: its steps are told before they are done
    bool with_last = false;            ///< --last: the switch goes with its last client
    bool only_shows = false;           ///< --dry-run
    Stay stay = Stay::No;              ///< this is the process that stayed behind

    bool operator==(const Request&) const = default;
};

/// Text for who asked for help or the version.
struct Page {
    std::string text;
};

/// The longest name of an interface (IFNAMSIZ without its NUL).
constexpr std::size_t max_interface = 15;

/// The call that asks for the same, but for the machines and what stays behind. Pure.
[[nodiscard]] std::vector<std::string> words_of(const Request& request);

/// What this machine is called among `machines`.
constexpr std::string_view this_machine = "localhost";

/// Pure. Errors: Usage.
[[nodiscard]] Result<std::variant<Request, Page>>
parse_arguments(const std::vector<std::string>& arguments);

} // namespace ctys::vde
