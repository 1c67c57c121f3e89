// One VM as each generation of QEMU is told it. What is known of them:
//
// - 7.2 was tried: the programs of Debian 12, here and by tests/real/qemu.
// - 5.2 and 9.2 are written from their own documentation (5.2.0: qemu-options.hx,
//   docs/system/deprecated.rst; 9.2.4: qemu-options.hx, docs/about/deprecated.rst and
//   removed-features.rst, which tells all that ever went, and when), 4.2 from that of 4.1.1 and
//   5.0-rc0, between which it lies (qemu-options.hx, qemu-deprecated.texi). None was run.
//
// Looked for there was each option that assemble() writes, and each of its keys. Two differ:
//
// - reconnect= of a socket is deprecated since 9.2, which has reconnect-ms= (qapi/char.json).
// - Before 5.1 the boards virt and sifive_u of RISC-V loaded no firmware unless told so.
#include "mesh/core/text.h"
#include "mesh/qemu/assemble.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ctys;
using namespace ctys::qemu;

namespace {

VmPlan plan_for(QemuVersion version) {
    return {.binary = "/opt/qemu/bin/qemu-system-x86_64",
            .version = version,
            .label = "web",
            .uuid = Uuid::parse("1b4e28ba-2fa1-11d2-883f-0016d3cca427").value(),
            .mac0 = "52:54:00:00:00:01",
            .memory_mb = 512,
            .vcpus = 2,
            .cpu = "qemu64",
            .accelerator = Accelerator::Kvm,
            .boot = Disk{.file = "/vm/web.qcow2", .format = "qcow2", .interface = "virtio"},
            .more_disks = {Disk{.file = "/vm/data.img", .index = 1}},
            .cdrom = "/iso/a.iso",
            .boot_order = "dc",
            .user_network = true,
            .vga = "std",
            .vnc = true,
            .keyboard = "de",
            .firmware_on_serial = true,
            .instance_directory = "/i",
            .paused = true,
            .extra = {"-rtc", "base=localtime"}};
}

std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> out;
    for (const auto word : split(line, ' ')) {
        out.emplace_back(word);
    }
    return out;
}

// From the documentation of 4.1.1 and 5.0-rc0.
constexpr std::string_view x86_64_of_4_2 =
    "/opt/qemu/bin/qemu-system-x86_64 -nodefaults -no-user-config -display none "
    "-name guest=web,process=ctys-web,debug-threads=on "
    "-uuid 1b4e28ba-2fa1-11d2-883f-0016d3cca427 "
    "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
    "-machine q35,accel=kvm,graphics=off -cpu qemu64 -m 512 -smp 2 "
    "-vga std -vnc unix:/i/vnc.sock -k de "
    "-chardev socket,id=ctysqmp,path=/i/qmp.sock,reconnect=1 "
    "-mon chardev=ctysqmp,mode=control "
    "-chardev socket,id=ctysconsole,path=/i/serial.sock,reconnect=1,mux=on,"
    "logfile=/i/serial.log,logappend=on "
    "-serial chardev:ctysconsole -mon chardev=ctysconsole,mode=readline "
    "-trace qemu_system_shutdown_request -D /i/trace.log "
    "-netdev user,id=net0 -device e1000,netdev=net0,mac=52:54:00:00:00:01 "
    "-drive file=/vm/data.img,format=raw,if=ide,index=1 "
    "-drive media=cdrom,readonly=on,format=raw,file=/iso/a.iso "
    "-S -rtc base=localtime -boot order=dc "
    "-drive file=/vm/web.qcow2,format=qcow2,if=virtio";

// From the documentation of 5.2.0.
constexpr std::string_view x86_64_of_5_2 =
    "/opt/qemu/bin/qemu-system-x86_64 -nodefaults -no-user-config -display none "
    "-name guest=web,process=ctys-web,debug-threads=on "
    "-uuid 1b4e28ba-2fa1-11d2-883f-0016d3cca427 "
    "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
    "-machine q35,accel=kvm,graphics=off -cpu qemu64 -m 512 -smp 2 "
    "-vga std -vnc unix:/i/vnc.sock -k de "
    "-chardev socket,id=ctysqmp,path=/i/qmp.sock,reconnect=1 "
    "-mon chardev=ctysqmp,mode=control "
    "-chardev socket,id=ctysconsole,path=/i/serial.sock,reconnect=1,mux=on,"
    "logfile=/i/serial.log,logappend=on "
    "-serial chardev:ctysconsole -mon chardev=ctysconsole,mode=readline "
    "-trace qemu_system_shutdown_request -D /i/trace.log "
    "-netdev user,id=net0 -device e1000,netdev=net0,mac=52:54:00:00:00:01 "
    "-drive file=/vm/data.img,format=raw,if=ide,index=1 "
    "-drive media=cdrom,readonly=on,format=raw,file=/iso/a.iso "
    "-S -rtc base=localtime -boot order=dc "
    "-drive file=/vm/web.qcow2,format=qcow2,if=virtio";

