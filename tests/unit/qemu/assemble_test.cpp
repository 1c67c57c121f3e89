#include "mesh/qemu/assemble.h"
#include "mesh/qemu/command_line.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qemu;

namespace {

VmPlan small_plan() {
    return {.binary = "/usr/bin/qemu-system-x86_64",
            .label = "web",
            .boot = Disk{.file = "/vm/web/web.img"},
            .instance_directory = "/run/ctys/i/web"};
}

Uuid uuid() {
    return Uuid::parse("1b4e28ba-2fa1-11d2-883f-0016d3cca427").value();
}

} // namespace

TEST_CASE("a small VM has exactly this command line", "[qemu]") {
    CHECK(assemble(small_plan()) ==
          std::vector<std::string>{
              "/usr/bin/qemu-system-x86_64",
              "-nodefaults",
              "-no-user-config",
              "-display",
              "none",
              "-name",
              "guest=web,process=ctys-web,debug-threads=on",
              "-sandbox",
              "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
              "-machine",
              "q35,accel=tcg",
              "-m",
              "128",
              "-smp",
              "1",
              "-chardev",
              "socket,id=ctysqmp,path=/run/ctys/i/web/qmp.sock,reconnect=1",
              "-mon",
              "chardev=ctysqmp,mode=control",
              "-chardev",
              "socket,id=ctysconsole,path=/run/ctys/i/web/serial.sock,reconnect=1,mux=on,"
              "logfile=/run/ctys/i/web/serial.log,logappend=on",
              "-serial",
              "chardev:ctysconsole",
              "-mon",
              "chardev=ctysconsole,mode=readline",
              "-trace",
              "qemu_system_shutdown_request",
              "-D",
              "/run/ctys/i/web/trace.log",
              "-drive",
              "file=/vm/web/web.img,format=raw,if=ide"});
}

TEST_CASE("a VM with everything has exactly this command line", "[qemu]") {
    auto plan = small_plan();
    plan.uuid = uuid();
    plan.mac0 = "52:54:00:00:00:01";
    plan.memory_mb = 2048;
    plan.vcpus = 4;
    plan.machine = "pc";
    plan.cpu = "qemu64,+sse4.1";
    plan.accelerator = Accelerator::Kvm;
    plan.boot = Disk{.file = "/vm/a,b.qcow2", .format = "qcow2", .interface = "virtio"};
    plan.more_disks = {Disk{.file = "/vm/data.img"}};
    plan.cdrom = "/iso/a.iso";
    plan.kernel = "/vm/vmlinuz";
    plan.initrd = "/vm/initrd";
    plan.append = "console=ttyS0 quiet";
    plan.user_network = true;
    plan.paused = true;
    plan.load_state = "ctys-suspend";
    plan.snapshot = true;
    plan.read_only = true;
    plan.extra = {"-rtc", "base=localtime"};
    plan.instance_directory = "/r";

    CHECK(assemble(plan) ==
          std::vector<std::string>{
              "/usr/bin/qemu-system-x86_64",
              "-nodefaults",
              "-no-user-config",
              "-display",
              "none",
              "-name",
              "guest=web,process=ctys-web,debug-threads=on",
              "-uuid",
              "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
              "-sandbox",
              "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
              "-machine",
              "pc,accel=kvm",
              "-cpu",
              "qemu64,+sse4.1",
              "-m",
              "2048",
              "-smp",
              "4",
              "-chardev",
              "socket,id=ctysqmp,path=/r/qmp.sock,reconnect=1",
              "-mon",
              "chardev=ctysqmp,mode=control",
              "-chardev",
              "socket,id=ctysconsole,path=/r/serial.sock,reconnect=1,mux=on,"
              "logfile=/r/serial.log,logappend=on",
              "-serial",
              "chardev:ctysconsole",
              "-mon",
              "chardev=ctysconsole,mode=readline",
              "-trace",
              "qemu_system_shutdown_request",
              "-D",
              "/r/trace.log",
              "-netdev",
              "user,id=net0",
              "-device",
              "e1000,netdev=net0,mac=52:54:00:00:00:01",
              "-kernel",
              "/vm/vmlinuz",
              "-initrd",
              "/vm/initrd",
              "-append",
              "console=ttyS0 quiet",
              "-drive",
              "file=/vm/data.img,format=raw,if=virtio,readonly=on",
              "-drive",
              "media=cdrom,readonly=on,format=raw,file=/iso/a.iso",
              "-snapshot",
              "-S",
              "-loadvm",
              "ctys-suspend",
              "-rtc",
              "base=localtime",
              "-drive",
              "file=/vm/a,,b.qcow2,format=qcow2,if=virtio,readonly=on"});
}

