#include "agent/scanner/mountinfo.h"

#include <catch2/catch.hpp>

using namespace ctys::agent;

namespace {

constexpr std::string_view sample =
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=continue\n"
    "40 22 0:35 / /srv/vm\\040pool rw,noatime shared:7 master:3 - nfs4 nas:/export/vm "
    "rw,vers=4.2,addr=10.0.0.9\n"
    "41 22 0:36 / /srv/vm ro - squashfs /dev/loop0 ro\n"
    "garbage\n"
    "42 22 0:37 / /srv/vm rw - tmpfs none\n";

} // namespace

TEST_CASE("mountinfo gives source, type and options whatever optional fields there are",
          "[scanner]") {
    const auto mounts = parse_mountinfo(sample);

    REQUIRE(mounts.size() == 4);
    CHECK(mounts[1].id == 40);
    CHECK(mounts[1].point == "/srv/vm pool");
    CHECK(mounts[1].filesystem == "nfs4");
    CHECK(mounts[1].source == "nas:/export/vm");
    CHECK(mounts[1].super_options == "rw,vers=4.2,addr=10.0.0.9");
    CHECK_FALSE(mounts[1].read_only);
    CHECK(mounts[2].read_only);
}

TEST_CASE("a path lies in the last mount on the longest point above it", "[scanner]") {
    const auto mounts = parse_mountinfo(sample);

    CHECK(find_mount(mounts, "/srv/vm pool/a")->filesystem == "nfs4");
    CHECK(find_mount(mounts, "/srv/vm/a")->filesystem == "tmpfs");
    CHECK(find_mount(mounts, "/srv/vmware")->filesystem == "ext4");
    CHECK_FALSE(find_mount({}, "/srv"));
    CHECK(find_mount_by_id(mounts, 41)->filesystem == "squashfs");
    CHECK_FALSE(find_mount_by_id(mounts, 43));
}

TEST_CASE("lines that are no mountinfo are skipped", "[scanner]") {
    const auto text = GENERATE("",
                               "\n\n",
                               "36 35 98:0 / /a rw",
                               "x 35 98:0 / /a rw - ext4 /dev/a rw",
                               "36 35 98:0 / /a rw master:1 ext4 /dev/a rw",
                               "36 35 98:0 / /a rw master:1 x -");

    CHECK(parse_mountinfo(text).empty());
}

TEST_CASE("file systems of other machines are told from local ones", "[scanner]") {
    CHECK(is_network_filesystem("nfs4"));
    CHECK(is_network_filesystem("fuse.sshfs"));
    CHECK(is_network_filesystem("9p"));
    CHECK_FALSE(is_network_filesystem("ext4"));
    CHECK_FALSE(is_network_filesystem("nfsd"));
    CHECK(is_automount("autofs"));
}

TEST_CASE("being within a directory goes by whole components", "[scanner]") {
    CHECK(is_within("/a", "/a"));
    CHECK(is_within("/a/", "/a/b"));
    CHECK(is_within("/", "/a"));
    CHECK(is_within("", "a/b"));
    CHECK_FALSE(is_within("/a", "/ab"));
    CHECK_FALSE(is_within("/a/b", "/a"));
}
