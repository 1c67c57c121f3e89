// The five calls of the original's set-up guide, S-283 to S-287, as they are written there.
#include "tests/real/qemu/site.h"
#include "tests/support/board_kernels.h"
#include "tests/support/guests.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::testing;

namespace {

std::string expected_call(const Site& site,
                          const std::string& binary,
                          const std::string& label,
                          const std::string& machine,
                          const std::string& devices) {
    return binary + " -nodefaults -no-user-config -display none -name guest=" + label +
           ",process=ctys-" + label + ",debug-threads=on -uuid " + site.value(label, "UUID") +
           " -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
           "-machine " +
           machine +
           " -vnc unix:/i/vnc.sock -k de -chardev socket,id=ctysqmp,path=/i/qmp.sock,reconnect=1 "
           "-mon "
           "chardev=ctysqmp,mode=control -chardev "
           "socket,id=ctysconsole,path=/i/serial.sock,reconnect=1,mux=on,logfile=/i/serial.log,"
           "logappend=on -serial chardev:ctysconsole -mon chardev=ctysconsole,mode=readline -trace "
           "qemu_system_shutdown_request -D /i/trace.log " +
           devices + "\n";
}

const std::string pc = "pc,accel=tcg,graphics=off -cpu qemu64 -m 512 -smp 1";

} // namespace

TEST_CASE("S-283: Debian 5, as the guide writes it", "[create_conf][real]") {
    Site site;
    const auto made = site.run(R"(OS=Linux \
OSREL=2.6.26-1-amd64 \
DIST=debian \
DISTREL=5.0.0 \
MAC=00:50:56:16:11:0b \
ACCELERATOR=KVM \
ctys-createConfVM \
-t QEMU \
--label=inst010 --auto-all)");

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(site.names("inst010") ==
          std::set<std::string>{"inst010.ctys", "inst010.sh", "inst010.preseed", "hda.img"});
    CHECK(has(image_facts(site, "inst010/hda.img"), "\"virtual-size\": 8589934592"));
    CHECK(has(image_facts(site, "inst010/hda.img"), "\"format\": \"raw\""));
    CHECK(call_of(site, "inst010", "") ==
          expected_call(site,
                        "/usr/bin/qemu-system-x86_64",
                        "inst010",
                        pc,
                        "-netdev user,id=net0 -device rtl8139,netdev=net0,mac=00:50:56:16:11:0b "
                        "-vga std -drive file=" +
                            site.path("inst010/hda.img") + ",format=raw,if=ide"));
}

TEST_CASE("S-284: CentOS 5.4 over an image that is there", "[create_conf][real]") {
    Site site;
    site.write(site.path("tst488/hda.img"), std::string(1 << 20, '\1'));
    site.write(site.home(".ctys/db/default/macmap.fdb"),
               "tst488;00:50:56:13:11:40;172.20.2.232;\n");
    const auto made = site.run(R"(ACCELERATOR=KVM \
DIST=CentOS \
RELEASE=5.4 \
OS=Linux \
OSVERSION=2.6.18 \
ctys-createConfVM \
-t QEMU \
--label=tst488 \
--no-create-image \
--auto-all)");

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(site.names("tst488") ==
          std::set<std::string>{
              "tst488.ctys", "tst488.sh", "tst488.ks", "tst488-seed.img", "hda.img"});
    CHECK(text_of(site.path("tst488/hda.img")) == std::string(1 << 20, '\1'));
    CHECK(site.value("tst488", "IP0") == "172.20.2.232");
    CHECK(call_of(site, "tst488", "") ==
          expected_call(site,
                        "/usr/bin/qemu-system-x86_64",
                        "tst488",
                        pc,
                        "-netdev user,id=net0 -device rtl8139,netdev=net0,mac=00:50:56:13:11:40 "
                        "-vga std -drive file=" +
                            site.path("tst488/hda.img") + ",format=raw,if=ide"));
}

