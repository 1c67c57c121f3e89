#include "agent/discovery/proc_text.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;

namespace {

std::string stat_line(std::string_view name) {
    return "4711 (" + std::string(name) +
           ") S 1 4700 4699 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 137697 99 100\n";
}

} // namespace

TEST_CASE("a stat line is read whatever the program calls itself", "[discovery]") {
    const auto name = GENERATE(
        as<std::string>{}, "qemu-system-x86", "a) S 1 (b", ") R 7 7 7 ", "", " ", "(((", "x\ny");
    CAPTURE(name);
    const auto stat = parse_proc_stat(stat_line(name));

    REQUIRE(stat);
    CHECK(*stat == ProcStat{.pid = 4711,
                            .comm = name,
                            .state = 'S',
                            .parent = 1,
                            .process_group = 4700,
                            .session = 4699,
                            .start_ticks = 137697});
}

TEST_CASE("what is no stat line is malformed", "[discovery]") {
    const auto text = GENERATE(as<std::string>{},
                               "",
                               "1",
                               "1 (a)",
                               "1 (a) ",
                               ") (",
                               "1 (a) S 1 2 3",
                               "x (a) S 1 4700 4699 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 137697",
                               "1 (a) S 1 4700 4699 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 -5",
                               "1 (a) SS 1 4700 4699 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 5");
    CAPTURE(text);
    CHECK(parse_proc_stat(text).error().code == ErrorCode::Malformed);
}

TEST_CASE("the unified cgroup counts before the one of systemd", "[discovery]") {
    CHECK(parse_cgroup("0::/qemu.slice/100.scope\n") == "/qemu.slice/100.scope");
    CHECK(parse_cgroup("12:cpu:/a\n1:name=systemd:/b\n0::/c\n") == "/c");
    CHECK(parse_cgroup("12:cpu:/a\n1:name=systemd:/b\n") == "/b");
    CHECK(parse_cgroup("").empty());
}

TEST_CASE("only listening sockets with a name are taken from net/unix", "[discovery]") {
    const auto sockets = parse_listening_unix(
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 11111 /run/vm one/qmp.sock\n"
        "0000000000000000: 00000003 00000000 00000000 0001 03 22222 /run/connected\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 33333 @abstract\n"
        "0000000000000000: 00000002 00000000 00010000 0001 01 44444\n"
        "0000000000000000: 00000002 00000000 zz 0001 01 5 /x\ngarbage\n");

    CHECK(sockets ==
          std::vector<UnixSocket>{{11111, "/run/vm one/qmp.sock"}, {33333, "@abstract"}});
}

TEST_CASE("a command line keeps empty arguments and strange bytes", "[discovery]") {
    using namespace std::string_literals;
    CHECK(parse_cmdline("qemu\0-name\0\0-S\0"s) ==
          std::vector<std::string>{"qemu", "-name", "", "-S"});
    CHECK(parse_cmdline("overwritten by its process"s).size() == 1);
    CHECK(parse_cmdline("").empty());
}

TEST_CASE("executables of QEMU are known by name, also after an upgrade", "[discovery]") {
    CHECK(is_qemu_executable("/usr/bin/qemu-system-x86_64"));
    CHECK(is_qemu_executable("/usr/bin/qemu-system-aarch64 (deleted)"));
    CHECK(is_qemu_executable("/usr/libexec/qemu-kvm"));
    CHECK(is_qemu_executable("/usr/bin/kvm"));
    CHECK_FALSE(is_qemu_executable("/usr/bin/qemu-system-"));
    CHECK_FALSE(is_qemu_executable("/usr/bin/qemu-img"));
    CHECK_FALSE(is_qemu_executable("/usr/bin/my-qemu-system-x86_64"));
    CHECK_FALSE(is_qemu_executable("/qemu-system-x86_64/bash"));
    CHECK_FALSE(is_qemu_executable(""));
}

TEST_CASE("descriptors that may be images are told from the others", "[discovery]") {
    CHECK(may_be_image("/srv/vm/web/disk.qcow2"));
    CHECK(may_be_image("/dev/mapper/vg-web"));
    CHECK(may_be_image("/dev/sda"));
    CHECK_FALSE(may_be_image("/dev/kvm"));
    CHECK_FALSE(may_be_image("/dev/pts/3"));
    CHECK_FALSE(may_be_image("socket:[12]"));
    CHECK_FALSE(may_be_image("anon_inode:kvm-vcpu:0"));
    CHECK_FALSE(may_be_image("/memfd:memory-backend (deleted)"));
    CHECK_FALSE(may_be_image("/var/log/libvirt/qemu/web.log"));
    CHECK_FALSE(may_be_image(""));
    CHECK(socket_inode("socket:[12]") == 12);
    CHECK(socket_inode("socket:[") == 0);
    CHECK(socket_inode("socket:[x]") == 0);
    CHECK(socket_inode("") == 0);
}

TEST_CASE("numbers of a status file are found by name and column", "[discovery]") {
    const std::string text = "Name:\tUid:\nUidX:\t9\nUid:\t1\t2\t3\t4\nGid:\tx\n";
    CHECK(parse_status_number(text, "Uid", 1) == 2U);
    CHECK_FALSE(parse_status_number(text, "Uid", 4));
    CHECK_FALSE(parse_status_number(text, "Gid", 0));
    CHECK_FALSE(parse_status_number(text, "None", 0));
}
