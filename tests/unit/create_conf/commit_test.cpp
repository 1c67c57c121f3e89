#include "tests/support/temporary_directory.h"
#include "tools/create_conf/commit.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <set>
#include <sstream>

using namespace ctys;
using namespace ctys::conf;
using support::TemporaryDirectory;

namespace {

std::string content_of(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream{path}.rdbuf();
    return out.str();
}

void write_to(const std::string& path, const std::string& text) {
    std::ofstream{path} << text;
}

std::set<std::string> names_in(const std::string& folder) {
    std::set<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) {
        out.insert(entry.path().filename().string());
    }
    return out;
}

FilePlan replacing_plan(const std::string& folder) {
    FilePlan plan;
    plan.retired = {{"web.sh", "web.sh.1", std::nullopt}, {"web.ctys", "web.ctys.1", "ignored"}};
    plan.files = {{.name = "web.sh", .bytes = "new", .executable = true},
                  {.name = "web.ctys", .bytes = "new"}};
    plan.image = qemu::InstallTarget{.file = folder + "/hda.img", .format = "raw", .size = 1 << 20};
    return plan;
}

} // namespace

TEST_CASE("a plan is carried out as a whole", "[create_conf]") {
    TemporaryDirectory directory;
    write_to(directory / "web.sh", "old");
    write_to(directory / "web.ctys", "old");

    REQUIRE(carry_out(replacing_plan(directory.path()), directory.path(), false));

    CHECK(names_in(directory.path()) ==
          std::set<std::string>{"web.sh", "web.sh.1", "web.ctys", "web.ctys.1", "hda.img"});
    CHECK(content_of(directory / "web.sh") == "new");
    CHECK(content_of(directory / "web.sh.1") == "old");
    CHECK(content_of(directory / "web.ctys") == "new");
    CHECK(content_of(directory / "web.ctys.1") == "ignored");
    CHECK(std::filesystem::file_size(directory / "hda.img") == 1 << 20);
    const auto mode = std::filesystem::status(directory / "web.sh").permissions();
    CHECK((mode & std::filesystem::perms::owner_exec) != std::filesystem::perms::none);
}

TEST_CASE("a plan that cannot be finished leaves everything as it was", "[create_conf]") {
    TemporaryDirectory directory;
    write_to(directory / "web.sh", "old");
    write_to(directory / "web.ctys", "old");
    // It came after the plan was made, so that the last step fails.
    auto plan = replacing_plan(directory.path());
    plan.files.push_back({.name = "web.ks", .bytes = "new"});
    write_to(directory / "web.ks", "somebody's");

    const auto done = carry_out(plan, directory.path(), false);

    REQUIRE_FALSE(done);
    CHECK(done.error().code == ErrorCode::Conflict);
    CHECK(done.error().message == (directory / "web.ks") + " came while it was made");
    CHECK(names_in(directory.path()) == std::set<std::string>{"web.sh", "web.ctys", "web.ks"});
    CHECK(content_of(directory / "web.sh") == "old");
    CHECK(content_of(directory / "web.ctys") == "old");
    CHECK(content_of(directory / "web.ks") == "somebody's");
}

TEST_CASE("an image that cannot be made leaves not even a new directory", "[create_conf]") {
    TemporaryDirectory directory;
    const auto folder = directory / "web";
    auto plan = replacing_plan(folder);
    plan.retired.clear();
    plan.image->file = directory / "none/hda.img";

    const auto done = carry_out(plan, folder, true);

    REQUIRE_FALSE(done);
    CHECK(done.error().message.starts_with("cannot make " + directory.path() + "/none/.ctys-new-"));
    CHECK(names_in(directory.path()).empty());
}

TEST_CASE("an older image steps aside for a new one", "[create_conf]") {
    TemporaryDirectory directory;
    write_to(directory / "hda.img", "precious");
    FilePlan plan;
    plan.image =
        qemu::InstallTarget{.file = directory / "hda.img", .format = "raw", .size = 1 << 20};
    plan.image_kept_as = directory / "hda.img.1";

    REQUIRE(carry_out(plan, directory.path(), false));

    CHECK(content_of(directory / "hda.img.1") == "precious");
    CHECK(std::filesystem::file_size(directory / "hda.img") == 1 << 20);
}

TEST_CASE("a directory that is missing without leave is told", "[create_conf]") {
    TemporaryDirectory directory;

    const auto done = carry_out({}, directory / "a/b", true);

    CHECK(done.error().message ==
          "cannot make " + (directory / "a/b") + ": No such file or directory");
}
