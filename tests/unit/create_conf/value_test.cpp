#include "tools/create_conf/value.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::conf;

namespace {

std::string refused_value(std::string_view name, const std::string& text) {
    const auto value = checked_value(*find_variable(name), text);
    return value ? "taken: " + *value : value.error().message;
}

std::string taken_value(std::string_view name, const std::string& text) {
    const auto value = checked_value(*find_variable(name), text);
    return value ? *value : "refused: " + value.error().message;
}

} // namespace

TEST_CASE("what a value means is written in one way", "[create_conf]") {
    CHECK(taken_value("MAC", "00-50-56-16-11-0B") == "00:50:56:16:11:0b");
    CHECK(taken_value("UUID", "{1B4E28BA2FA141D2883F0016D3CCA427}") ==
          "1b4e28ba-2fa1-41d2-883f-0016d3cca427");
    CHECK(taken_value("ACCELERATOR", "kvm") == "KVM");
    CHECK(taken_value("HDDBOOTIMAGE_INST_BALLOON", "No") == "n");
    CHECK(taken_value("HDDBOOTIMAGE_INST_SIZE", "2048") == "2048M");
    CHECK(taken_value("MEMSIZE", "128") == "128");
    CHECK(taken_value("VGADRIVER", " -nographic ") == "-nographic");
    CHECK(taken_value("DIST", "") == "");
}

TEST_CASE("a path may hold commas and spaces", "[create_conf]") {
    CHECK(taken_value("INSTSRCCDROM", "/iso/a,b c.iso") == "/iso/a,b c.iso");
}

TEST_CASE("a hostile value is refused in one sentence", "[create_conf]") {
    CHECK(refused_value("DIST", "a\"b") ==
          "DIST: \"a\"b\" holds a \", which means something to bash");
    CHECK(refused_value("DIST", "it's") ==
          "DIST: \"it's\" holds a ', which means something to bash");
    CHECK(refused_value("INSTSRCCDROM", "/iso/$(reboot).iso") ==
          "INSTSRCCDROM: \"/iso/$(reboot).iso\" holds a $, which means something to bash");
    CHECK(refused_value("ARGSADD", "-name `id`") ==
          "ARGSADD: \"-name `id`\" holds a `, which means something to bash");
    CHECK(refused_value("OS", "Linux\n#@#LABEL = \"x\"") ==
          "OS: a value is one line, without control characters");
    CHECK(refused_value("DISTREL", "5,snapshot=on") == "DISTREL: \"5,snapshot=on\" is not a name");
    CHECK(refused_value("MACHINE", "pc,kernel=/x") ==
          "MACHINE: \"pc,kernel=/x\" is not a single word");
    CHECK(refused_value("DIST", std::string(102'400, 'a')) ==
          "DIST: a value of 102400 bytes; at most 1024 are taken");
    CHECK(refused_value("EDITOR", "\xff") == "EDITOR: the value is not UTF-8");
    CHECK(refused_value("ARGSADD", "-name 'a") == "ARGSADD: a quote ' is not closed");
}

TEST_CASE("a malformed address, number or word is refused with an example", "[create_conf]") {
    CHECK(refused_value("UUID", "xyz") == "UUID: \"xyz\" is not a UUID (32 hexadecimal digits)");
    CHECK(refused_value("UUID", "00000000-0000-0000-0000-000000000000") ==
          "UUID: this UUID stands for none");
    CHECK(refused_value("MAC", "00:50:56") ==
          "MAC: \"00:50:56\" is not a MAC address such as 00:50:56:16:11:0b");
    CHECK(refused_value("MAC", "01:50:56:16:11:0b") ==
          "MAC: 01:50:56:16:11:0b is a multicast address, no card has it");
    CHECK(refused_value("IP", "172.20.6") == "IP: \"172.20.6\" is not a IP address");
    CHECK(refused_value("NETMASK", "255.0.255.0") ==
          "NETMASK: \"255.0.255.0\" is not a netmask such as 255.255.0.0");
    CHECK(refused_value("LABEL", "a/b") ==
          "LABEL: \"a/b\" is not a label (letters, digits, _ . - and at most 63)");
    CHECK(refused_value("SMP", "0") == "SMP: \"0\" is not a number from 1 to 1024");
    CHECK(refused_value("MEMSIZE", "lots") ==
          "MEMSIZE: \"lots\" is not a size such as 512 (MB), 2G or 1T");
    CHECK(refused_value("ACCELERATOR", "KVN") == "ACCELERATOR: \"KVN\" is none of KVM QEMU; KVM?");
    CHECK(refused_value("HDDBOOTIMAGE", "images/") ==
          "HDDBOOTIMAGE: \"images/\" is not a file: it ends with a /");
}

TEST_CASE("every variable is found by each of its names", "[create_conf]") {
    CHECK(find_variable("RELEASE") == find_variable("DISTREL"));
    CHECK(find_variable("INSTCDROM") == find_variable("INSTSRCCDROM"));
    CHECK(find_variable("OSVERSION") == find_variable("OSREL"));
    CHECK(find_variable("VGA_DRIVER") == find_variable("VGADRIVER"));
    CHECK(find_variable("") == nullptr);
    CHECK(find_variable("PATH") == nullptr);
}

TEST_CASE("a value that is there without anybody is one that fits", "[create_conf]") {
    for (const auto& variable : variables()) {
        CAPTURE(variable.name);
        const auto value = checked_value(variable, variable.built_in);
        REQUIRE(value);
        CHECK(*value == variable.built_in);
    }
}
