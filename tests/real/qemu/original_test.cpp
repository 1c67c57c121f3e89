// Directories of the original: what its configurations use is there, its own wrapper is bypassed.
#include "tests/real/qemu/old_directory.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

using namespace ctys;
using namespace ctys::testing;

TEST_CASE("a wrapper that cannot be read is refused, its configuration is not started alone",
          "[qemu][real]") {
    OldDirectory old;
    old.write_own("NETWORK=user\nprintINFO 1 1 x 0 sourced\n");
    std::filesystem::remove(old.at("vm/tst253.sh"));
    CHECK(old.run("tst253.ctys", {"--check"}).status == 0);
    std::filesystem::create_symlink("tst253.sh", old.at("vm/tst253.sh"));

    for (const auto* file : {"tst253.ctys", "tst253.sh"}) {
        const auto ended = old.run(file, {"--check"});

        CAPTURE(ended.said);
        CHECK(ended.status == 1);
        CHECK(has(ended, "cannot read the wrapper " + old.at("vm/tst253.sh") + " as uid "));
        CHECK_FALSE(has(ended, "sourced"));
    }
}

TEST_CASE("names of the original are there before the configuration", "[qemu][real]") {
    OldDirectory old;
    old.write_own("NETWORK=user\nprintINFO 1 7 x 0 \"[$CTYSWRAPPERPATH][$PWD][$MYOS]"
                  "[$QEMUSOCK][$QEMUMGMT][$QEMUMONSOCK]\"\n"
                  "[ -n \"$MYDIST\" ] && [ -x \"$QEMUBASE\" ] && [ -x \"$QEMUKVM\" ] && "
                  "[ -n \"$VDE_DEQ\" ] && printWNG 1 8 x 3 all named\n"
                  "gwhich no-such-program || printERR 9 x 4 \"$(gwhich bash)\"\n"
                  "printDBG 1 2 3 silent\n"
                  "netGetUNIXDomainSocket 42 web /s.ACTUALLABEL.ACTUALPID >&2\n");

    const auto ended = old.run("tst253.sh", {"--check"}, "QEMUSOCK=/leaked VDE_DEQ=leaked");

    CAPTURE(ended.said);
    CHECK(ended.status == 0);
    CHECK(has(ended,
              fmt::format("tst253.sh:7:INFO:0: [{0}][{0}][Linux][/var/tmp/vde_switch0.acue]"
                          "[/var/tmp/vde_mgmt0.acue]"
                          "[/var/tmp/qemumon.ACTUALLABEL.ACTUALPID.acue]\n",
                          old.at("vm"))));
    CHECK(has(ended, "tst253.sh:8:WARNING:3: all named\n"));
    CHECK(has(ended, "tst253.sh:9:ERROR:4: /"));
    CHECK(has(ended, "/s.web.42\n"));
    CHECK_FALSE(has(ended, "silent"));
}

TEST_CASE("gotoHell of a configuration ends its start with that status", "[qemu][real]") {
    OldDirectory old;
    old.write_own("gotoHell 42\n");

    CHECK(old.run("tst253.sh", {"--check"}).status == 42);
}

TEST_CASE("the system's qemu.conf is read, then the user's, then the configuration",
          "[qemu][real]") {
    OldDirectory old;
    old.write("etc/qemu.conf", "QEMUSOCK=/sys/sock\nFROM=system\n");
    old.write("home/.ctys/qemu/qemu.conf", "QEMUBASE=/users/qemu\nFROM=$FROM,user\n");
    old.write("home/.ctys/qemu/qemu.conf-Linux.sh", "FROM=$FROM,linux\n");
    old.write_own("NETWORK=user\nprintINFO 1 1 x 0 \"[$FROM][$QEMUSOCK][$QEMUBASE]\"\n");

    const auto ended = old.run("tst253.ctys", {"--check"});

    CAPTURE(ended.said);
    CHECK(ended.status == 0);
    CHECK(has(ended, "[system,user,linux][/sys/sock][/users/qemu]"));
}

TEST_CASE("a VM is on the switch when its configuration says so, and no other one",
          "[qemu][real]") {
    OldDirectory old;
    const std::string own = "there is no switch at /var/tmp/vde_switch0.";
    const auto& [settings, system, expected] =
        GENERATE_COPY(table<std::string, std::string, std::string>({
            {"", "", ""},
            {"NIC=e1000", "QEMUSOCK=/tmp/none/of/all", ""},
            {"NETWORK=none", "QEMUSOCK=/tmp/none/of/all", ""},
            {"NETWORK=none\nWRAPPERCALL=$VDE_DEQ", "", ""},
            {"WRAPPERCALL=NONE", "", ""},
            {"NETWORK=vde", "", own},
            {"VDE_DEQ=vdeq", "", own},
            {"WRAPPERCALL=${WRAPPERCALL:-$VDE_DEQ}", "", own},
            {"WRAPPERCALL=/opt/vde/bin/vdeq",
             "QEMUSOCK=/tmp/none/of/all",
             "there is no switch at /tmp/none/of/all"},
            {"NETWORK=vde", "QEMUSOCK=/tmp/none/of/all", "there is no switch at /tmp/none/of/all"},
            {"QEMUSOCK=/tmp/none/mine", "", "there is no switch at /tmp/none/mine"},
            {"export QEMUSOCK=/var/tmp/vde_switch0.none", "", own},
        }));
    CAPTURE(settings, system);
    old.write("etc/qemu.conf", system + "\n");
    old.write_own(settings + "\n");

    const auto ended = old.run("tst253.ctys", {"--check"});

    CAPTURE(ended.said);
    CHECK(has(ended, "switch") == !expected.empty());
    CHECK(has(ended, expected));
}

