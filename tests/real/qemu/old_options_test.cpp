// The table of old options against the QEMU of this machine: what it translates is refused as it
// was given and accepted as it is translated.
#include "mesh/core/shell_quoted.h"
#include "mesh/core/text.h"
#include "mesh/qemu/old_options.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <array>
#include <cstdio>
#include <fstream>

using namespace ctys;
using namespace ctys::support;

namespace {

using Words = std::vector<std::string>;

// A machine that never runs, as bare as assemble() makes it, that ends when it has read "quit".
struct Attempt {
    int status = -1;
    std::string said;
};

Attempt attempt(const Words& words, const std::string& directory) {
    Words argv{"timeout",
               "30",
               "qemu-system-x86_64",
               "-nodefaults",
               "-no-user-config",
               "-display",
               "none",
               "-sandbox",
               "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
               "-machine",
               "q35,accel=tcg",
               "-S",
               "-monitor",
               "stdio"};
    argv.insert(argv.end(), words.begin(), words.end());
    const auto command = "cd " + shell_quoted({directory}) + " && echo quit | " +
                         shell_quoted(argv) + " 2>&1 >/dev/null";
    Attempt out;
    FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> bytes{};
    for (std::size_t count = 1; count > 0;) {
        count = std::fread(bytes.data(), 1, bytes.size(), pipe);
        out.said.append(bytes.data(), count);
    }
    out.status = ::pclose(pipe);
    return out;
}

Words line_of(std::string_view text) {
    Words out;
    for (const auto word : split(text, ' ')) {
        out.emplace_back(word);
    }
    return out;
}

// The option that the first sentence is about.
std::string old_word_of(const qemu::TranslatedOptions& translated) {
    REQUIRE_FALSE(translated.warnings.empty());
    const auto& sentence = translated.warnings.front();
    return sentence.substr(0, sentence.find(' '));
}

// For this option, and no other reason: QEMU begins with it.
void check_refused(const Attempt& attempt, const std::string& option) {
    CAPTURE(attempt.said, option);
    CHECK(attempt.status != 0);
    CHECK(attempt.said.find(": " + option) != std::string::npos);
}

} // namespace

TEST_CASE("a machine without further words runs, and names no option", "[qemu][real]") {
    TemporaryDirectory directory;

    const auto bare = attempt({}, directory.path());

    CHECK(bare.status == 0);
    CHECK(bare.said.find(": -") == std::string::npos);
}

TEST_CASE("QEMU 7.2 refuses the old words and accepts what replaces them", "[qemu][real]") {
    // Not here, since they need more than QEMU: -sdl a display, -usbdevice host:BUS.ADDRESS a
    // device, x509 its certificates, vde a switch, tap a privilege.
    const auto given = GENERATE(as<std::string>{},
                                "-localtime",
                                "-startdate 2006-06-17T16:01:21",
                                "-startdate 2006-06-17",
                                "-rtc-td-hack",
                                "-std-vga",
                                "-cirrusvga",
                                "-vmwarevga",
                                "-no-kvm",
                                "-no-kvm-irqchip",
                                "-no-kvm-pit-reinjection",
                                "-kvm-shadow-memory 8",
                                "-soundhw all",
                                "-soundhw adlib,gus,cs4231a,hda",
                                "-balloon virtio,addr=05.0",
                                "-watchdog i6300esb",
                                "-watchdog ib700",
                                "-usbdevice host:0451:2001",
                                "-usbdevice disk:format=raw:disk.img",
                                "-usbdevice disk:disk.img",
                                "-usbdevice audio",
                                "-usbdevice ccid",
                                "-realtime mlock=on",
                                "-m 128 -numa node,mem=128",
                                "-drive if=none,id=a,file=disk.img,format=raw "
                                "-device ide-drive,drive=a",
                                "-device virtio-scsi-pci -drive "
                                "if=none,id=a,file=disk.img,format=raw -device scsi-disk,drive=a",
                                "-drive file=disk.img,format=raw,if=virtio,boot=on",
                                "-drive file=disk.img,format=raw,cache=on",
                                "-drive file=disk.img,format=raw,serial=x,cyls=2,heads=16,secs=63",
                                "-drive file=disk.img,format=raw,if=virtio,addr=5",
                                "-vnc unix:a.sock,non-adaptive",
                                "-vnc unix:a.sock,tls",
                                "-net nic,vlan=0,model=rtl8139 -net user,vlan=0",
                                "-net nic,name=a -net user,name=b",
                                "-net nic,vlan=1,model=e1000 -net user,vlan=1 -net nic -net user",
                                "-device e1000,vlan=0 -net user",
                                "-net nic -net user -redir tcp:24999::22 -redir "
                                "udp:24999:10.0.2.3:53 -tftp /srv -bootp pxelinux.0");
    CAPTURE(given);
    TemporaryDirectory directory;
    std::ofstream{directory.path() + "/disk.img"} << std::string(4096, '\0');
    const auto words = line_of(given);
    const auto translated = qemu::translate_old_options(words);
    REQUIRE(translated);
    CAPTURE(shell_quoted(translated->words));

    const auto before = attempt(words, directory.path());
    const auto after = attempt(translated->words, directory.path());

    check_refused(before, old_word_of(*translated));
    CAPTURE(after.said);
    CHECK(after.status == 0);
}

