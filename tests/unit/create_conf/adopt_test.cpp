#include "tests/unit/create_conf/samples.h"
#include "tools/create_conf/adopt.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::conf;
using namespace ctys::testing;

namespace {

// As people left them after editing what the original had made.
constexpr const char* edited = R"(#@#MAGICID-do-not-IGNORE =>ACTIVATED
#@#INST_DATE   =  20100301
#@#MAGICID-QEMU
#@#LABEL = "tst253"
LABEL=tst253
#@#SESSIONTYPE = "QEMU"
#@#UUID = "91d24b1a8c7e4c0f8e2b0123456789ab"
#@#IP0 = "172.20.2.53%255.255.0.0%switch0%eth0%22%172.20.0.1"
#@#MAC0 = "00:50:56:16:11:0B"
MAC0=00:50:56:16:11:0B
#@#DIST = "CentOS"
#@#DISTREL = "5.4"
#@#STACKCAP = "none"
#@#MAC1 = "00:50:56:16:11:0c"
STARTERCALL=${STARTERCALL:-/opt/qemu/bin/qemu-system-x86_64}
ACCELERATOR=KQEMU
HDDBOOTIMAGE="${HDDBOOTIMAGE:-$CTYSWRAPPERPATH/hda.img}"
HDB=$CTYSWRAPPERPATH/data.img
QEMU_IMG=raw
MEMSIZE=${MEMSIZE:-512}
VGADRIVER="-vga cirrus "
TIMEOPT="-localtime"
NIC=rtl8139
KBD_LAYOUT=$(cat /etc/kbd)
INSTSRCCDROM=/iso/centos.iso
)";

Adoption adopted(const std::string& text, const std::string& here = "/vm/tst253") {
    auto out = adopt_configuration(text, "/vm/tst253/tst253.ctys", here);
    if (!out) FAIL(out.error().message);
    return *out;
}

} // namespace

TEST_CASE("an edited configuration of the original becomes one of ours", "[create_conf]") {
    const auto adoption = adopted(edited);
    auto sources = sources_of("", {});
    sources.given = adoption.given;

    const auto settings = decide(sources).value();
    CHECK(settings.at("LABEL") == Value{"tst253", Origin::Adopted, "tst253.ctys:4"});
    CHECK(settings.text("UUID") == "91d24b1a-8c7e-4c0f-8e2b-0123456789ab");
    CHECK(settings.text("MAC") == "00:50:56:16:11:0b");
    CHECK(settings.text("IP") == "172.20.2.53");
    CHECK(settings.text("NETMASK") == "255.255.0.0");
    CHECK(settings.text("BRIDGE") == "switch0");
    CHECK(settings.text("GATEWAY") == "172.20.0.1");
    CHECK(settings.text("HDDBOOTIMAGE") == "hda.img");
    CHECK(settings.text("VGADRIVER") == "-vga cirrus");
    CHECK(settings.text("TIMEOPT") == "-rtc base=localtime");
    CHECK(settings.text("ACCELERATOR") == "QEMU");
    CHECK(settings.text("ARGSADD") == "-drive file=/vm/tst253/data.img,format=raw");

    const auto text =
        render_configuration(settings, sources.host, sample_stamp(), adoption.remainder);
    CHECK(text.find("#@#STACKCAP = \"none\"\n") != std::string::npos);
    CHECK(text.find("#@#MAC1 = \"00:50:56:16:11:0c\"\n") != std::string::npos);
    CHECK(text.find("20100301") == std::string::npos);
    const auto line = command_line_of(text, "tst253");
    CHECK(line.find("-vga cirrus -rtc base=localtime -drive file=/vm/tst253/data.img,format=raw "
                    "-drive file=/vm/tst253/hda.img,format=raw,if=ide") != std::string::npos);
}

TEST_CASE("what changes by adopting is told with its line", "[create_conf]") {
    CHECK(adopted(edited).notes ==
          std::vector<std::string>{
              "KBD_LAYOUT is made by bash there and is not taken over (tst253.ctys:24)",
              "ACCELERATOR: KQEMU does not exist any more, QEMU takes its place (tst253.ctys:16)",
              "TIMEOPT: -localtime is gone from QEMU 7.2; -rtc base=localtime takes its place "
              "(tst253.ctys:22)",
              "HDB is a -drive of ARGSADD now, by its whole path and taken for raw "
              "(tst253.ctys:18)"});
}

TEST_CASE("old options of the network stay as they are, and are told", "[create_conf]") {
    const auto adoption = adopted("LABEL=web\nARGSADD='-redir tcp:2222::22'\n");

    CHECK(adoption.given.at("ARGSADD").text == "-redir tcp:2222::22");
    REQUIRE(adoption.notes.size() == 1);
    CHECK(adoption.notes[0].starts_with("ARGSADD: -redir tcp:2222::22 is gone from QEMU 7.2"));
}

TEST_CASE("in another directory the images stay where they are", "[create_conf]") {
    const auto given = adopted("LABEL=web\nHDDBOOTIMAGE=$CTYSWRAPPERPATH/hda.img\n", "/new").given;

    CHECK(given.at("HDDBOOTIMAGE").text == "/vm/tst253/hda.img");
}

TEST_CASE("a configuration without a label has that of its file", "[create_conf]") {
    CHECK(adopted("MEMSIZE=64\n").given.at("LABEL") ==
          Value{"tst253", Origin::Adopted, "tst253.ctys"});
}

TEST_CASE("a value that could not be written again is left out and told", "[create_conf]") {
    const auto adoption = adopted("LABEL=web\nMEMSIZE=lots\nINSTSRCCDROM='/iso/$(reboot)'\n");

    CHECK_FALSE(adoption.given.contains("MEMSIZE"));
    CHECK(
        adoption.notes ==
        std::vector<std::string>{
            "MEMSIZE: \"lots\" is not a size such as 512 (MB), 2G or 1T; not taken over "
            "(tst253.ctys:2)",
            "INSTSRCCDROM: \"/iso/$(reboot)\" holds a $, which means something to bash; not taken "
            "over (tst253.ctys:3)"});
}

TEST_CASE("a program called kvm means its accelerator", "[create_conf]") {
    const auto given = adopted("LABEL=web\nSTARTERCALL=/usr/bin/qemu-kvm\n").given;

    CHECK(given.at("ACCELERATOR").text == "KVM");
}

TEST_CASE("bytes that are no configuration are refused", "[create_conf]") {
    CHECK_FALSE(adopt_configuration(std::string("LABEL=web\n\0", 11), "/vm/web.ctys", "/vm"));
}
