#pragma once

#include "mesh/loop/event_loop.h"
#include "tools/setup_vde/observed.h"

namespace ctys::vde {

/// The account of `-u`: a name, a name with its group after a dot, or a number; empty: that of this
/// process. `group`, if one is given, is what the switch runs with. Errors: NotFound.
[[nodiscard]] Result<Account> find_account(const std::string& user, const std::string& group);

/// Looks at this machine, and at the switch of who is asked for. Errors: NotFound (the account, the
/// group), Usage (a name that makes no path), Unsupported (there is no ip), Failed.
[[nodiscard]] Result<Observed> observe(loop::EventLoop& loop, const Request& request);

/// A switch of this machine, of whomever.
struct Listed {
    qemu::VdePaths paths;
    Account owner;
    std::string group;
    std::string mode; ///< as in `ls -l`
    std::string tap;
    std::string bridge;
    Switch vde;
    std::vector<std::string> sockets;
};
/// Those where a switch is by default, and those whose TAP is ours. Errors: as observe().
[[nodiscard]] Result<std::vector<Listed>> list_switches(loop::EventLoop& loop);

} // namespace ctys::vde
