#include "mesh/store/file_system.h"

#include <catch2/catch.hpp>

using namespace ctys;

TEST_CASE("a store on a network file system is refused with what to do", "[store]") {
    const auto [type, name] = GENERATE(table<std::uint64_t, std::string>({
        {0x6969, "NFS"},
        {0xFF534D42, "CIFS"},
        {0xFFFFFFFFFF534D42, "CIFS"},
        {0x517B, "SMB"},
        {0xFE534D42, "SMB2"},
        {0x01021997, "9p"},
        {0x65735546, "FUSE"},
    }));

    const auto checked = store::check_file_system_type("/home/u/state", type);

    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == ErrorCode::Storage);
    CHECK_THAT(checked.error().message,
               Catch::Contains("/home/u/state is on " + name) && Catch::Contains("--state-dir"));
}

TEST_CASE("local file systems may hold a store", "[store]") {
    const auto type = GENERATE(0xEF53U, 0x58465342U, 0x9123683EU, 0x01021994U, 0x794C7630U);
    CHECK(store::check_file_system_type("/var/lib/ctys", type));
}

TEST_CASE("the file system of a missing path is an error, not a guess", "[store]") {
    const auto checked = store::check_file_system("/nonexistent/ctys");
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == ErrorCode::Storage);
}
