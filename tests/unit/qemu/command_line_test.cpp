#include "mesh/qemu/command_line.h"

#include <catch2/catch.hpp>

#include <sstream>

using namespace ctys;
using namespace ctys::qemu;

namespace {

// A command line without blanks inside its arguments.
std::vector<std::string> words(const std::string& text) {
    std::istringstream in{text};
    std::vector<std::string> out;
    for (std::string word; in >> word;) {
        out.push_back(word);
    }
    return out;
}

QemuCommandLine parsed(const std::string& text) {
    return parse(words("/usr/bin/qemu-system-x86_64 " + text));
}

} // namespace

TEST_CASE("a command line typed by hand gives its facts", "[qemu]") {
    const auto line =
        parsed("-M pc,accel=kvm:tcg -name web,process=q-web -m 512 --smp 2 "
               "-uuid 1B4E28BA-2FA1-11D2-883F-0016D3CCA427 -net nic,macaddr=52:54:00:AA:00:01 "
               "-net user -cdrom /iso/a.iso -vnc :7 -pidfile /run/w.pid -daemonize "
               "/vm/web/hda.img");

    CHECK(line.program == "/usr/bin/qemu-system-x86_64");
    CHECK(line.name == "web");
    CHECK(line.process == "q-web");
    CHECK(line.uuid.value().to_string() == "1b4e28ba-2fa1-11d2-883f-0016d3cca427");
    CHECK(line.image == "/vm/web/hda.img");
    CHECK(line.images == std::vector<std::string>{"/iso/a.iso", "/vm/web/hda.img"});
    CHECK(line.macs == std::vector<std::string>{"52:54:00:aa:00:01"});
    CHECK(line.memory_mb == 512);
    CHECK(line.vcpus == 2);
    CHECK(line.accel == "kvm:tcg");
    CHECK(line.machine == "pc");
    CHECK(line.vnc == ":7");
    CHECK(vnc_port(line.vnc) == 5907);
    CHECK(line.pidfile == "/run/w.pid");
    CHECK(line.daemonize);
    CHECK(line.unknown.empty());
}

TEST_CASE("the boot image is the last argument where that names one", "[qemu]") {
    CHECK(parsed("-hda a.img b.img").image == "b.img");
    CHECK(parsed("a.img -m 64").image == "a.img");
    CHECK(parsed("-hda a.img -drive file=b,,c.img,if=ide").image == "b,c.img");
    CHECK(parsed("-cdrom x.iso -drive file=y.iso,media=cdrom").image.empty());
    CHECK(parsed("-kernel k -append x").image.empty());
    CHECK(parsed("-drive if=pflash,file=fw -drive id=d,if=none,file=d.qcow2 -m 1G").image ==
          "d.qcow2");
}

TEST_CASE("monitors are found in every spelling", "[qemu]") {
    const auto [text, expected] = GENERATE(table<std::string, std::vector<Monitor>>({
        {"-qmp unix:/a/q,server,nowait", {{Monitor::Kind::Qmp, "", "/a/q", "unix", true}}},
        {"-qmp unix:/a/q,server=on,wait=off", {{Monitor::Kind::Qmp, "", "/a/q", "unix", true}}},
        {"-qmp-pretty unix:/a/q", {{Monitor::Kind::Qmp, "", "/a/q", "unix", false}}},
        {"-qmp unix:/a/q,server=off", {{Monitor::Kind::Qmp, "", "/a/q", "unix", false}}},
        {"-qmp tcp:127.0.0.1:4444,server=on", {{Monitor::Kind::Qmp, "", "", "tcp", true}}},
        {"-qmp stdio", {{Monitor::Kind::Qmp, "", "", "stdio", true}}},
        {"-monitor none", {}},
        {"-monitor unix:/a/m,server=yes", {{Monitor::Kind::Hmp, "", "/a/m", "unix", true}}},
        {"-mon chardev=c,mode=control -chardev socket,id=c,path=/a/q,server=on",
         {{Monitor::Kind::Qmp, "c", "/a/q", "unix", true}}},
        {"-chardev socket,id=c,path=/a/q,reconnect=1 -mon c,mode=control,pretty=on",
         {{Monitor::Kind::Qmp, "c", "/a/q", "unix", false}}},
        {"-chardev socket,id=c,fd=3,server=on -mon c", {{Monitor::Kind::Hmp, "c", "", "fd", true}}},
        {"-mon chardev=nobody,mode=control", {{Monitor::Kind::Qmp, "nobody", "", "", false}}},
        {"-chardev pty,id=p -qmp chardev:p", {{Monitor::Kind::Qmp, "p", "", "pty", true}}},
    }));
    CAPTURE(text);

    CHECK(parsed(text).monitors == expected);
}

