// Command lines of QEMU as libvirt, Proxmox and Incus write them: who is taken for their owner,
// what they are called, and the command that asks them to end.

#include "agent/discovery/owner.h"
#include "agent/shell/agent_settings.h"
#include "agent/shell/process_record.h"

#include <catch2/catch.hpp>

#include <array>

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using Words = std::vector<std::string>;

namespace {

OwnerCommands shipped() {
    return owner_commands(setup::Settings::merge(agent_setting_rules(), {}).value()).value();
}

Result<OwnerCommands> configured(const std::string& name, Words words) {
    const std::array given{setup::Assignment{name, std::move(words), "agent.toml:3"}};
    return owner_commands(setup::Settings::merge(agent_setting_rules(), given).value());
}

ForeignProcess describe(ProcessFacts facts) {
    facts.key.pid = 4711;
    facts.executable = "/usr/bin/qemu-system-x86_64";
    return describe_foreign(facts, "/run/ctys", [](const std::string&) { return nullptr; });
}

Words call_of(const ForeignProcess& process, Duration wait = 120s) {
    const auto call = owner_call(shipped(), process.record, process.handle, wait);
    return call ? call->argv : Words{call.error().message};
}

// Proxmox VE 8, `qm showcmd 8006`, without its devices.
const Words proxmox_argv{
    "/usr/bin/kvm",
    "-id",
    "8006",
    "-name",
    "simple,debug-threads=on",
    "-no-shutdown",
    "-chardev",
    "socket,id=qmp,path=/var/run/qemu-server/8006.qmp,server=on,wait=off",
    "-mon",
    "chardev=qmp,mode=control",
    "-chardev",
    "socket,id=qmp-event,path=/var/run/qmeventd.sock,reconnect-ms=5000",
    "-mon",
    "chardev=qmp-event,mode=control",
    "-pidfile",
    "/var/run/qemu-server/8006.pid",
    "-daemonize",
    "-smbios",
    "type=1,uuid=7b10d7af-b932-4c66-b2c3-3996152ec465",
    "-smp",
    "3,sockets=1,cores=3,maxcpus=3",
    "-nodefaults",
    "-vnc",
    "unix:/var/run/qemu-server/8006.vnc,password=on",
    "-m",
    "768",
    "-drive",
    "file=/var/lib/vz/images/8006/vm-8006-disk-0.qcow2,if=none,id=drive-scsi0,format=qcow2",
    "-device",
    "scsi-hd,bus=scsihw0.0,channel=0,scsi-id=0,lun=0,drive=drive-scsi0,id=scsi0,bootindex=100",
    "-machine",
    "type=pc+pve1"};

// Incus 6.0: what is not here is in the file that -readconfig names.
Words incus_argv(const std::string& folder) {
    return {"/usr/bin/qemu-system-x86_64",
            "-S",
            "-name",
            "vm1",
            "-uuid",
            "0ab1fd26-3bd5-4a4f-9f5f-3c9b8d5d0a11",
            "-daemonize",
            "-cpu",
            "host,hv_passthrough",
            "-nographic",
            "-serial",
            "chardev:console",
            "-nodefaults",
            "-no-user-config",
            "-sandbox",
            "on,obsolete=deny,elevateprivileges=allow,spawn=allow,resourcecontrol=deny",
            "-readconfig",
            folder + "/qemu.conf",
            "-spice",
            "unix=on,disable-ticketing=on,addr=" + folder + "/qemu.spice",
            "-pidfile",
            folder + "/qemu.pid",
            "-D",
            "/var/log/incus/vm1/qemu.log",
            "-smbios",
            "type=2,manufacturer=LinuxContainers,product=Incus",
            "-run-with",
            "user=incus"};
}

// libvirt 9.0 of Debian 12, without its devices.
const Words libvirt_argv{
    "/usr/bin/qemu-system-x86_64",
    "-name",
    "guest=web,debug-threads=on",
    "-S",
    "-object",
    R"({"qom-type":"secret","id":"masterKey0","format":"raw",)"
    R"("file":"/var/lib/libvirt/qemu/domain-1-web/master-key.aes"})",
    "-machine",
    "pc-q35-7.2,usb=off,dump-guest-core=off,memory-backend=pc.ram",
    "-accel",
    "tcg",
    "-m",
    "16",
    "-smp",
    "1,sockets=1,cores=1,threads=1",
    "-uuid",
    "2e0c3a4e-7a62-4a3f-8d0c-6c8f0f5d1b77",
    "-display",
    "none",
    "-no-user-config",
    "-nodefaults",
    "-chardev",
    "socket,id=charmonitor,fd=22,server=on,wait=off",
    "-mon",
    "chardev=charmonitor,id=monitor,mode=control",
    "-no-shutdown",
    "-boot",
    "strict=on",
    "-blockdev",
    R"({"driver":"file","filename":"/vms/web.img","node-name":"libvirt-1-storage"})"};

} // namespace

