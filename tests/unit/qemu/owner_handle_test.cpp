#include "mesh/qemu/owner_handle.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qemu;
using Argv = std::vector<std::string>;

TEST_CASE("a VM of Proxmox has the number of its pidfile", "[qemu]") {
    const auto handle = owner_handle(
        Owner::Proxmox, Argv{"kvm", "-id", "8006", "-pidfile", "/var/run/qemu-server/8006.pid"});
    CHECK(handle.vmid == "8006");
    CHECK(handle.pidfile == "/run/qemu-server/8006.pid");
}

TEST_CASE("a VM of Incus has its name and project from its folder", "[qemu]") {
    struct Row {
        std::string name;
        std::string pidfile;
        std::string project;
    };
    const auto row = GENERATE(values<Row>({
        {"vm1", "/run/incus/vm1/qemu.pid", "default"},
        {"vm1", "/var/run/incus/vm1/qemu.pid", "default"},
        {"vm1", "/run/incus/shop_vm1/qemu.pid", "shop"},
        {"vm1", "/var/log/incus/old_shop_vm1/qemu.pid", "old_shop"},
    }));
    const auto handle =
        owner_handle(Owner::Incus, Argv{"qemu", "-name", row.name, "-pidfile", row.pidfile});
    CHECK(handle.instance == row.name);
    CHECK(handle.project == row.project);
    CHECK(handle.pidfile.ends_with("/qemu.pid"));
}

TEST_CASE("a VM of libvirt is reached where its daemon runs", "[qemu]") {
    SECTION("the machine's") {
        const auto handle =
            owner_handle(Owner::Libvirt,
                         Argv{"qemu",
                              "-name",
                              "guest=web 1,debug-threads=on",
                              "-object",
                              R"({"qom-type":"secret","id":"masterKey0","format":"raw",)"
                              R"("file":"/var/lib/libvirt/qemu/domain-1-web 1/master-key.aes"})"});
        CHECK(handle.connection == "qemu:///system");
        CHECK(handle.pidfile == "/run/libvirt/qemu/web 1.pid");
        CHECK(handle.log == "/var/log/libvirt/qemu/web 1.log");
    }
    SECTION("a user's") {
        const auto handle = owner_handle(
            Owner::Libvirt,
            Argv{"qemu",
                 "-name",
                 "guest=web,debug-threads=on",
                 "-object",
                 "secret,id=masterKey0,format=raw,"
                 "file=/home/lab/.config/libvirt/qemu/lib/domain-1-web/master-key.aes"});
        CHECK(handle.connection == "qemu:///session");
        CHECK(handle.pidfile.empty());
    }
}

TEST_CASE("what does not agree with itself, or is no plain word, names nothing", "[qemu]") {
    const auto [owner, argv] = GENERATE(table<Owner, Argv>({
        // Another number in the file, one that is none, one that is an option.
        {Owner::Proxmox, {"kvm", "-id", "100", "-pidfile", "/run/qemu-server/101.pid"}},
        {Owner::Proxmox, {"kvm", "-id", "0100", "-pidfile", "/run/qemu-server/0100.pid"}},
        {Owner::Proxmox, {"kvm", "-id", "--all", "-pidfile", "/run/qemu-server/--all.pid"}},
        {Owner::Proxmox,
         {"kvm", "-id", "1234567890", "-pidfile", "/run/qemu-server/1234567890.pid"}},
        {Owner::Proxmox, {"kvm", "-id", "100"}},
        {Owner::Incus, {"qemu", "-name", "vm2", "-pidfile", "/run/incus/vm1/qemu.pid"}},
        {Owner::Incus, {"qemu", "-name", "--all", "-pidfile", "/run/incus/--all/qemu.pid"}},
        {Owner::Incus, {"qemu", "-name", "vm1", "-pidfile", "/run/incus/-x_vm1/qemu.pid"}},
        {Owner::Incus, {"qemu", "-name", "vm1", "-pidfile", "/run/incus/vm1/../../tmp/qemu.pid"}},
        {Owner::Incus, {"qemu", "-name", "..", "-pidfile", "/run/incus/../qemu.pid"}},
        {Owner::Incus, {"qemu", "-name", "vm1", "-pidfile", "/tmp/run/incus/vm1/qemu.pid"}},
        {Owner::Incus, {"qemu", "-name", "vm1", "-readconfig", "/run/incus/vm1/qemu.conf"}},
        {Owner::Libvirt, {"qemu", "-name", "guest=../../tmp/x"}},
        {Owner::Libvirt, {"qemu", "-name", "guest=a\nb"}},
        {Owner::Libvirt, {"qemu"}},
        {Owner::ByHand, {"kvm", "-id", "100", "-pidfile", "/run/qemu-server/100.pid"}},
        {Owner::Proxmox, {}},
    }));
    CAPTURE(argv);
    CHECK(owner_handle(owner, argv) == OwnerHandle{});
}
