#include "tools/qemu_call/wrapper_run.h"

#include <catch2/catch.hpp>

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
