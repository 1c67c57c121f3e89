#include "mesh/core/role.h"

#include <fmt/format.h>

namespace ctys {

namespace {

std::string_view need(Permission permission) {
    switch (permission) {
    case Permission::Query:
        return "viewer";
    case Permission::Operate:
        return "operator";
    case Permission::Administer:
    case Permission::Audit:
        return "admin";
    case Permission::SpeakForWorker:
        return "agent";
    }
    return "admin";
}

bool allows(Role role, Permission permission) {
    switch (permission) {
    case Permission::Query:
        return role == Role::Viewer || role == Role::Operator || role == Role::Admin;
    case Permission::Operate:
        return role == Role::Operator || role == Role::Admin;
    case Permission::Administer:
    case Permission::Audit:
        return role == Role::Admin;
    // The broker's own user runs agents beside it, over the unix socket, without a key.
    case Permission::SpeakForWorker:
        return role == Role::Agent || role == Role::Admin;
    }
    return false;
}

} // namespace

std::string_view to_string(Role role) {
    switch (role) {
    case Role::None:
        return "none";
    case Role::Viewer:
        return "viewer";
    case Role::Operator:
        return "operator";
    case Role::Admin:
        return "admin";
    case Role::Agent:
        return "agent";
    }
    return "none";
}

std::optional<Role> role_from_text(std::string_view text) {
    for (const auto role : {Role::None, Role::Viewer, Role::Operator, Role::Admin, Role::Agent}) {
        if (to_string(role) == text) return role;
    }
    return std::nullopt;
}

Status check_permission(const Principal& principal, Permission permission) {
    if (allows(principal.role, permission)) return {};
    return fail(ErrorCode::Refused,
                fmt::format("{} has the role {}; this needs {}",
                            principal.name.empty() ? "the caller" : principal.name,
                            to_string(principal.role),
                            need(permission)));
}

} // namespace ctys