TEST_CASE("the console is the socket of the first serial port", "[qemu]") {
    const auto mon = parsed("-serial mon:unix:/var/tmp/qemumon.web.12.joe,server,nowait x.img");
    CHECK(mon.console == "/var/tmp/qemumon.web.12.joe");
    CHECK(mon.console_monitor);
    CHECK(mon.monitors ==
          std::vector<Monitor>{
              {Monitor::Kind::Hmp, "", "/var/tmp/qemumon.web.12.joe", "unix", true}});

    const auto plain = parsed("-serial unix:/a/s,server -serial unix:/a/t,server");
    CHECK(plain.console == "/a/s");
    CHECK_FALSE(plain.console_monitor);

    const auto device =
        parsed("-chardev socket,id=s0,path=/a/s,server=on -device isa-serial,chardev=s0");
    CHECK(device.console == "/a/s");

    CHECK(parsed("-serial stdio -serial unix:/a/t,server").console.empty());
}

TEST_CASE("a command line of libvirt is read through its JSON", "[qemu]") {
    const auto line = parse(std::vector<std::string>{
        "/usr/bin/qemu-system-x86_64",
        "-name",
        "guest=deb,debug-threads=on",
        "-m",
        "size=2097152k",
        "-smp",
        "2,sockets=2,cores=1,threads=1",
        "-blockdev",
        R"({"driver":"file","filename":"/usr/share/OVMF/CODE.fd","node-name":"pf"})",
        "-blockdev",
        R"({"driver":"file","filename":"/vm/deb.qcow2","node-name":"libvirt-1-storage"})",
        "-blockdev",
        R"({"node-name":"libvirt-1-format","driver":"qcow2","file":"libvirt-1-storage"})",
        "-device",
        R"({"driver":"virtio-blk-pci","drive":"libvirt-1-format","bootindex":1})",
        "-device",
        R"({"driver":"virtio-net-pci","netdev":"n0","mac":"52:54:00:11:22:33"})",
        "-chardev",
        "socket,id=charmonitor,fd=25,server=on,wait=off",
        "-mon",
        "chardev=charmonitor,id=monitor,mode=control"});

    CHECK(line.name == "deb");
    CHECK(line.memory_mb == 2048);
    CHECK(line.vcpus == 2);
    CHECK(line.image == "/vm/deb.qcow2");
    CHECK(line.images == std::vector<std::string>{"/usr/share/OVMF/CODE.fd", "/vm/deb.qcow2"});
    CHECK(line.macs == std::vector<std::string>{"52:54:00:11:22:33"});
    CHECK(line.monitors ==
          std::vector<Monitor>{{Monitor::Kind::Qmp, "charmonitor", "", "fd", true}});
}

TEST_CASE("what a command line does not say stays empty", "[qemu]") {
    CHECK(parse({}) == QemuCommandLine{});
    CHECK(parsed("") == QemuCommandLine{.program = "/usr/bin/qemu-system-x86_64"});
    CHECK_FALSE(parsed("-uuid nonsense").uuid);
    CHECK(parsed("-m nonsense").memory_mb == 0);
}