TEST_CASE("S-285: QNX, and its installation from the named DVD", "[create_conf][real]") {
    Site site;
    const auto made = site.run(
        R"(INSTCDROM=/mntn/swpool/miscOS/QNX/6.4.0/raw/qnxsdp-6.4.0-200810211530-dvd.iso \
MAC=00:50:56:13:13:18 \
IP=172.20.6.23 \
DIST=QNX-SDP \
DISTREL=6.4.0 \
OS=QNX \
OSREL=6.2.3 \
ctys-createConfVM \
-t qemu \
--label=tst323 \
--auto-all)");

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(site.names("tst323") == std::set<std::string>{"tst323.ctys", "tst323.sh", "hda.img"});
    CHECK(site.value("tst323", "INSTSRCCDROM") ==
          "/mntn/swpool/miscOS/QNX/6.4.0/raw/qnxsdp-6.4.0-200810211530-dvd.iso");
    const auto devices = "-netdev user,id=net0 -device rtl8139,netdev=net0,mac=00:50:56:13:13:18 ";
    const auto disk = "-drive file=" + site.path("tst323/hda.img") + ",format=raw,if=ide";
    CHECK(call_of(site, "tst323", "") ==
          expected_call(
              site, "/usr/bin/qemu-system-x86_64", "tst323", pc, devices + ("-vga std " + disk)));
    site.write(site.path("a.iso"), "x");
    CHECK(call_of(site, "tst323", "--instmode=CD%" + site.path("a.iso")) ==
          expected_call(site,
                        "/usr/bin/qemu-system-x86_64",
                        "tst323",
                        pc,
                        devices + ("-drive media=cdrom,readonly=on,format=raw,file=" +
                                   site.path("a.iso") + " -vga std -boot order=d " + disk)));
}

TEST_CASE("S-286: ucLinux on an ARM926", "[create_conf][real]") {
    Site site;
    const auto made = site.run(R"(ACCELERATOR=QEMU \
STARTERCALL=/opt/qemu/bin/qemu-system-arm \
ARCH=arm926 \
NETMASK=255.255.0.0 \
MAC=00:50:56:13:13:19 \
IP=172.20.6.24 \
DIST=QEMU-arm-test \
DISTREL=0.9.1-0.2 \
OS=ucLinux \
OSREL=2.x \
MEMSIZE=128 \
HDDBOOTIMAGE_INST_SIZE=2G \
HDDBOOTIMAGE_INST_BLOCKCOUNT=8 \
INST_KERNEL=zImage.integrator \
INST_INITRD=arm_root.img \
ctys-createConfVM \
-t QEMU \
--label=tst324 \
--auto-all)");

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(has(image_facts(site, "tst324/hda.img"), "\"virtual-size\": 2147483648"));
    site.write(site.path("tst324/zImage.integrator"), "x");
    site.write(site.path("tst324/arm_root.img"), "x");
    CHECK(call_of(site, "tst324", "--startercall=/bin/true") ==
          expected_call(site,
                        "/bin/true",
                        "tst324",
                        "integratorcp,accel=tcg -cpu arm926 -m 128 -smp 1",
                        "-netdev user,id=net0 -net nic,netdev=net0,macaddr=00:50:56:13:13:19 "
                        "-kernel " +
                            site.path("tst324/zImage.integrator") + " -initrd " +
                            site.path("tst324/arm_root.img") +
                            " -append console=ttyAMA0 -drive file=" + site.path("tst324/hda.img") +
                            ",format=raw,if=sd"));
    CHECK(site.value("tst324", "STARTERCALL") == "/opt/qemu/bin/qemu-system-arm");
}

