#include "mesh/core/error.h"

#include <catch2/catch.hpp>

#include <set>

using namespace ctys;

TEST_CASE("the error table has one row per code in wire order", "[core]") {
    std::uint16_t wire = 1;
    std::set<std::string_view> names;
    for (const auto& row : error_table()) {
        CHECK(static_cast<std::uint16_t>(row.code) == wire++);
        CHECK(names.insert(row.name).second);
        CHECK(error_code_from_wire(static_cast<std::uint16_t>(row.code)) == row.code);
        CHECK(&traits(row.code) == &row);
    }
    CHECK(error_code_from_wire(0) == std::nullopt);
    CHECK(error_code_from_wire(wire) == std::nullopt);
}

TEST_CASE("exit statuses are those the manual promises", "[core]") {
    const auto [code, status] = GENERATE(table<ErrorCode, int>({{ErrorCode::Failed, 1},
                                                                {ErrorCode::Usage, 2},
                                                                {ErrorCode::NotFound, 3},
                                                                {ErrorCode::Ambiguous, 4},
                                                                {ErrorCode::Conflict, 5},
                                                                {ErrorCode::Unreachable, 6},
                                                                {ErrorCode::Expired, 6},
                                                                {ErrorCode::Degraded, 6},
                                                                {ErrorCode::Refused, 7},
                                                                {ErrorCode::Partial, 8},
                                                                {ErrorCode::TimedOut, 124},
                                                                {ErrorCode::Interrupted, 130},
                                                                {ErrorCode::Stuck, 1},
                                                                {ErrorCode::Indeterminate, 1}}));
    CHECK(traits(code).exit_status == status);
}

TEST_CASE("context is put before the message, outermost first", "[core]") {
    const auto inner = Error{.code = ErrorCode::Failed, .message = "connection closed"};

    const auto outer = within("start web", within("qmp", inner));

    CHECK(outer.message == "start web: qmp: connection closed");
    CHECK(outer.code == ErrorCode::Failed);
}
