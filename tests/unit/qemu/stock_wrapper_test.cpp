#include "mesh/qemu/stock_wrapper.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

using namespace ctys::qemu;

namespace {

std::string text_of_file(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream{path}.rdbuf();
    return out.str();
}

std::string stock() {
    return text_of_file(CTYS_SOURCE "/tests/support/original/wrapper.txt");
}

// The stock wrapper with one text in place of another, which is there once.
std::string edited(std::string_view before, std::string_view after) {
    auto text = stock();
    const auto at = text.find(before);
    REQUIRE(at != std::string::npos);
    return text.replace(at, before.size(), after);
}

std::vector<std::string> edits_of(std::string_view text) {
    std::vector<std::string> out;
    for (const auto& edit : judge_wrapper(text).edits) {
        out.push_back(edit.text);
    }
    return out;
}

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("a stock wrapper of the original is told by what it does", "[qemu]") {
    CHECK(judge_wrapper(stock()) == WrapperKind{.of_original = true});
}

TEST_CASE("our wrapper, and one that asks for our library, are none of the original", "[qemu]") {
    CHECK_FALSE(judge_wrapper(text_of_file(CTYS_SOURCE "/deploy/templates/vm.sh")).of_original);
    CHECK_FALSE(judge_wrapper(stock() + ". $(ctys-qemu-call --wrapper-lib)\n").of_original);
    CHECK_FALSE(judge_wrapper("#!/bin/bash\n# CTYS_LIBPATH was needed\nexec qemu\n").of_original);
    CHECK_FALSE(judge_wrapper("").of_original);
}

TEST_CASE("comments, blanks and texts of a stock wrapper may differ", "[qemu]") {
    CHECK(edits_of(stock() + "\n\n   # mine: modprobe tun\n").empty());
    CHECK(edits_of(edited("is not set", "has to be set; halt")).empty());
    CHECK(edits_of(edited("halt is", "reboot is")).empty());
}

TEST_CASE("what an edited wrapper does beyond a stock one is named by its line", "[qemu]") {
    const auto& [before, after, line] = GENERATE(table<std::string, std::string, std::string>({
        // commands
        {"shopt -s nullglob", "shopt -s nullglob\nmodprobe tun", "modprobe tun"},
        {"shopt -s nullglob", "sudo true", "sudo true"},
        {"baseRegisterLib", "baseRegisterLib;/root/up", "baseRegisterLib;/root/up"},
        {"MYLIBPATH=${CTYS_LIBPATH}", "MYLIBPATH=`find /`", "MYLIBPATH=`find /`"},
        {"shopt -s nullglob", ". /etc/mine", ". /etc/mine"},
        {"shopt -s nullglob", "export QEMU_AUDIO_DRV=alsa", "export QEMU_AUDIO_DRV=alsa"},
        {"shopt -s nullglob", "QEMU_AUDIO_DRV=alsa", "QEMU_AUDIO_DRV=alsa"},
        {"    eval \"${EXECALL}\"", "    eval \"sudo ${EXECALL}\"", "eval \"sudo ${EXECALL}\""},
        {"    eval \"${EXECALL}\"", "    $SUDO ls", "$SUDO ls"},
        // settings that a configuration makes
        {"_print=0;", "_print=0;MEMSIZE=1024", "_print=0;MEMSIZE=1024"},
        {"_print=0;", "NIC=${NIC:-virtio}", "NIC=${NIC:-virtio}"},
        {"_print=0;", "KBD_LAYOUT=", "KBD_LAYOUT="},
        {"_print=0;", "ARGSADD=\"$ARGSADD -usb\"", "ARGSADD=\"$ARGSADD -usb\""},
        {"_print=0;", "HDB=/data.img", "HDB=/data.img"},
        // the call
        {" -boot c ${HDD",
         " -snapshot -boot c ${HDD",
         "LASTPATH=\"${LASTPATH} -snapshot -boot c ${HDDBOOTIMAGE}\""},
        {"-smp ${SMP}", "-smp 4", "[ -n \"${SMP}\" ]&&EXECALL=\"${EXECALL} -smp 4 \""},
        {"-smp ${SMP}",
         "-smp ${SMP:-4} -usb",
         "[ -n \"${SMP}\" ]&&EXECALL=\"${EXECALL} -smp ${SMP:-4} -usb \""},
    }));
    CAPTURE(before, after);

    const auto text = edited(before, after);
    const auto kind = judge_wrapper(text);

    REQUIRE(kind.edits.size() == 1);
    CHECK(kind.edits[0].text == line);
    // Its number is that of the line.
    std::istringstream lines{text};
    std::string found;
    for (std::uint32_t i = 0; i < kind.edits[0].line; ++i) {
        std::getline(lines, found);
    }
    CHECK(found.find(line) != std::string::npos);
}

TEST_CASE("a part of every call that is gone is named, too", "[qemu]") {
    CHECK(edits_of(edited("    EXECALL=\"${EXECALL} -net vde,sock=${QEMUSOCK} \"\n", "")) ==
          Texts{"its -net vde with QEMUSOCK"});
    CHECK(edits_of(edited(" -net nic,macaddr=${MAC0},model=${NIC} ", " -net user ")) ==
          Texts{"EXECALL=\"${EXECALL} -net user \"", "its -net nic with MAC0 and NIC"});
    CHECK(edits_of("echo $CTYS_LIBPATH\n").size() == 5);
}

TEST_CASE("edits are told once a line, in order", "[qemu]") {
    auto text = edited("_print=0;", "_print=0;modprobe tun;modprobe kvm");
    text += "reboot\n";

    CHECK(edits_of(text) == Texts{"_print=0;modprobe tun;modprobe kvm", "reboot"});
}