TEST_CASE("a VM of Proxmox is asked by its number, and not forced", "[agent][owner]") {
    const auto process =
        describe({.argv = proxmox_argv, .cwd = "/", .cgroup = "/qemu.slice/8006.scope"});

    CHECK(process.record.owner == Owner::Proxmox);
    CHECK(process.record.label == "simple");
    CHECK(process.record.vm.to_string() == "7b10d7af-b932-4c66-b2c3-3996152ec465");
    CHECK(process.monitor.empty());
    CHECK(call_of(process) ==
          Words{"qm", "shutdown", "8006", "--timeout", "130", "--forceStop", "0"});
}

TEST_CASE("a VM of Incus is asked by project and name, never with a timeout of 0",
          "[agent][owner]") {
    const auto cgroup = "/system.slice/incus.service";
    const auto lone = describe({.argv = incus_argv("/run/incus/vm1"), .cgroup = cgroup});
    const auto inside = describe({.argv = incus_argv("/run/incus/shop_vm1"), .cgroup = cgroup});

    CHECK(lone.record.owner == Owner::Incus);
    CHECK(lone.record.label == "vm1");
    CHECK(lone.monitor.empty());
    CHECK(
        call_of(lone, 0s) ==
        Words{"incus", "stop", "--force-local", "--project", "default", "--timeout", "10", "vm1"});
    CHECK(call_of(inside, 59'500ms) ==
          Words{"incus", "stop", "--force-local", "--project", "shop", "--timeout", "70", "vm1"});
}

TEST_CASE("a VM of libvirt is asked by its UUID where its daemon runs", "[agent][owner]") {
    auto argv = libvirt_argv;
    SECTION("the machine's") {
        const auto process = describe({.argv = argv, .cwd = "/"});
        CHECK(process.record.owner == Owner::Libvirt);
        CHECK(process.record.label == "web");
        CHECK(process.monitor.empty());
        CHECK(call_of(process) == Words{"virsh",
                                        "--connect",
                                        "qemu:///system",
                                        "shutdown",
                                        "2e0c3a4e-7a62-4a3f-8d0c-6c8f0f5d1b77"});
        CHECK(process.handle.pidfile == "/run/libvirt/qemu/web.pid");
    }
    SECTION("a user's, as that user") {
        for (auto& word : argv) {
            const auto at = word.find("/var/lib/libvirt/qemu/");
            if (at != std::string::npos)
                word.replace(at, 22, "/home/lab/.config/libvirt/qemu/lib/");
        }
        const auto process = describe({.argv = argv, .cwd = "/"});
        CHECK(process.record.owner == Owner::Libvirt);
        const auto call = owner_call(shipped(), process.record, process.handle, 1s);
        REQUIRE(call);
        CHECK(call->argv[2] == "qemu:///session");
        CHECK(call->as_user);
    }
}

TEST_CASE("LXD's VMs are not asked by the tool of Incus", "[agent][owner]") {
    const auto process = describe({.argv = incus_argv("/var/snap/lxd/common/lxd/logs/vm1"),
                                   .cgroup = "/system.slice/snap.lxd.daemon.service"});

    CHECK(process.record.owner == Owner::Incus);
    CHECK(call_of(process) == Words{"cannot be asked: its QEMU does not tell the {project} that "
                                    "[owner.incus] shutdown needs"});
}

TEST_CASE("the command of an owner can be another one, or none", "[agent][owner]") {
    const auto process = describe({.argv = libvirt_argv, .cwd = "/"});

    const auto own = configured("owner.libvirt.shutdown", {"/opt/ask", "{label}:{pid}", "{uuid}"});
    REQUIRE(own);
    CHECK(owner_call(*own, process.record, process.handle, 1s)->argv ==
          Words{"/opt/ask", "web:4711", "2e0c3a4e-7a62-4a3f-8d0c-6c8f0f5d1b77"});

    const auto none = configured("owner.libvirt.shutdown", {});
    REQUIRE(none);
    const auto refused = owner_call(*none, process.record, process.handle, 1s);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Conflict);
    CHECK(
        refused.error().message ==
        "cannot be asked: [owner.libvirt] shutdown of agent.toml names no command (agent.toml:3)");

    const auto wrong = configured("owner.libvirt.shutdown", {"virsh", "{domain}"});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == ErrorCode::Usage);
    CHECK(wrong.error().message.starts_with("owner.libvirt.shutdown: there is no placeholder"));
}
