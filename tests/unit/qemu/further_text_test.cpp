#include "mesh/qemu/configuration.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qemu;

namespace {

using Names = std::vector<std::string>;

Names sourced_in(std::string_view text) {
    Names out;
    for (const auto& one : further_names(text, "/vm/web/web.ctys")) {
        if (one.sourced) out.push_back(one.name);
    }
    return out;
}

Configuration read_with(std::string_view text, const std::vector<FurtherText>& further) {
    return read_configuration(text, "/vm/web/web.ctys", further).value();
}

FurtherText sourced_file(std::string text) {
    return {{"lab.conf", true}, std::move(text)};
}
FurtherText beside(std::string name, std::string text) {
    return {{std::move(name), false}, std::move(text)};
}

} // namespace

TEST_CASE("keys are looked for in what is sourced, then in the names of the original", "[qemu]") {
    CHECK(further_names(". ./lab.conf\n", "/vm/db/web.ctys") ==
          std::vector<FurtherName>{
              {"lab.conf", true}, {"web.vmx", false}, {"web.conf", false}, {"db.ctys", false}});
    CHECK(further_names("", "/vm/web/web.ctys") ==
          std::vector<FurtherName>{{"web.vmx", false}, {"web.conf", false}});
    CHECK(further_names("", "/vm/web/web.conf") ==
          std::vector<FurtherName>{{"web.vmx", false}, {"web.ctys", false}});
    // Sourced under a name that is looked at anyway, it is one file.
    CHECK(further_names(". ./web.conf\n", "/vm/web/web.ctys") ==
          std::vector<FurtherName>{{"web.conf", true}, {"web.vmx", false}});
}

TEST_CASE("a literal name in the folder of the configuration is a file that it sources", "[qemu]") {
    const auto* line = GENERATE(". ./lab.conf",
                                "source ./lab.conf # for all",
                                " .\t${CTYSWRAPPERPATH}/lab.conf",
                                "source \"$CTYSWRAPPERPATH/lab.conf\" || exit 1",
                                ". '/vm/web/lab.conf'",
                                "NAME=lab\n. ./$NAME.conf",
                                "[ -f ./lab.conf ] && . ./lab.conf",
                                "[ ! -r \"$X\" ]&&source ./lab.conf;");
    CAPTURE(line);

    CHECK(sourced_in(line) == Names{"lab.conf"});
}

TEST_CASE("what leads elsewhere, or only bash can tell, is no file that is read", "[qemu]") {
    const auto* line = GENERATE(". ../lab.conf",
                                ". ./../lab.conf",
                                ". /etc/lab.conf",
                                ". ./sub/lab.conf",
                                ". $CTYSWRAPPERPATH/../lab.conf",
                                ". ./$UNKNOWN.conf",
                                ". ./`date`",
                                ". lab.conf",
                                ". ./web.ctys",
                                ". ./..",
                                "# . ./lab.conf",
                                "echo . ./lab.conf",
                                "if true; then\n. ./lab.conf\nfi",
                                ".",
                                "source");
    CAPTURE(line);

    CHECK(sourced_in(line).empty());
}

TEST_CASE("a sourced file completes a configuration where it stands", "[qemu]") {
    const auto web = read_with("#@#MAGICID-QEMU\nLABEL=web\nMEMSIZE=16\n. ./lab.conf\nSMP=4\n",
                               {sourced_file("#@#MAGICID-IGNORE\n#@#DIST = \"debian\"\n"
                                             "MEMSIZE=64\nSMP=2\n. ./deeper.conf\n")});

    CHECK(web.vm.memory_mb == 64);
    CHECK(web.vm.vcpus == 4);
    CHECK(setting(web, "DIST") == "debian");
    CHECK(web.vm.label == "web");
    CHECK(web.is_qemu);
    CHECK_FALSE(web.ignored);
    CHECK(web.vm.settings.back() == Setting{"DIST", "debian", 2, "lab.conf"});
    CHECK(web.vm.settings.front() == Setting{"LABEL", "web", 2});
}

TEST_CASE("keys of other files are taken where the configuration says nothing", "[qemu]") {
    const auto web = read_with("LABEL=web\n#@#DIST = \"debian\"\n. ./lab.conf\n",
                               {sourced_file("#@#OS = \"Linux\"\n"),
                                beside("web.conf",
                                       "#@#LABEL = \"other\"\n#@#OS = \"BSD\"\n"
                                       "#@#DIST = \"x\"\nMEMSIZE=64\nit's no shell\n"
                                       "#@#VMSTATE = \"BACKUP\"\n"),
                                beside("db.ctys", "#@#MAC0 = \"52:54:00:00:00:01\"\n")});

    CHECK(web.vm.label == "web");
    CHECK(setting(web, "DIST") == "debian");
    CHECK(setting(web, "OS") == "Linux");
    CHECK(web.vmstate == "BACKUP");
    CHECK(web.vm.macs == std::vector<std::string>{"52:54:00:00:00:01"});
    CHECK(web.vm.memory_mb == 0); // nothing sources it
    CHECK(differing_peers(web).empty());
}

TEST_CASE("a bad line of another file ends that file, and is told with its name", "[qemu]") {
    const auto web = read_with("#@#LABEL = \"web\"\n. ./lab.conf\nSMP=2\n",
                               {sourced_file("#@#GRACE = \"abc\nX=\"open\n" +
                                             std::string(20000, 'a') + "\n#@#OS = \"none\"\n")});

    CHECK(web.vm.vcpus == 2);
    CHECK(setting(web, "OS").empty());
    REQUIRE_FALSE(web.warnings.empty());
    CHECK(web.warnings[0].line == 0);
    CHECK(web.warnings[0].text == "lab.conf, line 1: the quote of GRACE is not closed");
}

TEST_CASE("a value of another file that is not taken is told with its place there", "[qemu]") {
    const auto web =
        read_with("#@#LABEL = \"web\"\n. ./lab.conf\n#@#ONBOOT = \"never\"\n",
                  {sourced_file("LABEL=db\n"), beside("web.conf", "\n#@#GRACE = \"soon\"\n")});

    REQUIRE(web.warnings.size() == 3);
    CHECK(web.warnings[0] ==
          Warning{0, "lab.conf, line 1: LABEL \"db\" differs from line 1, which is used"});
    CHECK(web.warnings[1] == Warning{0,
                                     "web.conf, line 2: GRACE \"soon\" is not a time such as "
                                     "\"120\" or \"2m\"; none is used"});
    CHECK(web.warnings[2].line == 3);
}

TEST_CASE("a file that is sourced over and over is read a few times", "[qemu]") {
    std::string often = "#@#LABEL = \"web\"\n";
    for (int i = 0; i < 60; ++i) {
        often += ". ./lab.conf\n";
    }

    const auto web = read_with(often + "SMP=2\n", {sourced_file("#@#NOTE = \"open\n")});

    CHECK(web.warnings.size() == 32);
    CHECK(web.vm.vcpus == 2);
}
