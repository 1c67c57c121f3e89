#include "agent/survey/description.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;

namespace {

Description description() {
    return {.path = "/opt/qemu/bin/qemu-system-x86_64",
            .arch = "x86_64",
            .version = "7.2.22",
            .package = "Debian 1:7.2",
            .accelerators = {"kvm", "tcg"},
            .machines = {"none", "pc"},
            .cpus = {"max", "qemu64"},
            .options = {"device", "machine"},
            .problem = {}};
}

Description after(std::string_view command, std::string_view answer) {
    Description out;
    absorb(out, command, qmp::Value::parse(answer).value());
    return out;
}

} // namespace

TEST_CASE("accelerators are those compiled in, without QEMU's own test", "[survey]") {
    const auto told = after("qom-list-types",
                            R"([{"name":"tcg-accel"},{"name":"accel"},{"name":"qtest-accel"}])");

    CHECK(told.accelerators == std::vector<std::string>{"tcg"});
    CHECK(after("query-kvm", R"({"present":true,"enabled":false})").accelerators ==
          std::vector<std::string>{"kvm"});
    CHECK(after("query-kvm", R"({"present":false,"enabled":false})").accelerators.empty());
}

TEST_CASE("names that are none are left out, and those beyond a bound", "[survey]") {
    std::string many = R"([{"name":"a b"},{"name":7},"x",{"name":""})";
    for (int i = 0; i < 2000; ++i)
        many += fmt::format(R"(,{{"name":"m{}"}})", i);

    const auto told = after("query-machines", many + "]");

    CHECK(told.machines.size() == 512);
    CHECK(after("query-machines", R"({"name":"no list"})").machines.empty());
}

TEST_CASE("the version is read from what an old emulator prints", "[survey]") {
    Description told;

    CHECK(absorb_version_text(told, "QEMU PC emulator version 0.12.2 (qemu-kvm-0.12.2), C\n"));
    CHECK(told.version == "0.12.2");
    CHECK(told.package == "qemu-kvm-0.12.2");
    CHECK(absorb_version_text(told, "QEMU emulator version 9.0"));
    CHECK(told.version == "9.0");
    CHECK_FALSE(absorb_version_text(told, "QEMU emulator version "));
    CHECK_FALSE(absorb_version_text(told, "another program, version 1.0"));
}

TEST_CASE("joined names stay within their bytes and say that there are more", "[survey]") {
    CHECK(joined({"one", "two"}, 100) == "one two");
    CHECK(joined({"one", "two", "three"}, 12) == "one two ...");
    CHECK(joined({}, 12).empty());
}

TEST_CASE("a description comes back from its own text", "[survey]") {
    CHECK(description_from(to_value(description())) == description());
}

TEST_CASE("a description without a path is none", "[survey]") {
    CHECK_FALSE(description_from(qmp::Value::parse(R"({"arch":"arm"})").value()));
    CHECK_FALSE(description_from(qmp::Value::parse("[]").value()));
}

TEST_CASE("the summary holds the names between blanks and counts the options", "[survey]") {
    const auto emulator = summary(description());

    CHECK(emulator.accelerators == "kvm tcg");
    CHECK(emulator.machines == "none pc");
    CHECK(emulator.cpus == "max qemu64");
    CHECK(emulator.options == 2);
}