TEST_CASE("floppies, a boot order and a network to boot from have these words", "[qemu]") {
    auto plan = small_plan();
    plan.cdrom = "/iso/a.iso";
    plan.floppies = {Floppy{"/vm/a,b.img"}, Floppy{"/dev/fd1"}};
    plan.boot_order = "a";
    plan.user_network = true;
    plan.tftp_boot_file = "/srv/t,ftp/pxelinux.0";

    const auto argv = assemble(plan).value();

    CHECK(std::vector<std::string>(argv.begin() + 29, argv.end()) ==
          std::vector<std::string>{"-netdev",
                                   "user,id=net0,tftp=/srv/t,,ftp,bootfile=pxelinux.0",
                                   "-device",
                                   "e1000,netdev=net0",
                                   "-drive",
                                   "file=/vm/a,,b.img,format=raw,if=floppy",
                                   "-drive",
                                   "file=/dev/fd1,format=raw,if=floppy",
                                   "-drive",
                                   "media=cdrom,readonly=on,format=raw,file=/iso/a.iso",
                                   "-boot",
                                   "order=a",
                                   "-drive",
                                   "file=/vm/web/web.img,format=raw,if=ide"});
}

TEST_CASE("the boot order goes before one in the words of a configuration", "[qemu]") {
    auto plan = small_plan();
    plan.boot_order = "d";
    plan.extra = {"-boot", "c"};

    const auto argv = assemble(plan).value();

    CHECK(std::vector<std::string>(argv.end() - 6, argv.end() - 2) ==
          std::vector<std::string>{"-boot", "c", "-boot", "order=d"});
}

TEST_CASE("a disk that is a source is not written, and booted before the others", "[qemu]") {
    auto plan = small_plan();
    plan.more_disks = {Disk{.file = "/old.img", .source = true}};

    const auto argv = assemble(plan).value();

    CHECK(std::vector<std::string>(argv.end() - 6, argv.end()) ==
          std::vector<std::string>{"-drive",
                                   "file=/old.img,format=raw,if=none,id=ctyssource,readonly=on",
                                   "-device",
                                   "virtio-blk,drive=ctyssource,bootindex=0",
                                   "-drive",
                                   "file=/vm/web/web.img,format=raw,if=ide"});
}

TEST_CASE("a source is read-only on a bus without virtio, too", "[qemu]") {
    auto plan = small_plan();
    plan.more_disks = {Disk{.file = "/old.img", .interface = "scsi", .source = true}};

    const auto argv = assemble(plan).value();

    CHECK(argv[argv.size() - 3] == "file=/old.img,format=raw,if=scsi,readonly=on");
}

TEST_CASE("a floppy can be read-only beside one that is not", "[qemu]") {
    auto plan = small_plan();
    plan.floppies = {Floppy{"/vm/a.img", true}, Floppy{"/vm/b.img"}};

    const auto argv = assemble(plan).value();

    CHECK(argv[argv.size() - 5] == "file=/vm/a.img,format=raw,if=floppy,readonly=on");
    CHECK(argv[argv.size() - 3] == "file=/vm/b.img,format=raw,if=floppy");
}

TEST_CASE("further options of the user network stand before its TFTP", "[qemu]") {
    auto plan = small_plan();
    plan.user_network = true;
    plan.network_options = {"hostfwd=tcp::5555-:22", "tftp=/other"};
    plan.tftp_boot_file = "/srv/pxelinux.0";

    CHECK(assemble(plan).value()[30] ==
          "user,id=net0,hostfwd=tcp::5555-:22,tftp=/other,tftp=/srv,bootfile=pxelinux.0");
}

TEST_CASE("a read-only VM has read-only floppies", "[qemu]") {
    auto plan = small_plan();
    plan.floppies = {Floppy{"/vm/a.img"}};
    plan.read_only = true;

    const auto argv = assemble(plan).value();

    CHECK(argv[argv.size() - 3] == "file=/vm/a.img,format=raw,if=floppy,readonly=on");
}

