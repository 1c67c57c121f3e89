// The five calls of the original's set-up guide, S-283 to S-287, as QEMU sees what they make.
#include "tests/unit/create_conf/samples.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::conf;
using namespace ctys::testing;

namespace {

std::string made_by(const std::string& label, Pairs given) {
    const auto text =
        render_configuration(settings_of(label, given), sources_of(label, {}).host, sample_stamp());
    return command_line_of(text, label);
}

// What is the same for every VM, between its name and its devices.
std::string monitors() {
    return "-vnc unix:/i/vnc.sock -chardev socket,id=ctysqmp,path=/i/qmp.sock,reconnect=1 -mon "
           "chardev=ctysqmp,mode=control "
           "-chardev socket,id=ctysconsole,path=/i/serial.sock,reconnect=1,mux=on,"
           "logfile=/i/serial.log,logappend=on -serial chardev:ctysconsole "
           "-mon chardev=ctysconsole,mode=readline -trace qemu_system_shutdown_request "
           "-D /i/trace.log ";
}

std::string
beginning(const std::string& binary, const std::string& label, const std::string& machine) {
    return binary + " -nodefaults -no-user-config -display none -name guest=" + label +
           ",process=ctys-" + label +
           ",debug-threads=on -uuid 1b4e28ba-2fa1-41d2-883f-0016d3cca427 "
           "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
           "-machine " +
           machine + " " + monitors();
}

} // namespace

// KVM in a configuration is proven by an agent when it starts; here there is none.
TEST_CASE("S-283: Debian 5 on KVM", "[create_conf]") {
    CHECK(made_by("inst010",
                  {{"OS", "Linux"},
                   {"OSREL", "2.6.26-1-amd64"},
                   {"DIST", "debian"},
                   {"DISTREL", "5.0.0"},
                   {"MAC", "00:50:56:16:11:0b"},
                   {"ACCELERATOR", "KVM"}}) ==
          beginning("qemu-system-x86_64",
                    "inst010",
                    "pc,accel=tcg,graphics=off -cpu qemu64 -m 512 -smp 1") +
              "-netdev user,id=net0 -device rtl8139,netdev=net0,mac=00:50:56:16:11:0b -vga std "
              "-drive file=/vm/inst010/hda.img,format=raw,if=ide");
}

TEST_CASE("S-284: CentOS 5.4 on KVM, with the older names of its variables", "[create_conf]") {
    CHECK(made_by("tst488",
                  {{"ACCELERATOR", "KVM"},
                   {"DIST", "CentOS"},
                   {"RELEASE", "5.4"},
                   {"OS", "Linux"},
                   {"OSVERSION", "2.6.18"}}) ==
          beginning("qemu-system-x86_64",
                    "tst488",
                    "pc,accel=tcg,graphics=off -cpu qemu64 -m 512 -smp 1") +
              "-netdev user,id=net0 -device rtl8139,netdev=net0,mac=52:54:00:1b:4e:28 -vga std "
              "-drive file=/vm/tst488/hda.img,format=raw,if=ide");
}

TEST_CASE("S-285: QNX from a DVD", "[create_conf]") {
    CHECK(made_by(
              "tst323",
              {{"INSTCDROM", "/mntn/swpool/miscOS/QNX/6.4.0/raw/qnxsdp-6.4.0-200810211530-dvd.iso"},
               {"MAC", "00:50:56:13:13:18"},
               {"IP", "172.20.6.23"},
               {"DIST", "QNX-SDP"},
               {"DISTREL", "6.4.0"},
               {"OS", "QNX"},
               {"OSREL", "6.2.3"}}) ==
          beginning("qemu-system-x86_64",
                    "tst323",
                    "pc,accel=tcg,graphics=off -cpu qemu64 -m 512 -smp 1") +
              "-netdev user,id=net0 -device rtl8139,netdev=net0,mac=00:50:56:13:13:18 -vga std "
              "-drive file=/vm/tst323/hda.img,format=raw,if=ide");
}

TEST_CASE("S-286: ucLinux on an ARM926", "[create_conf]") {
    CHECK(made_by("tst324",
                  {{"ACCELERATOR", "QEMU"},
                   {"STARTERCALL", "/opt/qemu/bin/qemu-system-arm"},
                   {"ARCH", "arm926"},
                   {"NETMASK", "255.255.0.0"},
                   {"MAC", "00:50:56:13:13:19"},
                   {"IP", "172.20.6.24"},
                   {"DIST", "QEMU-arm-test"},
                   {"DISTREL", "0.9.1-0.2"},
                   {"OS", "ucLinux"},
                   {"OSREL", "2.x"},
                   {"MEMSIZE", "128"},
                   {"HDDBOOTIMAGE_INST_SIZE", "2G"},
                   {"HDDBOOTIMAGE_INST_BLOCKCOUNT", "8"},
                   {"INST_KERNEL", "zImage.integrator"},
                   {"INST_INITRD", "arm_root.img"}}) ==
          beginning("/opt/qemu/bin/qemu-system-arm",
                    "tst324",
                    "integratorcp,accel=tcg -cpu arm926 -m 128 -smp 1") +
              "-netdev user,id=net0 -net nic,netdev=net0,macaddr=00:50:56:13:13:19 "
              "-kernel /vm/tst324/zImage.integrator -initrd /vm/tst324/arm_root.img "
              "-append console=ttyAMA0 -drive file=/vm/tst324/hda.img,format=raw,if=sd");
}

TEST_CASE("S-287: ucLinux on a ColdFire", "[create_conf]") {
    CHECK(made_by("tst325",
                  {{"ACCELERATOR", "QEMU"},
                   {"STARTERCALL", "/opt/qemu/bin/qemu-system-m68k"},
                   {"ARCH", "ColdFire"},
                   {"NETMASK", "255.255.0.0"},
                   {"MAC", "00:50:56:13:13:1a"},
                   {"IP", "172.20.6.25"},
                   {"DIST", "QEMU-coldfire-test"},
                   {"DISTREL", "0.9.1-0.1"},
                   {"OS", "ucLinux"},
                   {"OSREL", "2.x"},
                   {"MEMSIZE", "128"},
                   {"HDDBOOTIMAGE_INST_SIZE", "2G"},
                   {"HDDBOOTIMAGE_INST_BLOCKCOUNT", "8"},
                   {"INST_KERNEL", "vmlinux-2.6.21-uc0"}}) ==
          beginning("/opt/qemu/bin/qemu-system-m68k",
                    "tst325",
                    "mcf5208evb,accel=tcg -cpu any -m 128 -smp 1") +
              "-netdev user,id=net0 -net nic,netdev=net0,macaddr=00:50:56:13:13:1a "
              "-kernel /vm/tst325/vmlinux-2.6.21-uc0 "
              "-drive file=/vm/tst325/hda.img,format=raw,if=none");
}
