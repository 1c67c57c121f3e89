#include "mesh/core/role.h"

#include <catch2/catch.hpp>

using namespace ctys;

TEST_CASE("who may do what is this table", "[core]") {
    struct Line {
        Role role;
        bool query, operate, administer, audit, speak;
    };
    const auto line = GENERATE(values<Line>({
        {Role::None, false, false, false, false, false},
        {Role::Viewer, true, false, false, false, false},
        {Role::Operator, true, true, false, false, false},
        {Role::Admin, true, true, true, true, true},
        {Role::Agent, false, false, false, false, true},
    }));
    const Principal principal{.name = "anna", .role = line.role, .worker = {}};

    CHECK(check_permission(principal, Permission::Query).has_value() == line.query);
    CHECK(check_permission(principal, Permission::Operate).has_value() == line.operate);
    CHECK(check_permission(principal, Permission::Administer).has_value() == line.administer);
    CHECK(check_permission(principal, Permission::Audit).has_value() == line.audit);
    CHECK(check_permission(principal, Permission::SpeakForWorker).has_value() == line.speak);
}

TEST_CASE("a refusal names the principal, its role and the role that is needed", "[core]") {
    const auto refused =
        check_permission({.name = "anna", .role = Role::Viewer, .worker = {}}, Permission::Operate);

    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Refused);
    CHECK(refused.error().message == "anna has the role viewer; this needs operator");
}
