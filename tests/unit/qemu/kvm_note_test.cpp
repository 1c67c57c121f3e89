#include "mesh/qemu/kvm_note.h"

#include <catch2/catch.hpp>

using namespace ctys::qemu;

TEST_CASE("a note about KVM comes back from its text", "[qemu]") {
    const KvmNote usable{
        .usable = true, .why = "up in 0.1 s", .binaries = {"/usr/bin/q", "/opt/q"}};
    const KvmNote unusable{.usable = false, .why = "no /dev/kvm", .binaries = {}};

    CHECK(parse_kvm_note(to_text(usable)) == usable);
    CHECK(parse_kvm_note(to_text(unusable)) == unusable);
}

TEST_CASE("what is no note about KVM is refused", "[qemu]") {
    CHECK_FALSE(parse_kvm_note(""));
    CHECK_FALSE(parse_kvm_note("usable"));
    CHECK_FALSE(parse_kvm_note("yes\nwhy\n"));
    CHECK_FALSE(parse_kvm_note("usable\n" + std::string(max_kvm_note_bytes, 'x')));
}

TEST_CASE("a line that is no absolute path is no binary", "[qemu]") {
    CHECK(parse_kvm_note("usable\nx\nq\n/usr/bin/q\n\n")->binaries ==
          std::vector<std::string>{"/usr/bin/q"});
}

TEST_CASE("a reason of several lines stays one", "[qemu]") {
    const KvmNote note{.usable = false, .why = "a\n/usr/bin/evil", .binaries = {}};

    CHECK(parse_kvm_note(to_text(note)) ==
          KvmNote{.usable = false, .why = "a?/usr/bin/evil", .binaries = {}});
}
