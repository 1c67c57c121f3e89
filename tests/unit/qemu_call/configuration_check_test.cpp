#include "tests/support/temporary_directory.h"
#include "tools/qemu_call/configuration_check.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace ctys;
using namespace ctys::call;

namespace {

using Notes = std::vector<std::string>;

struct Judged {
    std::vector<Problem> problems;
    Notes notes;
};

Judged judge(const std::string& text, const std::string& label) {
    Judged out;
    const auto configuration = qemu::read_configuration(text, "/vm/web/web.ctys").value();
    out.problems = judge_configuration("web.ctys", configuration, label, {}, out.notes);
    return out;
}

} // namespace

TEST_CASE("a label that differs from its key is refused with both lines", "[call]") {
    CHECK(judge("#@#LABEL = \"web\"\nLABEL=web\n", "web").problems.empty());
    CHECK(judge("#@#LABEL = \"web\"\n\nLABEL=db\n", "db").problems ==
          std::vector<Problem>{{"LABEL",
                                "web.ctys:1 says #@#LABEL = \"web\", web.ctys:3 LABEL=\"db\"; they "
                                "have to be the same"}});
    // What bash has made of it counts, and its wrapper may have made it.
    CHECK(judge("#@#LABEL = \"web\"\nLABEL=web\nLABEL=$(cat name)\n", "db").problems.at(0).text ==
          "web.ctys:1 says #@#LABEL = \"web\", web.ctys:3 LABEL=\"db\"; they have to be the same");
    CHECK(judge("#@#LABEL = \"web\"\n", "db").problems.at(0).text ==
          "web.ctys:1 says #@#LABEL = \"web\", its wrapper LABEL=\"db\"; they have to be the same");
    CHECK(judge("LABEL=db\n", "db").problems.empty());
}

TEST_CASE("other keys that differ from their variables are told", "[call]") {
    const auto judged = judge("#@#MAC0 = \"00:50:56:13:12:53\"\nMAC0=00:50:56:13:12:54\n"
                              "#@#UUID = \"ABCD\"\nUUID=abcd\n",
                              "web");

    CHECK(judged.problems.empty());
    CHECK(judged.notes ==
          Notes{"web.ctys:1 says #@#MAC0 = \"00:50:56:13:12:53\", web.ctys:2 "
                "MAC0=\"00:50:56:13:12:54\": lists show the first, the VM gets the second"});
}

TEST_CASE("a second active master in the folder is refused by name", "[call]") {
    support::TemporaryDirectory folder;
    const std::string text = "#@#MAGICID-QEMU\n#@#LABEL = \"web\"\nLABEL=web\n";
    std::ofstream{folder / "web.ctys"} << text;
    std::ofstream{folder / "old.ctys"} << "#@#MAGICID-IGNORE\n" << text;
    std::ofstream{folder / "other.conf"} << "[unit]\n";
    std::ofstream{folder / "web.ctys.20101103"} << text;
    std::filesystem::create_symlink("web.ctys", folder / "link.ctys");
    Notes notes;
    CHECK(check_configuration(folder / "web.ctys", "web", notes).empty());

    std::ofstream{folder / "new.ctys"} << text;

    CHECK(check_configuration(folder / "web.ctys", "web", notes) ==
          std::vector<Problem>{{"",
                                "web.ctys and new.ctys are both the active master of this VM; all "
                                "but one need the line #@#MAGICID-IGNORE",
                                ErrorCode::Conflict}});
    CHECK(check_configuration(folder / "old.ctys", "web", notes).empty());
    CHECK(check_configuration(folder / "absent.ctys", "web", notes).empty());
}