TEST_CASE("a floppy is not taken for the boot image of a VM", "[qemu]") {
    auto plan = small_plan();
    plan.floppies = {Floppy{"/vm/a.img"}};
    plan.boot_order = "a";
    plan.boot.reset();

    const auto line = parse(assemble(plan).value());

    CHECK(line.image.empty());
    CHECK(line.images == std::vector<std::string>{"/vm/a.img"});
    CHECK(line.unknown.empty());
}

TEST_CASE("a VM on a VDE switch has exactly this command line", "[qemu]") {
    auto plan = small_plan();
    plan.mac0 = "52:54:00:00:00:01";
    plan.vde_switch = "/var/tmp/vde_switch0.web";

    CHECK(assemble(plan) ==
          std::vector<std::string>{
              "/usr/bin/qemu-system-x86_64",
              "-nodefaults",
              "-no-user-config",
              "-display",
              "none",
              "-name",
              "guest=web,process=ctys-web,debug-threads=on",
              "-sandbox",
              "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
              "-machine",
              "q35,accel=tcg",
              "-m",
              "128",
              "-smp",
              "1",
              "-chardev",
              "socket,id=ctysqmp,path=/run/ctys/i/web/qmp.sock,reconnect=1",
              "-mon",
              "chardev=ctysqmp,mode=control",
              "-chardev",
              "socket,id=ctysconsole,path=/run/ctys/i/web/serial.sock,reconnect=1,mux=on,"
              "logfile=/run/ctys/i/web/serial.log,logappend=on",
              "-serial",
              "chardev:ctysconsole",
              "-mon",
              "chardev=ctysconsole,mode=readline",
              "-trace",
              "qemu_system_shutdown_request",
              "-D",
              "/run/ctys/i/web/trace.log",
              "-netdev",
              "vde,id=net0,sock=/var/tmp/vde_switch0.web",
              "-device",
              "e1000,netdev=net0,mac=52:54:00:00:00:01",
              "-drive",
              "file=/vm/web/web.img,format=raw,if=ide"});
}

TEST_CASE("a switch whose path QEMU would misread is refused", "[qemu]") {
    const auto [path, why] = GENERATE(table<std::string, std::string>({
        {"vde_switch0", "the folder of a switch must be an absolute path, not vde_switch0"},
        {"/sw[3]",
         "the folder of a switch has control characters, brackets or :// in it, which VDE takes "
         "for something else: /sw[3]"},
        {"/a://b",
         "the folder of a switch has control characters, brackets or :// in it, which VDE takes "
         "for something else: /a://b"},
        {"/a\nb",
         "the folder of a switch has control characters, brackets or :// in it, which VDE takes "
         "for something else: /a?b"},
        {"/" + std::string(91, 'a'),
         "the folder of a switch has 92 bytes, at most 91 fit: /" + std::string(59, 'a') + "..."},
    }));
    auto plan = small_plan();
    plan.vde_switch = path;

    const auto argv = assemble(plan);

    REQUIRE_FALSE(argv);
    CHECK(argv.error().code == ErrorCode::Usage);
    CHECK(argv.error().message == why);
}

TEST_CASE("a comma in the path of a switch stays part of it", "[qemu]") {
    auto plan = small_plan();
    plan.vde_switch = "/vde/a,port=1";

    const auto argv = assemble(plan).value();

    CHECK(std::find(argv.begin(), argv.end(), "vde,id=net0,sock=/vde/a,,port=1") != argv.end());
}

TEST_CASE("a VM is on one network, not on two", "[qemu]") {
    auto plan = small_plan();
    plan.user_network = true;
    plan.vde_switch = "/var/tmp/vde_switch0.web";

    CHECK(assemble(plan).error().message == "there is one network: user or vde");
}

TEST_CASE("other architectures get disks and cards they have", "[qemu]") {
    auto plan = small_plan();
    plan.binary = "/usr/bin/qemu-system-aarch64";
    plan.arch = "aarch64";
    plan.user_network = true;

    const auto argv = assemble(plan).value();

    CHECK(argv[10] == "virt,accel=tcg");
    CHECK(std::find(argv.begin(), argv.end(), "virtio-net-pci,netdev=net0") != argv.end());
    CHECK(argv.back() == "file=/vm/web/web.img,format=raw,if=virtio");
}