TEST_CASE("smbios names the machine when -uuid does not", "[qemu]") {
    const std::string smbios = "-smbios type=1,uuid=11111111-2222-3333-4444-555555555555";
    CHECK(parsed(smbios).uuid.value().to_string() == "11111111-2222-3333-4444-555555555555");
    CHECK(parsed(smbios + " -uuid 99999999-2222-3333-4444-555555555555").uuid.value().to_string() ==
          "99999999-2222-3333-4444-555555555555");
    CHECK_FALSE(parsed("-smbios type=2,uuid=11111111-2222-3333-4444-555555555555").uuid);
}

TEST_CASE("options of older versions and unknown ones do not shift the rest", "[qemu]") {
    const auto line =
        parsed("-localtime -soundhw sb16 -frobnicate 7 -uncle -m 64 -enable-kvm x.img");

    CHECK(line.unknown == std::vector<std::string>{"-frobnicate", "-uncle"});
    CHECK(line.memory_mb == 64);
    CHECK(line.accel == "kvm");
    CHECK(line.image == "x.img");
    CHECK(parsed("-frobnicate x.img").image == "x.img");
    CHECK(parsed("-m").unknown == std::vector<std::string>{"-m"});
}

TEST_CASE("CPU counts come from the topology when no total is given", "[qemu]") {
    CHECK(parsed("-smp sockets=2,cores=4,threads=2").vcpus == 16);
    CHECK(parsed("-smp 4,maxcpus=8").vcpus == 4);
    CHECK(parsed("-smp sockets=4000000000,cores=4000000000,threads=4000000000").vcpus == 1U << 31);
}

TEST_CASE("markers of how it was started are kept", "[qemu]") {
    const auto line = parsed("-S -snapshot -readconfig /x -incoming defer -accel kvm -accel tcg "
                             "-nographic");
    CHECK(line.paused);
    CHECK(line.snapshot);
    CHECK(line.hidden);
    CHECK(line.incoming == "defer");
    CHECK(line.accel == "kvm:tcg");
    CHECK(line.display == "none");
}

TEST_CASE("a QEMU that only prints is told from a machine", "[qemu]") {
    for (const auto* asks : {"-version",
                             "--version",
                             "-h",
                             "--help",
                             "-machine help",
                             "-M ?",
                             "-m 64 -cpu help",
                             "-device help",
                             "-device e1000,help",
                             "-accel help x.img"}) {
        CAPTURE(asks);
        CHECK(parsed(asks).only_asks);
    }
    for (const auto* runs : {"x.img",
                             "-name help x.img",
                             "-device e1000,netdev=help",
                             "-append help -kernel help",
                             "-drive file=/vm/help",
                             "-hda ?"}) {
        CAPTURE(runs);
        CHECK_FALSE(parsed(runs).only_asks);
    }
}

TEST_CASE("endless command lines are read up to a bound", "[qemu]") {
    std::vector<std::string> argv{"qemu"};
    argv.insert(argv.end(), 100000, "x.img");
    const auto many = parse(argv);
    CHECK(many.truncated);
    CHECK(many.images.size() == 256);

    const auto wide = parse(std::vector<std::string>{"qemu", "-name", std::string(1 << 20, 'n')});
    CHECK(wide.truncated);
    CHECK(wide.name.size() == 65536);
}

TEST_CASE("the architecture is in the program's name", "[qemu]") {
    CHECK(arch_of_program("/usr/bin/qemu-system-aarch64 (deleted)") == "aarch64");
    CHECK(arch_of_program("qemu-system-i386") == "i386");
    CHECK(arch_of_program("/usr/bin/kvm").empty());
}

TEST_CASE("a VNC display has its port, whoever may reach it", "[qemu]") {
    CHECK(vnc_port(":0") == 5900);
    CHECK(vnc_port("127.0.0.1:7") == 5907);
    CHECK(vnc_port("[::1]:7") == 5907);
    for (const auto* none : {"", "none", ":", ":x", ":7x", ":-1", ":59636", "unix:/run/vnc:7"}) {
        CAPTURE(none);
        CHECK(vnc_port(none) == 0);
    }
    CHECK(parsed("-vnc none").vnc.empty());
}
