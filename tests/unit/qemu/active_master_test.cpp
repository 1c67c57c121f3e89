#include "mesh/qemu/active_master.h"

#include <catch2/catch.hpp>

using namespace ctys::qemu;

namespace {

Configuration variant(const std::string& magic, const std::string& more) {
    return read_configuration("#@#MAGICID-" + magic + "\n" + more, "/vm/web/x.ctys").value();
}

const std::string web = "#@#LABEL = \"web\"\n#@#UUID = \"f1b2e9a0-7c5d-4e53-9a57-2f5b41c9d253\"\n";

} // namespace

TEST_CASE("of two variants of a VM the one that is marked is no master", "[qemu]") {
    const auto own = variant("QEMU", web);
    const std::vector<Variant> beside{
        {"ignored.ctys", variant("QEMU", "#@#MAGICID-IGNORE\n" + web)},
        {"noenum.ctys", variant("QEMU", "#@#MAGICID-NOENUM\n" + web)},
        {"backup.ctys", variant("QEMU", "#@#VMSTATE = \"BACKUP\"\n" + web)},
        {"xen.ctys", variant("XEN", web)},
        {"db.ctys",
         variant("QEMU",
                 "#@#LABEL = \"web\"\n#@#UUID = \"f1b2e9a0-7c5d-4e53-9a57-2f5b41c9d254\"\n")},
        {"mail.ctys", variant("QEMU", "#@#LABEL = \"mail\"\n")},
    };

    CHECK(other_masters(own, beside).empty());
}

TEST_CASE("a second active master of a VM is named", "[qemu]") {
    const auto own = variant("QEMU", web);
    const std::vector<Variant> beside{
        {"same.ctys", variant("QEMU", web + "#@#VMSTATE = \"active\"\n")},
        {"nameless.conf", variant("QEMU", "#@#LABEL = \"web\"\n")},
    };

    CHECK(other_masters(own, beside) == std::vector<std::string>{"same.ctys", "nameless.conf"});
    // One that is ignored itself is no rival of anybody.
    CHECK(other_masters(variant("QEMU", "#@#MAGICID-IGNORE\n" + web), beside).empty());
}
