#include "tests/support/temporary_directory.h"
#include "tools/qemu_call/stage_hook.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace ctys;
using namespace ctys::call;

namespace {

constexpr const char* exported = "BASH_FUNC_inst_stage%%"; // as `export -f` of bash does it

// A configuration with that inst_stage, and a target.
struct HookedVm {
    support::TemporaryDirectory folder;
    qemu::InstallTarget target{
        .file = folder / "hda.img", .stage = qemu::Stage::Custom, .custom = "setup"};

    explicit HookedVm(const std::string& body) {
        std::ofstream{target.file} << "a guest";
        ::setenv(exported, ("() { " + body + "; }").c_str(), 1);
    }
    ~HookedVm() { ::unsetenv(exported); }
    HookedVm(const HookedVm&) = delete;
    HookedVm& operator=(const HookedVm&) = delete;

    std::string target_text() const {
        std::ostringstream out;
        out << std::ifstream{target.file}.rdbuf();
        return out.str();
    }
};

} // namespace

TEST_CASE("a stage of the configuration gets its name, the target and its format", "[call]") {
    const HookedVm vm{R"(echo "$# $1 $2 $3" >"$2")"};

    REQUIRE(has_stage_hook());
    REQUIRE(run_stage_hook(vm.target));

    CHECK(vm.target_text() == "3 setup " + vm.target.file + " raw\n");
}

TEST_CASE("a stage that fails is told with its last words", "[call]") {
    const HookedVm vm{R"(echo "no stage $1" >&2; return 7)"};

    const auto ran = run_stage_hook(vm.target);

    REQUIRE(!ran);
    CHECK(ran.error().code == ErrorCode::Failed);
    CHECK(ran.error().message ==
          "inst_stage setup of the configuration ended with 7: no stage setup");
    CHECK(vm.target_text() == "a guest");
}

TEST_CASE("a configuration without a stage of its own has no hook", "[call]") {
    ::unsetenv(exported);
    CHECK(!has_stage_hook());
}
