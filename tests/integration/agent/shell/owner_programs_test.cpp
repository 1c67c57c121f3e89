#include "agent/shell/owner_programs.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace ctys;
using namespace ctys::agent;

TEST_CASE("a command is there while its program can be run", "[agent]") {
    const support::TemporaryDirectory root;
    const auto program = root.path() + "/ask";
    OwnerCommands commands{{Owner::Libvirt, {.words = {program, "{uuid}"}, .origin = "test"}},
                           {Owner::Proxmox, {.words = {"sh", "-c"}, .origin = "test"}},
                           {Owner::Incus, {.words = {"no-such-program"}, .origin = "test"}}};
    const auto found = [&](Owner owner) {
        find_programs(commands);
        return commands.at(owner).found;
    };

    CHECK_FALSE(found(Owner::Libvirt));
    std::ofstream{program} << "#!/bin/sh\n";
    CHECK_FALSE(found(Owner::Libvirt));
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    CHECK(found(Owner::Libvirt));
    std::filesystem::remove(program);
    CHECK_FALSE(found(Owner::Libvirt));
    CHECK(found(Owner::Proxmox));
    CHECK_FALSE(found(Owner::Incus));
}

TEST_CASE("a pidfile names one process", "[agent]") {
    const support::TemporaryDirectory root;
    const auto file = root.path() + "/web.pid";
    CHECK_FALSE(check_pidfile(file, 4711));

    std::ofstream{file} << "4711\n";
    CHECK(check_pidfile(file, 4711));
    const auto other = check_pidfile(file, 471);
    REQUIRE_FALSE(other);
    CHECK(other.error().code == ErrorCode::Refused);

    std::ofstream{file} << "web";
    CHECK_FALSE(check_pidfile(file, 0));
}
