#include "agent/scanner/finding.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace ctys;
using namespace ctys::agent;

namespace {

const WorkerId worker = WorkerId::parse("aaaaaaaa-2222-4333-8444-555555555555").value();

FoundFile web_file() {
    FoundFile file;
    file.below = "web/web.ctys";
    file.storage.below = "web";
    file.uid = 1000;
    file.digest = 42;
    file.text = "#@#MAGICID-QEMU\n#@#LABEL = \"web\"\n"
                "#@#UUID = \"91d24b1a-0b2c-4d3e-8f90-0123456789ab\"\n#@#VMSTATE = \"ACTIVE\"\n";
    file.wrappers = {{"web.sh", 0755, 1000, true}};
    return file;
}

} // namespace

TEST_CASE("a found file becomes a VM and the path to it", "[scanner]") {
    const auto found = read_finding(web_file(), "/srv/vm", worker);

    CHECK(found.vm.label == "web");
    CHECK_FALSE(found.vm.uuid_derived);
    CHECK(found.path.vm == found.vm.id);
    CHECK(found.path.config == "/srv/vm/web/web.ctys");
    CHECK(found.path.wrapper == "/srv/vm/web/web.sh");
    CHECK(found.path.vmstate == "ACTIVE");
    CHECK(found.path.health == PathHealth::Good);
    CHECK(found.path.runnable);
    CHECK(found.warnings.empty());
}

TEST_CASE("what is not taken as it stands is told of the VM, a bad wrapper of its path only",
          "[scanner]") {
    auto file = web_file();
    file.text += "#@#GRACE = abc\n";
    file.wrappers = {{"web.sh", 0777, 1000, true}};

    const auto found = read_finding(file, "/srv/vm", worker);

    REQUIRE(found.vm.remarks.size() == 1);
    CHECK(found.vm.remarks[0].starts_with("line 5: GRACE \"abc\" is not a time"));
    CHECK_FALSE(found.vm.grace);
}

TEST_CASE("a wrapper that others may change makes the path not runnable", "[scanner]") {
    auto file = web_file();
    const auto& [mode, uid, regular] = GENERATE(table<std::uint32_t, std::uint32_t, bool>(
        {{0775, 1000, true}, {0757, 1000, true}, {0755, 1001, true}, {0777, 1000, false}}));
    file.wrappers = {{"web.sh", mode, uid, regular}};

    const auto found = read_finding(file, "/srv/vm", worker);

    CHECK_FALSE(found.path.runnable);
    CHECK(found.path.why_not.starts_with("web.sh "));
    CHECK(found.warnings.size() == 1);
}

TEST_CASE("a wrapper that its owner cannot read makes the path not runnable", "[scanner]") {
    auto file = web_file();
    const auto& [mode, uid] =
        GENERATE(table<std::uint32_t, std::uint32_t>({{0000, 1000}, {0355, 1000}, {0700, 0}}));
    file.wrappers = {{"web.sh", mode, uid, true}};

    const auto found = read_finding(file, "/srv/vm", worker);

    CHECK(found.path.wrapper == "/srv/vm/web/web.sh");
    CHECK_FALSE(found.path.runnable);
    CHECK(found.path.why_not ==
          fmt::format("web.sh cannot be read by user 1000, who is to run it (mode {:04o})", mode));
    CHECK(found.warnings == std::vector{found.path.why_not});
}

TEST_CASE("a wrapper that its owner may be able to read is tried", "[scanner]") {
    auto file = web_file();
    SECTION("it is the owner's") {
        file.wrappers = {{"web.sh", 0400, 1000, true}};
    }
    SECTION("a group of root's may be one of the owner's") {
        file.wrappers = {{"web.sh", 0640, 0, true}};
    }
    SECTION("root reads everything") {
        file.uid = 0;
        file.wrappers = {{"web.sh", 0000, 0, true}};
    }

    CHECK(read_finding(file, "/srv/vm", worker).path.runnable);
}

TEST_CASE("a configuration without a text is found with its problem", "[scanner]") {
    auto file = web_file();
    file.text.clear();
    file.problem = "larger than 1 MiB";

    const auto found = read_finding(file, "/srv/vm", worker);

    CHECK(found.vm.label == "web.ctys");
    CHECK(found.path.health == PathHealth::Unreadable);
    CHECK(found.path.health_reason == "larger than 1 MiB");
    CHECK(found.vm.uuid_derived);
    CHECK_FALSE(found.path.runnable);
    CHECK(found.path.why_not == "larger than 1 MiB");
}

TEST_CASE("an ignored configuration is known and marked", "[scanner]") {
    auto file = web_file();
    file.ignored = true;

    const auto found = read_finding(file, "/srv/vm", worker);

    CHECK(found.ignored);
    CHECK(found.path.health == PathHealth::Ignored);
}

TEST_CASE("every fact of a file counts in its fingerprint", "[scanner]") {
    const auto before = fingerprint_of(web_file());
    auto file = web_file();
    CHECK(fingerprint_of(file) == before);

    SECTION("digest") {
        file.digest = 43;
    }
    SECTION("owner") {
        file.uid = 0;
    }
    SECTION("mode") {
        file.mode = 0600;
    }
    SECTION("inode") {
        file.storage.inode = 8;
    }
    SECTION("pool") {
        file.storage.pool.uuid.bytes[3] = 1;
    }
    SECTION("ignored") {
        file.ignored = true;
    }
    SECTION("wrapper") {
        file.wrappers.front().mode = 0775;
    }
    SECTION("no wrapper") {
        file.wrappers.clear();
    }
    SECTION("problem") {
        file.problem = "NUL";
    }

    CHECK(fingerprint_of(file) != before);
}

TEST_CASE("a file beside a configuration completes what is found", "[scanner]") {
    auto file = web_file();
    file.text += ". ./lab.conf\n";
    file.further = {{{"lab.conf", true}, "MEMSIZE=64\n"},
                    {{"web.conf", false}, "#@#VMSTATE = \"BACKUP\"\n#@#OS = \"Linux\"\n"}};

    const auto found = read_finding(file, "/srv/vm", worker);

    CHECK(found.vm.memory_mb == 64);
    CHECK(found.path.vmstate == "ACTIVE");
    CHECK(find_setting(found.vm.settings, "OS") == "Linux");
}
