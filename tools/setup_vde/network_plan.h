#pragma once

#include "tools/setup_vde/plan.h"

namespace ctys::vde {

/// The bridge a TAP joins.
struct Attachment {
    std::string bridge;
    bool made = false;  ///< by us, now
    std::string uplink; ///< moves into the bridge that is made; empty: none

    bool operator==(const Attachment&) const = default;
};
/// The call of `request`, with the user it is for.
[[nodiscard]] std::string call_again(Request request, const Observed& machine);

/// That only root does what is planned; nothing where it is root who asks.
[[nodiscard]] std::vector<Error>
missing_rights(const Request& request, const Observed& machine, std::string_view done);

/// The plan, or the first thing that it lacks. A request that only shows gets the plan.
[[nodiscard]] Result<Plan> plan_or_lack(Plan plan, const Request& request);

/// The interface of -i. Errors: NotFound, Usage.
[[nodiscard]] Result<const Link*> find_uplink(const Request& request, const Observed& machine);

/// Errors: NotFound, Conflict, Usage.
[[nodiscard]] Result<Attachment> choose_bridge(const Request& request, const Observed& machine);

/// Steps that make the bridge of `attachment`, with the addresses and routes of its uplink.
void add_bridge(Plan& plan, const Attachment& attachment, const Observed& machine);

/// Steps that take `bridge` away once `tap` has left it, giving back what it got from its uplink.
/// None, and a note, where it is not ours or something else is on it.
void remove_bridge(Plan& plan, const Link& bridge, const std::string& tap, const Observed& machine);

/// The uplink a bridge of ours was made with; null where it has none, or it is gone.
[[nodiscard]] const Link* uplink_of(const Link& bridge, const Observed& machine);

/// Errors: Refused, if `link` has the address of a connection this program is run over, or it would
/// be gone with the network its own file lies on. -f goes on.
[[nodiscard]] Status
check_connection(const Request& request, const Link& link, const Observed& machine);

[[nodiscard]] Act ip(std::vector<std::string> words);

} // namespace ctys::vde
