#include "mesh/qemu/active_master.h"

#include <catch2/catch.hpp>

using namespace ctys::qemu;

namespace {

Configuration variant(const std::string& magic, const std::string& more) {
    return read_configuration("#@#MAGICID-" + magic + "\n" + more, "/vm/web/x.ctys").value();
}

const std::string active_web =
    "#@#LABEL = \"web\"\n#@#UUID = \"f1b2e9a0-7c5d-4e53-9a57-2f5b41c9d253\"\n";

} // namespace

TEST_CASE("of two variants of a VM the one that is marked is no master", "[qemu]") {
    const auto own = variant("QEMU", active_web);
    const std::vector<Variant> beside{
        {"ignored.ctys", variant("QEMU", "#@#MAGICID-IGNORE\n" + active_web)},
        {"noenum.ctys", variant("QEMU", "#@#MAGICID-NOENUM\n" + active_web)},
        {"backup.ctys", variant("QEMU", "#@#VMSTATE = \"BACKUP\"\n" + active_web)},
        {"xen.ctys", variant("XEN", active_web)},
        {"db.ctys",
         variant("QEMU",
                 "#@#LABEL = \"web\"\n#@#UUID = \"f1b2e9a0-7c5d-4e53-9a57-2f5b41c9d254\"\n")},
        {"mail.ctys", variant("QEMU", "#@#LABEL = \"mail\"\n")},
    };

    CHECK(other_masters(own, beside).empty());
}

TEST_CASE("a second active master of a VM is named", "[qemu]") {
    const auto own = variant("QEMU", active_web);
    const std::vector<Variant> beside{
        {"same.ctys", variant("QEMU", active_web + "#@#VMSTATE = \"active\"\n")},
        {"nameless.conf", variant("QEMU", "#@#LABEL = \"web\"\n")},
    };

    CHECK(other_masters(own, beside) == std::vector<std::string>{"same.ctys", "nameless.conf"});
    // One that is ignored itself is no rival of anybody.
    CHECK(other_masters(variant("QEMU", "#@#MAGICID-IGNORE\n" + active_web), beside).empty());
}