TEST_CASE("the card of a board takes the network, whatever bus the board lacks", "[qemu]") {
    auto plan = small_plan();
    plan.user_network = true;
    plan.nic_model = "board";
    plan.mac0 = "00:50:56:13:13:19";
    const auto argv = assemble(plan).value();

    const auto net = std::find(argv.begin(), argv.end(), "-net");
    REQUIRE(net != argv.end());
    CHECK(net[1] == "nic,netdev=net0,macaddr=00:50:56:13:13:19");
    CHECK(std::find(argv.begin(), argv.end(), "-device") == argv.end());
}

TEST_CASE("the channel to a guest agent stands behind the network card", "[qemu]") {
    auto plan = small_plan();
    plan.user_network = true;
    plan.guest_agent = true;
    plan.instance_directory = "/run/a,b";

    const auto argv = assemble(plan).value();

    const auto card = std::find(argv.begin(), argv.end(), "e1000,netdev=net0");
    REQUIRE(argv.end() - card > 7);
    CHECK(std::vector(card + 1, card + 7) ==
          std::vector<std::string>{
              "-chardev",
              "socket,id=ctysguest,path=/run/a,,b/ga.sock,server=on,wait=off",
              "-device",
              "virtio-serial,id=ctysports",
              "-device",
              "virtserialport,bus=ctysports.0,chardev=ctysguest,name=org.qemu.guest_agent.0"});
    CHECK(instance_files("/i").guest_agent == "/i/ga.sock");
}

TEST_CASE("a board without virtio takes no channel to a guest agent", "[qemu]") {
    const auto [arch, machine, fits] =
        GENERATE(table<std::string, std::string, bool>({{"x86_64", "", true},
                                                        {"x86_64", "isapc", false},
                                                        {"aarch64", "", true},
                                                        {"arm", "integratorcp", false},
                                                        {"m68k", "", false},
                                                        {"m68k", "virt", true},
                                                        {"sparc", "SS-20", false},
                                                        {"sparc64", "", false}}));
    CAPTURE(arch, machine);
    auto plan = small_plan();
    plan.arch = arch;
    plan.machine = machine;
    CHECK(check_guest_agent(plan));

    plan.guest_agent = true;

    CHECK(check_guest_agent(plan).has_value() == fits);
    CHECK(assemble(plan).has_value() == fits);
}

TEST_CASE("what is assembled reads back as what was planned", "[qemu]") {
    auto plan = small_plan();
    plan.uuid = uuid();
    plan.mac0 = "52:54:00:00:00:01";
    plan.user_network = true;
    plan.memory_mb = 300;
    plan.vcpus = 3;
    plan.boot->file = "/vm/we,b/x=1.img";

    const auto argv = assemble(plan).value();
    const auto line = parse(argv);

    CHECK(line.name == "web");
    CHECK(line.process == "ctys-web");
    CHECK(line.uuid == uuid());
    CHECK(line.image == "/vm/we,b/x=1.img");
    CHECK(line.macs == std::vector<std::string>{plan.mac0});
    CHECK(line.memory_mb == 300);
    CHECK(line.vcpus == 3);
    CHECK(line.accel == "tcg");
    CHECK(line.console == "/run/ctys/i/web/serial.sock");
    CHECK(line.console_monitor);
    CHECK(line.unknown.empty());
    CHECK(instance_directory(line) == "/run/ctys/i/web");
    CHECK(guess_owner(argv) == Owner::Ctys);
    CHECK(line.monitors.at(0) ==
          Monitor{Monitor::Kind::Qmp, "ctysqmp", "/run/ctys/i/web/qmp.sock", "unix", false});
}

TEST_CASE("every architecture has a board that boots a whole system", "[qemu]") {
    CHECK(default_machine("x86_64") == "q35");
    CHECK(default_machine("aarch64") == "virt");
    CHECK(default_machine("riscv64") == "virt");
    CHECK(default_machine("arm") == "virt");
    CHECK(default_machine("mipsel") == "malta");
    CHECK(default_machine("ppc") == "g3beige");
    CHECK(default_machine("ppc64") == "pseries");
    CHECK(default_machine("sh4") == "r2d");
    CHECK(default_machine("m68k") == "mcf5208evb");
    CHECK(default_machine("alpha") == "clipper");
    CHECK(default_machine("sparc") == "SS-5");
    CHECK(default_machine("sparc64") == "sun4u");
    CHECK(default_interface("sparc64") == "ide");
    CHECK(default_interface("alpha") == "virtio");
}

