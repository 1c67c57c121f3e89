#include "mesh/core/address.h"

#include <catch2/catch.hpp>

using namespace ctys;

TEST_CASE("every key of the original's address is understood in either case", "[core]") {
    const auto [text, canonical] = GENERATE(table<std::string, std::string>({
        {"tst253", "tst253"},
        {"l:tst253", "l:tst253"},
        {"LABEL:tst253", "l:tst253"},
        {"ID:/p/x.ctys", "id:/p/x.ctys"},
        {"pname:/p/x.ctys", "id:/p/x.ctys"},
        {"u:91d24b1a0b2c4d3e8f900123456789ab", "u:91d24b1a-0b2c-4d3e-8f90-0123456789ab"},
        {"m:00-50-56-16-11-0B", "m:00:50:56:16:11:0b"},
        {"MAC:00:50:56:16:11:0b", "m:00:50:56:16:11:0b"},
        {"t:172.20.2.53", "t:172.20.2.53"},
        {"f:tst/a", "f:tst/a"},
        {"l:a,b:/x%/y", "l:a,b:/x%/y"},
        {"w:lab02", "w:lab02"},
    }));

    const auto address = Address::parse(text);

    REQUIRE(address);
    CHECK(address->to_string() == canonical);
}

TEST_CASE("a wrong address names the column and what is wrong there", "[core]") {
    const auto [text, message] = GENERATE(table<std::string, std::string>({
        {"", "the address is empty"},
        {"l:", "column 1: \"l:\" has no value"},
        {"l:ok,x:1", "column 6: no such key \"x\"; keys are l: id: u: m: t: f: b: w:"},
        {"id:relative", "column 1: id: must be an absolute path; for a part of one use f:"},
        {"u:12", "column 1: \"12\" is not a UUID (32 hexadecimal digits)"},
        {"m:12", "column 1: \"12\" is not a MAC address (00:50:56:16:11:0b)"},
        {"dr:x", "column 1: dr: needs a record number"},
        {"a b", "column 1: \"a b\" is not a label"},
        {"l:a,b", "column 5: \"b\" has no key"},
    }));

    const auto address = Address::parse(text);

    REQUIRE_FALSE(address);
    CHECK(address.error().code == ErrorCode::Usage);
    CHECK(address.error().message == message);
}

TEST_CASE("a record number is refused, since it would name every VM", "[core]") {
    const auto address = Address::parse("dr:12");

    REQUIRE_FALSE(address);
    CHECK(address.error().code == ErrorCode::Unsupported);
    CHECK(address.error().message == "column 1: dr:12: there are no record numbers yet");
}

TEST_CASE("a label matches exactly, a file name in part", "[core]") {
    VmRecord vm{.label = "tst1"};
    PathRecord path;
    path.config = "/pool/tst1/tst1.ctys";

    CHECK(matches(Address::parse("tst1").value(), vm, {path}));
    CHECK_FALSE(matches(Address::parse("tst").value(), vm, {path}));
    CHECK_FALSE(matches(Address::parse("tst10").value(), vm, {path}));
    CHECK(matches(Address::parse("f:pool/tst1").value(), vm, {path}));
    CHECK(matches(Address::parse("l:tst1,b:/pool").value(), vm, {path}));
    CHECK_FALSE(matches(Address::parse("l:tst1,b:/poo").value(), vm, {path}));
}