TEST_CASE("other names of one thing mean the same", "[qemu][real]") {
    OldDirectory old;
    old.write("vm/hdb.img", "x");
    old.write_own("HDDBOOTIMAGE=\nHDA=$CTYSWRAPPERPATH/hda.img\nQEMU_IMG=raw\nNETWORK=none\n"
                  "VGA_DRIVER=\"-vga cirrus \"\nQEMUBIOS='/a b'\nHDB=hdb.img\nHDC=absent.img\n");

    const auto ended = old.run("tst253.ctys", {"--print"});

    CAPTURE(ended.said);
    CHECK(ended.status == 0);
    CHECK(has(ended, " -vga cirrus -L '/a b' "));
    CHECK(has(ended,
              fmt::format(" -drive file={}/hdb.img,format=raw,if=ide,index=1 ", old.at("vm"))));
    CHECK(has(ended, "absent.img does not exist, the VM starts without it"));
    CHECK(ended.said.ends_with(
        fmt::format("-drive file={}/hda.img,format=raw,if=ide\n", old.at("vm"))));
}

TEST_CASE("a QEMUBIOS with an apostrophe is one folder", "[qemu][real]") {
    OldDirectory old;
    old.write_own("NETWORK=none\nQEMUBIOS=\"/it's a b\"\n");

    const auto ended = old.run("tst253.ctys", {"--print"});

    CAPTURE(ended.said);
    CHECK(ended.status == 0);
    CHECK(has(ended, R"( -L '/it'\''s a b' )"));
}

TEST_CASE("a stock wrapper is bypassed: its configuration alone starts the VM", "[qemu][real]") {
    OldDirectory old;
    old.write_original("NETWORK=none\n");
    // Would be executed by the wrapper's first lines.
    old.write("framework/lib/base.sh", "");
    std::filesystem::create_directories(old.at("framework/lib"));
    old.write("framework/lib/base.sh", "touch " + old.at("executed") + "\n");

    const auto ended =
        old.run("tst253.ctys", {"--print", "--argsadd=-S"}, "CTYS_LIBPATH=" + old.at("framework"));

    CAPTURE(ended.said);
    CHECK(ended.status == 0);
    CHECK(has(ended, "tst253.sh is the original's own wrapper and is not run"));
    CHECK(has(ended, "-localtime is gone from QEMU 7.2; -rtc base=localtime takes its place"));
    CHECK(has(ended, " -name guest=tst253,"));
    CHECK(has(ended, " -uuid f1b2e9a0-7c5d-4e53-9a57-2f5b41c9d253 ") ==
          false); // a key, no variable
    CHECK(has(ended, " -m 16 "));
    CHECK(has(ended, " -S "));
    CHECK_FALSE(std::filesystem::exists(old.at("executed")));
    // The old name of the file as well, and without any wrapper.
    CHECK(old.run("tst253.sh", {"--check"}).status == 0);
    std::filesystem::remove(old.at("vm/tst253.sh"));
    CHECK(old.run("tst253.ctys", {"--check"}).status == 0);
    std::filesystem::rename(old.at("vm/tst253.ctys"), old.at("vm/tst253.conf"));
    CHECK(old.run("tst253.conf", {"--check"}).status == 0);
    CHECK(old.run("tst253.ctys", {"--check"}).status == 0);
}

TEST_CASE("an edited stock wrapper is refused with its lines, and nothing of it is run",
          "[qemu][real]") {
    OldDirectory old;
    old.write_original();
    std::ofstream{old.at("vm/tst253.sh"), std::ios::app} << "touch " << old.at("executed") << "\n";

    const auto ended = old.run("tst253.ctys", {"--check"});

    CAPTURE(ended.said);
    CHECK(ended.status == 5);
    CHECK(has(ended, "tst253.sh is a wrapper of the original that was edited"));
    CHECK(has(ended, ": touch " + old.at("executed") + "\n"));
    CHECK(has(ended, "try: ctys-createConfVM --adopt " + old.at("vm/tst253.ctys")));
    CHECK_FALSE(std::filesystem::exists(old.at("executed")));
}

TEST_CASE("a label that differs and a second master are refused by --check", "[qemu][real]") {
    OldDirectory old;
    old.write_original("NETWORK=none\nLABEL=tst254\n");

    const auto differing = old.run("tst253.ctys", {"--check"});

    CAPTURE(differing.said);
    CHECK(differing.status == 1);
    CHECK(has(differing, "LABEL: tst253.ctys:9 says #@#LABEL = \"tst253\", tst253.ctys:"));
    CHECK(has(differing, " LABEL=\"tst254\"; they have to be the same"));

    old.write_original("NETWORK=none\n");
    old.write("vm/copy.ctys", text_in(CTYS_ORIGINAL "/configuration.txt"));
    const auto rivals = old.run("tst253.ctys", {"--check"});
    CAPTURE(rivals.said);
    CHECK(rivals.status == 5);
    CHECK(has(rivals, "tst253.ctys and copy.ctys are both the active master of this VM"));
}

TEST_CASE("programs that QEMU has given up are replaced, others are not", "[qemu][real]") {
    OldDirectory old;
    for (const auto* name : {"/usr/libexec/none/qemu-kvm", "/none/qemu", "/usr/bin/kvm", "kvm"}) {
        old.write_own(fmt::format("NETWORK=none\nSTARTERCALL={}\n", name));
        const auto ended = old.run("tst253.ctys", {"--check"});
        CAPTURE(ended.said);
        CHECK(ended.status == 0);
        CHECK(has(ended, fmt::format("qemu-system-x86_64 takes the place of {}\n", name)));
    }
    old.write_own("NETWORK=none\nSTARTERCALL=/none/qemu-system-x86_64\n");
    CHECK(old.run("tst253.ctys", {"--check"}).status == 1);
}
