// What a person can type behind a wrapper, and what a configuration can call.
#include "tests/real/qemu/old_directory.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

using namespace ctys;
using namespace ctys::testing;

namespace {

void make_program(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
    std::ofstream{path} << "#!/bin/sh\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

} // namespace

TEST_CASE("short options of the original's wrapper are understood", "[qemu][real]") {
    OldDirectory old;
    old.write_own("NETWORK=none\n");

    const auto options = old.run("tst253.sh", {"--listoptions"});
    CHECK(options.status == 0);
    CHECK(has(options, "\n-vnc "));
    const auto version = old.run("tst253.sh", {"-V"});
    CHECK(version.status == 0);
    CHECK(version.said == CTYS_VERSION "\n");
    const auto help = old.run("tst253.sh", {"-h"});
    CHECK(help.status == 0);
    CHECK(has(help, "--bootmode"));
    CHECK(has(help, "A wrapper also takes:\n  --argsadd="));
    const auto of_callers = help.said.find("For wrappers and agents:");
    CHECK(of_callers != std::string::npos);
    CHECK(help.said.find("--config-file") > of_callers);
    CHECK(help.said.find("--check") < of_callers);
    const auto terse = old.run("tst253.sh", {"-X", "--check"});
    CHECK(terse.status == 0);
    CHECK(terse.said.empty());
    const auto wrapped = old.run("tst253.sh", {"--wrappercall=vdeq", "--check"});
    CHECK(wrapped.status == 0);
    CHECK(has(wrapped, "--wrappercall=vdeq is not needed"));
}

TEST_CASE("a level of -d prints what has it, from the configuration on", "[qemu][real]") {
    OldDirectory old;
    old.write("etc/qemu.conf", "SEEN=yes\n");
    old.write_own(
        "NETWORK=none\nprintDBG $S_CONF $D_SYS 4 x sys\nprintDBG $S_LIB $D_FLOW 5 x flow\n"
        "printWNG 3 6 x 1 deep warning\nprintINFO 3 7 x 1 deep info\n");
    const auto& [level, printed, silent] =
        GENERATE(table<std::string, std::vector<std::string>, std::vector<std::string>>(
            {{"64,p", {":4:DEBUG:64: sys\n"}, {"flow", "reads /", "deep"}},
             {"64", {"sys", "flow", "reads /"}, {"deep"}},
             {"2", {"flow"}, {"sys"}},
             {"64,min", {"sys"}, {"flow", "reads /"}},
             {"96,P,S:1", {"sys", "etc/qemu.conf\n"}, {"flow"}},
             {"ALL,s:4", {"flow"}, {"sys", "reads /"}},
             {"0,W:4,i:4", {":6:WARNING:1: deep warning\n", ":7:INFO:1: deep info\n"}, {"DEBUG"}},
             {"0,W:08", {":6:WARNING:1: deep warning\n"}, {"deep info", "base"}}}));
    CAPTURE(level);

    const auto ended = old.run("tst253.sh", {"-d", level, "--check"});

    CAPTURE(ended.said);
    CHECK(ended.status == 0);
    for (const auto& text : printed)
        CHECK(has(ended, text));
    for (const auto& text : silent)
        CHECK_FALSE(has(ended, text));
}

TEST_CASE("a -d without a level, and one of other words, are refused", "[qemu][real]") {
    OldDirectory old;
    old.write_own("NETWORK=none\n");
    using Typed = std::vector<std::string>;
    const auto& [options, said] = GENERATE(
        table<Typed, std::string>({{{"-d"}, "-d needs a level, as in -d 64,p\n"},
                                   {{"-d", "--check"}, "-d needs a level, as in -d 64,p\n"},
                                   {{"-d", "12x"}, "-d 12x: no such word: 12x; as in -d 64,p\n"},
                                   {{"-d", "S:q"}, "-d S:q: S:q needs a number\n"}}));

    const auto ended = old.run("tst253.sh", options);

    CHECK(ended.status == 2);
    CHECK(has(ended, said));
}

TEST_CASE("a configuration calls functions of the framework", "[qemu][real]") {
    OldDirectory old;
    std::filesystem::create_symlink("hda.img", old.at("vm/link"));
    old.write_own(
        "NETWORK=none\nbootstrapRegisterLib; libManInfoAdd x 1; checkConsole || :\n"
        "{\ngetPathName 1 x ERROR sh /bin\ngetRealPathname link\nmatchFirstFile passwd /none:/etc\n"
        "getDiffTime 23:59:50 00:00:10; echo; getUserGroup root\nnetGetMAC lo; netGetIP lo\n"
        "netGetMask lo; netCheckIfIs UP lo && echo up\nnetIsEqualIP 127.0.0.1 127.0.0.1 && echo "
        "same\n"
        "netCheckBridgeExists none0 || echo no bridge\ngetVersionStrgQEMUALL $QEMUBASE\n"
        "getQEMUMAGIC $QEMUBASE; callOptionsQEMUcheck $QEMUBASE -vnc && echo has vnc\n"
        "callOptionsQEMUcheck $QEMUBASE -localtime || echo no localtime\n} >&2\n");

    const auto ended = old.run("tst253.sh", {"--check"});

    CAPTURE(ended.said);
    CHECK(ended.status == 0);
    CHECK(has(ended,
              fmt::format("/bin/sh\n{}/hda.img\n/etc/passwd\n00:00:20\nroot\n00:00:00:00:00:00\n"
                          "127.0.0.1\n255.0.0.0\nup\nsame\nno bridge\nqemu-",
                          std::filesystem::canonical(old.at("vm")).string())));
    CHECK(has(ended, "\nQEMU_GENERIC\nhas vnc\nno localtime\n"));
}

TEST_CASE("a function of the framework that is not here is answered by one sentence",
          "[qemu][real]") {
    OldDirectory old;
    old.write_own("NETWORK=none\nnetCreateBridge br0 eth0\ngetCPUinfo\nmy-own-typo\n:\n");

    const auto ended = old.run("tst253.sh", {"--check"});

    CHECK(ended.status == 0);
    CHECK(ended.said ==
          "tst253.ctys: line 4: netCreateBridge of the original's framework is not here: networks "
          "are made by ctys-setupVDE create\ntst253.ctys: line 5: getCPUinfo of the original's "
          "framework is not here: ctys -a info tells of the machine\ntst253.ctys: line 6: "
          "my-own-typo: command not found\n");
}

TEST_CASE("what is not found is told once where the PATH of a configuration has nothing",
          "[qemu][real]") {
    OldDirectory old;
    // Without the bound of bash this test would be a fork bomb where it fails.
    old.write_own("NETWORK=none\nFUNCNEST=8\nPATH=/nowhere\nmy-own-typo\n:\n");

    const auto ended = old.run("tst253.sh", {"--check"});

    CAPTURE(ended.said);
    CHECK(ended.status == 0);
    CHECK(ended.said.ends_with("tst253.ctys: line 6: my-own-typo: command not found\n"));
    CHECK_FALSE(has(ended, "nesting level"));
}

TEST_CASE("QEMUBASE is a base folder or a program, for either kind of configuration",
          "[qemu][real]") {
    OldDirectory old;
    const auto base = old.at("home/qemu");
    std::filesystem::create_directories(base + "/iso");
    std::ofstream{base + "/iso/install.iso"} << "x";
    make_program(base + "/bin/qemu-system-x86_64");
    const std::string uses = "NETWORK=none\nINSTSRCCDROM=${QEMUBASE}/iso/install.iso\n"
                             "STARTERCALL=${STARTERCALL:-$QEMUBASE}\n";
    const auto cd = " -drive media=cdrom,readonly=on,format=raw,file=" + base + "/iso/install.iso ";
    old.write_own(uses);

    SECTION("nobody has set it: a program, and a file below it is in the base folder") {
        const auto ended = old.run("tst253.sh", {"--print", "--bootmode=CD"});
        CAPTURE(ended.said);
        CHECK(ended.status == 0);
        CHECK(has(ended, "/qemu-system-x86_64 -nodefaults "));
        CHECK_FALSE(has(ended, base + "/bin"));
        CHECK(has(ended, cd));
    }
    SECTION("a folder of the configuration stays one, and holds the program") {
        old.write_own("QEMUBASE=" + base + "\n" + uses);
        const auto ended = old.run("tst253.sh", {"--print", "--bootmode=CD"});
        CAPTURE(ended.said);
        CHECK(ended.status == 0);
        CHECK(has(ended, base + "/bin/qemu-system-x86_64 -nodefaults "));
        CHECK(has(ended, cd));
    }
    SECTION("so do those of qemu.conf and of the environment") {
        const bool in_file = GENERATE(true, false);
        if (in_file) old.write("etc/qemu.conf", "QEMUBASE=" + base + "\n");
        const auto ended =
            old.run("tst253.sh", {"--print", "--bootmode=CD"}, in_file ? "" : "QEMUBASE=" + base);
        CAPTURE(ended.said);
        CHECK(ended.status == 0);
        CHECK(has(ended, base + "/bin/qemu-system-x86_64 -nodefaults "));
        CHECK(has(ended, cd));
    }
    SECTION("a folder without a program leaves the choice to ARCH") {
        std::filesystem::remove_all(base + "/bin");
        old.write_own("QEMUBASE=" + base + "\n" + uses);
        const auto ended = old.run("tst253.sh", {"--print", "--bootmode=CD"});
        CAPTURE(ended.said);
        CHECK(ended.status == 0);
        CHECK(has(ended, "/qemu-system-x86_64 -nodefaults "));
        CHECK(has(ended, cd));
    }
    SECTION("a program of the environment is the one that is called") {
        const auto program = base + "/bin/qemu-system-x86_64";
        const auto ended = old.run("tst253.sh", {"--print"}, "QEMUBASE=" + program);
        CAPTURE(ended.said);
        CHECK(ended.status == 0);
        CHECK(has(ended, program + " -nodefaults "));
    }
}

TEST_CASE("a place of QEMUMONSOCK that is not safe is refused with its line", "[qemu][real]") {
    OldDirectory old;
    old.write("vm/mon", "somebody's file\n");
    std::filesystem::create_directories(old.at("open"));
    std::filesystem::permissions(old.at("open"), std::filesystem::perms::all);
    // Each run has a folder of its own, below which these lie.
    const auto& [name, status, said] = GENERATE(table<std::string, int, std::string>(
        {{"/none/mon", 3, "/none does not exist"},
         {"/vm/" + std::string(120, 'a'), 2, "the name of a socket at most 107"},
         {"mon.ACTUALLABEL", 2, "mon.tst253 is not the absolute path of a file"},
         {"/vm/mon", 5, "is there already, and no link to a console of this account"},
         {"/open/mon", 1, "everybody may replace what lies there"}}));
    const auto place = name.starts_with('/') ? old.at(name.substr(1)) : name;
    CAPTURE(place);
    old.write_own("NETWORK=none\nQEMUMONSOCK=" + place + "\n");

    const auto ended = old.run("tst253.sh", {"--check"});

    CAPTURE(ended.said);
    CHECK(ended.status == status);
    CHECK(has(ended, "tst253.ctys:4: QEMUMONSOCK: "));
    CHECK(has(ended, said));
    CHECK(text_in(old.at("vm/mon")) == "somebody's file\n");
}

TEST_CASE("MYQEMUMONSOCK is there before the configuration, with label and number",
          "[qemu][real]") {
    OldDirectory old;
    old.write_own("NETWORK=none\nprintINFO 1 4 x 0 \"[$MYQEMUMONSOCK][$$]\"\n");
    const auto plain = old.run("tst253.sh", {"--check"});
    CAPTURE(plain.said);
    const auto number = plain.said.substr(plain.said.rfind('[') + 1);
    CHECK(
        has(plain,
            fmt::format("[/var/tmp/qemumon.tst253.{}.acue]", number.substr(0, number.find(']')))));

    old.write("etc/qemu.conf", "QEMUMONSOCK=$CTYS_SOCKBASE/lab.ACTUALLABEL\n");
    CHECK(has(old.run("tst253.sh", {"--check"}), "[/var/tmp/lab.tst253]["));
}

TEST_CASE("signals to ignore that are none are refused, those that nobody can are told",
          "[qemu][real]") {
    OldDirectory old;
    old.write_own("NETWORK=none\nCTYS_SIGIGNORESPEC=\"2 NONE\"\n");
    const auto wrong = old.run("tst253.sh", {"--check"});
    CHECK(wrong.status == 2);
    CHECK(has(wrong, "tst253.ctys:4: CTYS_SIGIGNORESPEC: \"NONE\" is no signal"));

    old.write_own("NETWORK=none\nCTYS_SIGIGNORESPEC=\"2 3 19\"\n");
    const auto ended = old.run("tst253.sh", {"--check"});
    CHECK(ended.status == 0);
    CHECK(has(ended, "CTYS_SIGIGNORESPEC: 19 is left out of it: nobody can ignore it\n"));
    CHECK(has(ended, "ignored by CTYS_SIGIGNORESPEC: INT, QUIT\n"));
    // An agent's starts have their own rule.
    CHECK(old.run("tst253.sh", {"--check"}, "CTYS_ACTION=a-1").said.empty());
}