TEST_CASE("S-287: ucLinux on a ColdFire", "[create_conf][real]") {
    Site site;
    const auto made = site.run(R"(ACCELERATOR=QEMU \
STARTERCALL=/opt/qemu/bin/qemu-system-m68k \
ARCH=ColdFire \
NETMASK=255.255.0.0 \
MAC=00:50:56:13:13:1a \
IP=172.20.6.25 \
DIST=QEMU-coldfire-test \
DISTREL=0.9.1-0.1 \
OS=ucLinux \
OSREL=2.x \
MEMSIZE=128 \
HDDBOOTIMAGE_INST_SIZE=2G \
HDDBOOTIMAGE_INST_BLOCKCOUNT=8 \
INST_KERNEL=vmlinux-2.6.21-uc0 \
ctys-createConfVM \
-t QEMU \
--label=tst325 \
--auto-all)");

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(has(image_facts(site, "tst325/hda.img"), "\"virtual-size\": 2147483648"));
    site.write(site.path("tst325/vmlinux-2.6.21-uc0"), "x");
    CHECK(call_of(site, "tst325", "--startercall=/bin/true") ==
          expected_call(site,
                        "/bin/true",
                        "tst325",
                        "mcf5208evb,accel=tcg -cpu any -m 128 -smp 1",
                        "-netdev user,id=net0 -net nic,netdev=net0,macaddr=00:50:56:13:13:1a "
                        "-kernel " +
                            site.path("tst325/vmlinux-2.6.21-uc0") +
                            " -drive file=" + site.path("tst325/hda.img") + ",format=raw,if=none"));
}

namespace {

// One of the calls above, as far as QEMU sees it.
struct SeedCall {
    std::string label;
    std::string variables;
    std::string machine;
    std::string program;
    std::string guest; ///< the file that is booted
};

// Starts the VM, and ends it when its guest has spoken on the serial console.
Ran boot_once(const Site& site, const SeedCall& call) {
    return site.run("mkdir -m 700 i; sh " + call.label + "/" + call.label +
                    ".sh --instance-dir=$PWD/i --startercall=$(command -v " + call.program +
                    ") > said 2>&1 < /dev/null & "
                    "timeout 100 tail -q -F --pid=$! i/serial.log 2> /dev/null | grep -q -m1 up; "
                    "found=$?; cat said; "
                    "kill -KILL $(sed -n \"s/^qemu_pid //p\" i/instance); wait; exit $found");
}

} // namespace

TEST_CASE("a guest boots on the machine and the CPU of each kind of seed call",
          "[create_conf][real]") {
    const auto call = GENERATE(values<SeedCall>({
        {"inst010", "DIST=debian DISTREL=5.0.0 MEMSIZE=32", "pc", "qemu-system-x86_64", "hda.img"},
        {"tst324",
         "ARCH=arm926 DIST=QEMU-arm-test DISTREL=0.9.1-0.2 HDDBOOTIMAGE_INST_SIZE=2G "
         "INST_KERNEL=zImage.integrator INST_INITRD=arm_root.img",
         "integratorcp",
         "qemu-system-arm",
         "zImage.integrator"},
        {"tst325",
         "ARCH=ColdFire DIST=QEMU-coldfire-test DISTREL=0.9.1-0.1 "
         "INST_KERNEL=vmlinux-2.6.21-uc0",
         "mcf5208evb",
         "qemu-system-m68k",
         "vmlinux-2.6.21-uc0"},
    }));
    Site site;
    if (site.run("command -v " + call.program).status != 0) {
        WARN("no " << call.program << " in PATH, so nothing is shown about " << call.machine);
        return;
    }
    REQUIRE(site.run("ACCELERATOR=QEMU " + call.variables +
                     " ctys-createConfVM --auto-all --label=" + call.label)
                .status == 0);
    REQUIRE(site.value(call.label, "MACHINE") == call.machine);
    const auto kernel = board_kernel(call.machine);
    const auto guest = site.path(call.label + "/" + call.guest);
    site.write(site.path(call.label + "/arm_root.img"), "x");
    if (kernel.empty()) write_guest_image(guest, Guest::Idle);
    if (!kernel.empty()) site.write(guest, {kernel.begin(), kernel.end()});

    const auto booted = boot_once(site, call);

    CAPTURE(booted.said);
    CHECK(booted.status == 0);
}
