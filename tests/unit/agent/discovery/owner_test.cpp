#include "agent/discovery/owner.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;

TEST_CASE("the owner of an instance is told from what its starter left", "[discovery]") {
    struct Row {
        ProcessFacts facts;
        Owner owner;
    };
    const auto row = GENERATE(values<Row>({
        {{.argv = {"qemu-system-x86_64", "-S"}}, Owner::ByHand},
        {{.argv = {"q", "-chardev", "socket,path=/run/ctys/agent/vm/web/qmp.sock"}}, Owner::Ctys},
        {{.argv = {"q"}, .sockets = {"/run/ctys/agent/vm/web/mon"}}, Owner::Ctys},
        {{.argv = {"q"}, .cgroup = "/qemu.slice/100.scope"}, Owner::Proxmox},
        {{.argv = {"q", "-pidfile", "/var/run/qemu-server/100.pid"}}, Owner::Proxmox},
        {{.argv = {"q"},
          .cgroup = "/machine.slice/machine-qemu\\x2d1\\x2dweb.scope/libvirt/emulator"},
         Owner::Libvirt},
        {{.argv = {"q", "-object", "secret,file=/var/lib/libvirt/qemu/domain-1-web/k"}},
         Owner::Libvirt},
        {{.argv = {"q"}, .sockets = {"/home/u/.config/libvirt/qemu/lib/domain-1-w/monitor.sock"}},
         Owner::Libvirt},
        {{.argv = {"q"}, .parent_name = "libvirtd"}, Owner::Libvirt},
        {{.argv = {"q", "-drive", "file=/var/lib/libvirt/images/a.img"}}, Owner::ByHand},
        {{.argv = {"q"}, .cgroup = "/machine.slice/machine-container.scope"}, Owner::ByHand},
        {{.argv = {"q"}, .cgroup = "/system.slice/incus.service"}, Owner::Incus},
        {{.argv = {"q", "-readconfig", "/run/incus/v1/qemu.conf"}}, Owner::Incus},
        {{.missing = "not permitted"}, Owner::Unknown},
    }));
    const auto ownership = decide_owner(row.facts, "/run/ctys/agent");
    CAPTURE(ownership.because);
    CHECK(ownership.owner == row.owner);
    CHECK_FALSE(ownership.because.empty());
}

TEST_CASE("the launching parent of a daemonizing QEMU is told from the one that stays",
          "[discovery]") {
    CHECK(is_daemonizing({.argv = {"q", "-daemonize"}}));
    CHECK(is_daemonizing({.argv = {"q", "--daemonize"}}));
    CHECK_FALSE(is_daemonizing({.argv = {"q", "-daemonize"}, .session_is_orphan = true}));
    CHECK_FALSE(is_daemonizing({.argv = {"q", "-S"}}));
}
