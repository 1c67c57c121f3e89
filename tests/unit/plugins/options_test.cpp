#include "tools/plugins/options.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;

TEST_CASE("plugins are named in any case, each once", "[plugins]") {
    CHECK(parse_plugin_types("QEMU,VNC,X11,CLI") ==
          std::vector{PluginType::Qemu, PluginType::Vnc, PluginType::X11, PluginType::Cli});
    CHECK(parse_plugin_types("qemu, qemu") == std::vector{PluginType::Qemu});
    CHECK(parse_plugin_types("vnc,all")->size() == plugin_types.size());
}

TEST_CASE("a name that is no plugin is refused, one of the original as not built", "[plugins]") {
    CHECK(parse_plugin_types("QEMU,foo").error().code == ErrorCode::Usage);
    CHECK(parse_plugin_types("").error().code == ErrorCode::Usage);
    CHECK(parse_plugin_types("xen").error().code == ErrorCode::Unsupported);
    CHECK(parse_plugin_types("KVM").error().message == "KVM is no plugin of its own: QEMU uses it");
}

TEST_CASE("the bit 64 of a pattern traces the checks, as a level all from there on", "[plugins]") {
    CHECK(traces_checks("64,p") == true);
    CHECK(traces_checks("64,P") == true);
    CHECK(traces_checks("65535,PATTERN") == true);
    CHECK(traces_checks("32,p") == false);
    CHECK(traces_checks("64") == true);
    CHECK(traces_checks("32") == false);
    CHECK(traces_checks("128") == true);
    CHECK(traces_checks("128,p") == false);
}

TEST_CASE("other words of the original's -d change nothing, unknown ones are refused",
          "[plugins]") {
    CHECK(traces_checks("pf:1") == false);
    CHECK(traces_checks("64,p,S:256,F:lib.sh,EXCLUDE") == true);
    CHECK_FALSE(traces_checks("64,everything"));
    CHECK_FALSE(traces_checks(""));
    CHECK_FALSE(traces_checks("99999999999,p"));
}