TEST_CASE("QEMU 7.2 refuses each word that is dropped", "[qemu][real]") {
    const auto given = GENERATE(as<std::string>{},
                                "-startdate now",
                                "-clock dynticks",
                                "-tdf",
                                "-realtime mlock=off",
                                "-enable-fips",
                                "-virtfs_synth",
                                "-device pci-assign,host=01:00.0",
                                "-curses",
                                "-alt-grab",
                                "-ctrl-grab",
                                "-show-cursor",
                                "-no-quit",
                                "-no-frame",
                                "-no-kqemu",
                                "-enable-kqemu",
                                "-kernel-kqemu",
                                "-no-kvm-pit",
                                "-enable-nesting",
                                "-cpu-vendor x",
                                "-tb-size 64",
                                "-nvram x",
                                "-xen-create",
                                "-balloon none",
                                "-hdachs 16,63,16",
                                "-pcidevice host=01:00.0",
                                "-virtioconsole null",
                                "-bt hci,null",
                                "-p 4321",
                                "-usbdevice serial::null",
                                "-usbdevice net",
                                "-usbdevice bt",
                                "-usbdevice host:auto:1.2",
                                "-vnc unix:a.sock,sasl,acl",
                                "-net channel,80:null",
                                "-net dump,file=a.pcap",
                                "-smb /srv",
                                "-nodefconfig",
                                "-writeconfig x");
    CAPTURE(given);
    TemporaryDirectory directory;
    const auto words = line_of(given);

    const auto translated = qemu::translate_old_options(words);

    REQUIRE(translated);
    CHECK(translated->words.empty());
    check_refused(attempt(words, directory.path()), old_word_of(*translated));
}

TEST_CASE("QEMU 7.2 accepts the words that pass through", "[qemu][real]") {
    const auto given = GENERATE(as<std::string>{},
                                "-no-acpi -no-hpet -win2k-hack -no-fd-bootchk",
                                "-mem-prealloc -watchdog-action reset -nographic -k de",
                                "-full-screen -portrait",
                                "-usb -usbdevice tablet -usbdevice mouse -usbdevice keyboard",
                                "-usbdevice wacom-tablet",
                                "-net nic,model=ne2k_pci -net user,hostname=a,ip=10.1.0.0",
                                "-net none",
                                "-vnc unix:a.sock,password,lossy,share=ignore",
                                "-serial pty -parallel pty",
                                "-serial unix:b.sock,server,nowait",
                                "-drive file=disk.img,format=raw,if=ide,cache=off,snapshot=on",
                                "-name a,process=b -boot order=cd -cpu qemu64,+nx -smp 2");
    CAPTURE(given);
    TemporaryDirectory directory;
    std::ofstream{directory.path() + "/disk.img"} << std::string(4096, '\0');
    const auto words = line_of(given);

    const auto after = attempt(words, directory.path());

    CHECK(qemu::translate_old_options(words) == qemu::TranslatedOptions{.words = words});
    CAPTURE(after.said);
    CHECK(after.status == 0);
}

TEST_CASE("what QEMU 9.0 needs in place of words that 7.2 has, 7.2 has too", "[qemu][real]") {
    const auto [given, now] = GENERATE(table<std::string, std::string>({
        {"-no-acpi", "-machine acpi=off"},
        {"-no-hpet", "-machine hpet=off"},
    }));
    CAPTURE(given);
    TemporaryDirectory directory;

    const auto translated =
        qemu::translate_old_options(line_of(given), qemu::OwnNetwork::None, {9, 0});

    REQUIRE(translated);
    CHECK(translated->words == line_of(now));
    CHECK(attempt(line_of(given), directory.path()).status == 0);
    CHECK(attempt(translated->words, directory.path()).status == 0);
}