// Tried with 7.2.
constexpr std::string_view x86_64_of_7_2 =
    "/opt/qemu/bin/qemu-system-x86_64 -nodefaults -no-user-config -display none "
    "-name guest=web,process=ctys-web,debug-threads=on "
    "-uuid 1b4e28ba-2fa1-11d2-883f-0016d3cca427 "
    "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
    "-machine q35,accel=kvm,graphics=off -cpu qemu64 -m 512 -smp 2 "
    "-vga std -vnc unix:/i/vnc.sock -k de "
    "-chardev socket,id=ctysqmp,path=/i/qmp.sock,reconnect=1 "
    "-mon chardev=ctysqmp,mode=control "
    "-chardev socket,id=ctysconsole,path=/i/serial.sock,reconnect=1,mux=on,"
    "logfile=/i/serial.log,logappend=on "
    "-serial chardev:ctysconsole -mon chardev=ctysconsole,mode=readline "
    "-trace qemu_system_shutdown_request -D /i/trace.log "
    "-netdev user,id=net0 -device e1000,netdev=net0,mac=52:54:00:00:00:01 "
    "-drive file=/vm/data.img,format=raw,if=ide,index=1 "
    "-drive media=cdrom,readonly=on,format=raw,file=/iso/a.iso "
    "-S -rtc base=localtime -boot order=dc "
    "-drive file=/vm/web.qcow2,format=qcow2,if=virtio";

// From the documentation of 9.2.4.
constexpr std::string_view x86_64_of_9_2 =
    "/opt/qemu/bin/qemu-system-x86_64 -nodefaults -no-user-config -display none "
    "-name guest=web,process=ctys-web,debug-threads=on "
    "-uuid 1b4e28ba-2fa1-11d2-883f-0016d3cca427 "
    "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
    "-machine q35,accel=kvm,graphics=off -cpu qemu64 -m 512 -smp 2 "
    "-vga std -vnc unix:/i/vnc.sock -k de "
    "-chardev socket,id=ctysqmp,path=/i/qmp.sock,reconnect-ms=1000 "
    "-mon chardev=ctysqmp,mode=control "
    "-chardev socket,id=ctysconsole,path=/i/serial.sock,reconnect-ms=1000,mux=on,"
    "logfile=/i/serial.log,logappend=on "
    "-serial chardev:ctysconsole -mon chardev=ctysconsole,mode=readline "
    "-trace qemu_system_shutdown_request -D /i/trace.log "
    "-netdev user,id=net0 -device e1000,netdev=net0,mac=52:54:00:00:00:01 "
    "-drive file=/vm/data.img,format=raw,if=ide,index=1 "
    "-drive media=cdrom,readonly=on,format=raw,file=/iso/a.iso "
    "-S -rtc base=localtime -boot order=dc "
    "-drive file=/vm/web.qcow2,format=qcow2,if=virtio";

// The same of RISC-V, with what the versions differ in.
constexpr std::string_view riscv64_begins =
    "/opt/qemu/bin/qemu-system-riscv64 -nodefaults -no-user-config -display none "
    "-name guest=web,process=ctys-web,debug-threads=on "
    "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
    "-machine virt,accel=tcg -m 128 -smp 1 "
    "-chardev socket,id=ctysqmp,path=/i/qmp.sock,reconnect=1 "
    "-mon chardev=ctysqmp,mode=control "
    "-chardev socket,id=ctysconsole,path=/i/serial.sock,reconnect=1,mux=on,"
    "logfile=/i/serial.log,logappend=on "
    "-serial chardev:ctysconsole -mon chardev=ctysconsole,mode=readline "
    "-trace qemu_system_shutdown_request -D /i/trace.log ";

} // namespace

TEST_CASE("a VM has the words of the QEMU that is started", "[qemu]") {
    const auto [version, line] = GENERATE(table<QemuVersion, std::string_view>({
        {{4, 2}, x86_64_of_4_2},
        {{5, 2}, x86_64_of_5_2},
        {{7, 2}, x86_64_of_7_2},
        {{9, 2}, x86_64_of_9_2},
    }));
    CAPTURE(to_string(version));

    CHECK(assemble(plan_for(version)).value() == words_of(line));
}

TEST_CASE("words change with the release that changes them", "[qemu]") {
    CHECK(assemble(plan_for({9, 1})).value() == words_of(x86_64_of_7_2));
    CHECK(assemble(plan_for({10, 0})).value() == words_of(x86_64_of_9_2));
}

TEST_CASE("a board of RISC-V has its firmware, also where that has to be asked for", "[qemu]") {
    VmPlan plan{.binary = "/opt/qemu/bin/qemu-system-riscv64",
                .label = "web",
                .arch = "riscv64",
                .kernel = "/vm/Image",
                .instance_directory = "/i"};
    const std::string begin{riscv64_begins};

    for (const QemuVersion version : {QemuVersion{4, 2}, QemuVersion{5, 0}}) {
        plan.version = version;
        CHECK(assemble(plan).value() == words_of(begin + "-bios default -kernel /vm/Image"));
    }
    for (const QemuVersion version : {QemuVersion{5, 1}, QemuVersion{7, 2}}) {
        plan.version = version;
        CHECK(assemble(plan).value() == words_of(begin + "-kernel /vm/Image"));
    }
}

TEST_CASE("a board of RISC-V that has no firmware of its own is given none", "[qemu]") {
    VmPlan plan{.binary = "/opt/qemu/bin/qemu-system-riscv64",
                .version = {4, 2},
                .label = "web",
                .arch = "riscv64",
                .machine = "spike",
                .instance_directory = "/i"};

    const auto words = assemble(plan).value();

    CHECK(std::find(words.begin(), words.end(), "-bios") == words.end());
}