TEST_CASE("a plan that QEMU would refuse or misread is refused first", "[qemu]") {
    auto plan = small_plan();
    const auto refused = [&] {
        const auto argv = assemble(plan);
        REQUIRE_FALSE(argv);
        CHECK(argv.error().code == ErrorCode::Usage);
        return argv.error().message;
    };

    SECTION("label") {
        plan.label = "web,process=init";
        CHECK(refused() == "not a label: web,process=init");
    }
    SECTION("format") {
        plan.boot->format = "raw,file.locking=off";
        CHECK(refused() == "an image format is not one word: raw,file.locking=off");
    }
    SECTION("machine") {
        plan.machine = "q35,accel=kvm";
        CHECK(refused() == "the machine is not one word: q35,accel=kvm");
    }
    SECTION("relative image") {
        plan.boot->file = "web.img";
        CHECK(refused() == "a disk image must be an absolute path, not web.img");
    }
    SECTION("socket path") {
        plan.instance_directory = "/" + std::string(100, 'd');
        CHECK(refused().find("has 110 bytes, a unix socket takes 107") != std::string::npos);
    }
    SECTION("MAC address") {
        plan.mac0 = "52:54:00:00:00:0x";
        CHECK(refused() == "not a MAC address: 52:54:00:00:00:0x");
    }
    SECTION("memory") {
        plan.memory_mb = 0;
        CHECK(refused() == "memory of 0 MB is not between 1 and 16777216");
    }
    SECTION("initial RAM disk without a kernel") {
        plan.initrd = "/vm/initrd";
        CHECK(refused() == "an initial RAM disk or kernel arguments need a kernel");
    }
    SECTION("three floppies") {
        plan.floppies = {Floppy{"/a"}, Floppy{"/b"}, Floppy{"/c"}};
        CHECK(refused() == "3 floppies; there are two drives");
    }
    SECTION("floppy without an image") {
        plan.floppies = {Floppy{""}};
        CHECK(refused() == "a floppy has no image");
    }
    SECTION("relative floppy image") {
        plan.floppies = {Floppy{"a.img"}};
        CHECK(refused() == "a floppy image must be an absolute path, not a.img");
    }
    SECTION("floppy of another architecture") {
        plan.arch = "aarch64";
        plan.floppies = {Floppy{"/a.img"}};
        CHECK(refused() == "there are floppy drives on x86 only, not on aarch64");
    }
    SECTION("boot order") {
        plan.boot_order = "d,menu=on";
        CHECK(refused() == "the boot order d,menu=on has other letters than a (floppy), c (disk), "
                           "d (CD) and n (network)");
    }
    SECTION("TFTP without the user network") {
        plan.tftp_boot_file = "/srv/pxelinux.0";
        CHECK(refused() == "a file to boot by TFTP needs the user network");
    }
    SECTION("TFTP of a folder") {
        plan.user_network = true;
        plan.tftp_boot_file = "/srv/tftp/";
        CHECK(refused() == "/srv/tftp/ is a folder; TFTP needs the file that is booted");
    }
    SECTION("TFTP of the root folder") {
        plan.user_network = true;
        plan.tftp_boot_file = "/pxelinux.0";
        CHECK(refused() == "TFTP serves the folder of /pxelinux.0: every file of this machine");
    }
    SECTION("options of a network that is not there") {
        plan.network_options = {"hostfwd=tcp::1-:2"};
        CHECK(refused() == "options of the user network need that network");
    }
    SECTION("relative file of TFTP") {
        plan.user_network = true;
        plan.tftp_boot_file = "pxelinux.0";
        CHECK(refused() == "the file to boot by TFTP must be an absolute path, not pxelinux.0");
    }
    SECTION("NUL in extra arguments") {
        plan.extra = {std::string{"a\0b", 3}};
        CHECK(refused() == "an argument contains a NUL byte: a?b");
    }
}
