#pragma once

#include "mesh/core/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ctys {

enum class Role : std::uint16_t { None = 0, Viewer = 1, Operator = 2, Admin = 3, Agent = 4 };
[[nodiscard]] std::string_view to_string(Role role);
[[nodiscard]] std::optional<Role> role_from_text(std::string_view text);

/// Who asks: the name of a known key (tcp) or of a user (unix socket), with its role.
struct Principal {
    std::string name;
    Role role = Role::None;
    std::string worker; ///< name of the only worker an agent key may speak for; empty: any (ipc)

    bool operator==(const Principal&) const = default;
};

/// Everything a principal can ask a broker for.
enum class Permission : std::uint16_t {
    Query = 1,   ///< lists, watches, the feed
    Operate = 2, ///< start, shutdown, kill, pause, resume, suspend, reset, reboot, snapshot, scan,
                 ///< a medium beside the configuration, cancel an action
    Administer = 3, ///< fence, forget, pool trust; media and start options that name any other file
    Audit = 4,      ///< see audit/ events and watches of others
    SpeakForWorker = 5, ///< hello and publish as an agent
};

/// The one place where rights are decided. Errors: Refused, naming principal, role and need.
[[nodiscard]] Status check_permission(const Principal& principal, Permission permission);

} // namespace ctys
