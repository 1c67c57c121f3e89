#include "tests/support/temporary_directory.h"
#include "tests/support/without_rights.h"
#include "tools/qemu_call/wrapper_run.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::call;

TEST_CASE("a wrapper and its configuration name each other", "[call]") {
    CHECK(wrapper_pair("/vm/a.b.ctys") == WrapperPair{"/vm/a.b.sh", "/vm/a.b.ctys"});
    CHECK(wrapper_pair("web.conf") == WrapperPair{"web.sh", "web.conf"});
    CHECK(wrapper_pair("/vm/web.sh") == WrapperPair{"/vm/web.sh", "/vm/web.ctys"});
    for (const auto* path : {"", "/vm/web", "/vm/.sh", ".ctys", "/vm.sh/web"}) {
        const auto pair = wrapper_pair(path);
        REQUIRE_FALSE(pair);
        CHECK(pair.error().code == ErrorCode::Usage);
    }
}

TEST_CASE("a wrapper is read, and one that is not there is none", "[call]") {
    const support::TemporaryDirectory folder;
    const auto path = folder / "web.sh";
    CHECK_FALSE(read_wrapper(path).value());
    CHECK_FALSE(read_wrapper(path + "/web.sh").value());

    std::ofstream{path} << "#!/bin/bash\n";
    CHECK_FALSE(read_wrapper(path + "/web.sh").value());

    CHECK(read_wrapper(path).value() == "#!/bin/bash\n");

    std::ofstream{path} << std::string(qemu::max_wrapper_bytes + 1, '#');
    CHECK(read_wrapper(path).value() == "");
}

TEST_CASE("a wrapper that this account may not read is refused, not taken as absent", "[call]") {
    const support::TemporaryDirectory folder;
    const auto path = folder / "web.sh";
    std::ofstream{path} << "#!/bin/bash\n";
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
    REQUIRE(::chmod(path.c_str(), 0) == 0);

    const support::WithoutRights here;
    const auto read = read_wrapper(path);

    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::Refused);
    CHECK(
        read.error().message ==
        fmt::format("cannot read the wrapper {} as uid {}: Permission denied", path, ::geteuid()));
}

TEST_CASE("what is no file at the place of a wrapper is refused with the cause", "[call]") {
    const support::TemporaryDirectory folder;
    const auto path = folder / "web.sh";
    std::string cause;
    SECTION("a link to nothing") {
        std::filesystem::create_symlink("gone.sh", path);
        cause = ": No such file or directory";
    }
    SECTION("a link to itself") {
        std::filesystem::create_symlink("web.sh", path);
        cause = ": Too many levels of symbolic links";
    }
    SECTION("a folder") {
        std::filesystem::create_directory(path);
        cause = "web.sh is not a regular file";
    }
    SECTION("a pipe, which nobody waits for") {
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        cause = "web.sh is not a regular file";
    }

    const auto read = read_wrapper(path);

    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::Failed);
    CHECK(read.error().message.find(path) != std::string::npos);
    CHECK(read.error().message.ends_with(cause));
}

TEST_CASE("an edited wrapper is refused with what differs and the way out", "[call]") {
    const WrapperPair pair{"/vm/web.sh", "/vm/web.ctys"};
    CHECK(check_stock(pair, {.of_original = true}));
    qemu::WrapperKind kind{.of_original = true, .edits = {{12, "modprobe tun"}, {0, "its -m"}}};

    const auto refused = check_stock(pair, kind);

    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Conflict);
    CHECK(refused.error().message == "/vm/web.sh is a wrapper of the original that was edited, and "
                                     "is not run; what differs:");
    CHECK(refused.error().evidence ==
          std::vector<std::string>{"line 12: modprobe tun", "its -m is gone"});
    CHECK(refused.error().try_next == "ctys-createConfVM --adopt /vm/web.ctys");

    kind.edits.assign(9, {1, "reboot"});
    CHECK(check_stock(pair, kind).error().evidence.size() == 6);
    CHECK(check_stock(pair, kind).error().evidence.back() == "and 4 more");
}

TEST_CASE("the wrapper of this version is part of the program", "[call]") {
    CHECK(wrapper_text().starts_with("#!/bin/bash\n"));
    CHECK(wrapper_text().find("--wrapper-lib") != std::string_view::npos);
}
