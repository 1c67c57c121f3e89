#pragma once

#include "mesh/core/action.h"
#include "mesh/core/address.h"
#include "mesh/core/error.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ctys::tools::legacy {

enum class Columns : std::uint8_t {
    TabTcp, ///< the original's default table
    Machine ///< every field, separated by ';'
};

/// -a list: what runs.
struct ListRequest {
    Columns columns = Columns::TabTcp;
    bool title = false; ///< with Machine: a line of field names first

    bool operator==(const ListRequest&) const = default;
};
/// -a enumerate: what is stored.
struct EnumerateRequest {
    Columns columns = Columns::TabTcp;
    bool title = false;
    std::vector<std::string> bases; ///< empty: everywhere

    bool operator==(const EnumerateRequest&) const = default;
};
/// -a info: the workers.
struct InfoRequest {
    bool operator==(const InfoRequest&) const = default;
};
/// -a create=...
struct CreateRequest {
    Address address;
    IfRunning if_running = IfRunning::Refuse;
    bool resume = false;              ///< it is paused or suspended, and goes on
    std::vector<std::string> options; ///< to the wrapper: `--bootmode=CD`
    std::string console;              ///< in small letters; nothing is opened for it
    std::string user;

    bool operator==(const CreateRequest&) const = default;
};
/// -a cancel=...
struct CancelRequest {
    Address address;
    Verb verb = Verb::Shutdown;
    std::optional<Duration> deadline; ///< of a poweroff: power is always cut then
    bool always_cut = false;
    bool force = false;
    bool stack = false; ///< asked for by name: what the VM carries is to end first
    std::optional<std::uint8_t> run_level; ///< INIT: entered by the guest, never cut
    bool all = false;                      ///< every VM on the addressed workers; names no VM
    bool self = false;                     ///< with all: the worker itself, too
    std::string user;

    bool operator==(const CancelRequest&) const = default;
};
using What = std::variant<ListRequest, EnumerateRequest, InfoRequest, CreateRequest, CancelRequest>;

/// The text after -a: `create=l:tst253,reuse`. Keys ignore case. Errors: Usage with the column of
/// what is wrong and a near key; Unsupported for what the original has and this does not yet.
[[nodiscard]] Result<What> parse_action(std::string_view text);

} // namespace ctys::tools::legacy
