#include "mesh/qemu/command_line.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qemu;
using Argv = std::vector<std::string>;

TEST_CASE("the owner of a process is guessed from what only that owner writes", "[qemu]") {
    const auto [argv, owner] = GENERATE(table<Argv, Owner>({
        {Argv{}, Owner::Unknown},
        {{"qemu-system-x86_64", "x.img"}, Owner::ByHand},
        {{"qemu", "-name", "guest=a", "-chardev", "socket,id=charmonitor,fd=25,server=on"},
         Owner::Libvirt},
        {{"qemu", "-object", R"({"qom-type":"secret","id":"masterKey0","format":"raw"})"},
         Owner::Libvirt},
        {{"kvm", "-id", "101", "-chardev", "socket,id=qmp,path=/var/run/qemu-server/101.qmp"},
         Owner::Proxmox},
        {{"qemu", "-readconfig", "/run/incus/v1/qemu.conf"}, Owner::Incus},
        {{"qemu", "-pidfile", "/var/log/lxd/v1/qemu.pid"}, Owner::Incus},
        {{"qemu",
          "-chardev",
          "socket,id=ctysqmp,path=/run/ctys/i/web/qmp.sock,reconnect=1",
          "-mon",
          "chardev=ctysqmp,mode=control"},
         Owner::Ctys},
        // A name alone proves nothing.
        {{"qemu", "-name", "guest=x,process=ctys-x"}, Owner::ByHand},
        {{"qemu", "-id", "101"}, Owner::ByHand},
    }));
    CAPTURE(argv);

    CHECK(guess_owner(argv) == owner);
}

TEST_CASE("our instance directory is where the monitor dials", "[qemu]") {
    const std::vector<std::string> argv{
        "qemu", "-chardev", "socket,id=ctysqmp,path=/r/w,,x/qmp.sock", "-mon", "ctysqmp"};
    CHECK(instance_directory(parse(argv)) == "/r/w,x");
    CHECK(instance_directory(QemuCommandLine{}).empty());
}
