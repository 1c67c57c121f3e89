#include "tools/qemu_call/kvm_choice.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::call;

namespace {

const std::string binary = "/usr/bin/qemu-system-x86_64";

KvmFacts proven() {
    return {.insists = false,
            .known = qemu::KvmNote{.usable = true, .why = "up", .binaries = {binary}},
            .binary = binary,
            .may_open = true};
}

KvmFacts hanging() {
    return {.insists = false,
            .known = qemu::KvmNote{.usable = false, .why = "guests hang", .binaries = {}},
            .binary = binary,
            .may_open = true};
}

} // namespace

TEST_CASE("KVM is used unasked where a probe guest has run", "[qemu-call]") {
    CHECK(choose_kvm(KvmWish::Unsaid, proven()) == KvmChoice{.use = true, .note = {}});
    CHECK(choose_kvm(KvmWish::Kvm, proven()) == KvmChoice{.use = true, .note = {}});
}

TEST_CASE("a build that was not tried uses KVM, and that is said", "[qemu-call]") {
    auto facts = proven();
    facts.known->binaries.emplace_back("/opt/q/bin/qemu-system-x86_64");
    facts.known->tried = {"/opt/q/bin/qemu-system-x86_64"};

    for (const auto wish : {KvmWish::Unsaid, KvmWish::Kvm}) {
        CHECK(choose_kvm(wish, facts) ==
              KvmChoice{.use = true,
                        .note = "ACCELERATOR: KVM is used; no probe guest was tried with "
                                "/usr/bin/qemu-system-x86_64, one came up with "
                                "/opt/q/bin/qemu-system-x86_64"});
    }
    facts.binary = facts.known->tried.front();
    CHECK(choose_kvm(KvmWish::Kvm, facts) == KvmChoice{.use = true, .note = {}});
}

TEST_CASE("emulation that was asked for stays emulation", "[qemu-call]") {
    CHECK(choose_kvm(KvmWish::Emulation, proven()) == KvmChoice{});
    auto facts = proven();
    facts.insists = true;
    CHECK(choose_kvm(KvmWish::Emulation, facts) == KvmChoice{});
}

TEST_CASE("a KVM that runs no guests gives way to TCG, and that is said", "[qemu-call]") {
    CHECK(choose_kvm(KvmWish::Unsaid, hanging()).note ==
          "ACCELERATOR: KVM cannot be used on this machine (guests hang), QEMU's own emulation "
          "(TCG) is used");
    const auto asked = choose_kvm(KvmWish::Kvm, hanging());
    CHECK_FALSE(asked.use);
    CHECK(asked.note.ends_with("; CTYS_KVM=usable insists on KVM"));
}

TEST_CASE("where nobody has tried, KVM is not used and only whoever asks for it is told",
          "[qemu-call]") {
    const KvmFacts nothing{.insists = false, .known = {}, .binary = binary, .may_open = true};

    CHECK(choose_kvm(KvmWish::Unsaid, nothing) == KvmChoice{});
    CHECK_FALSE(choose_kvm(KvmWish::Kvm, nothing).note.empty());
    CHECK_FALSE(choose_kvm(KvmWish::Kvm, nothing).use);
}

TEST_CASE("what KVM has shown in another boot proves nothing in this one", "[qemu-call]") {
    auto facts = proven();
    facts.boot = BootId{Uuid::from_name({}, "this boot")};
    CHECK(choose_kvm(KvmWish::Unsaid, facts).use); // an older agent does not tell
    facts.known->boot = facts.boot;
    CHECK(choose_kvm(KvmWish::Unsaid, facts).use);

    facts.known->boot = BootId{Uuid::from_name({}, "the boot before")};

    CHECK(choose_kvm(KvmWish::Unsaid, facts) == KvmChoice{});
    CHECK_FALSE(choose_kvm(KvmWish::Kvm, facts).use);
}

TEST_CASE("who insists gets KVM", "[qemu-call]") {
    auto facts = hanging();
    facts.insists = true;

    CHECK(choose_kvm(KvmWish::Kvm, facts) == KvmChoice{.use = true, .note = {}});
    CHECK_FALSE(choose_kvm(KvmWish::Unsaid, facts).use);
}

TEST_CASE("a user who may not open /dev/kvm gets emulation where the agent's user may",
          "[qemu-call]") {
    auto facts = proven();
    facts.may_open = false;

    CHECK(choose_kvm(KvmWish::Unsaid, facts) ==
          KvmChoice{.use = false,
                    .note = "ACCELERATOR: KVM cannot be used on this machine (this user may not "
                            "open /dev/kvm), QEMU's own emulation (TCG) is used"});
}

TEST_CASE("an emulator of another kind does not use KVM", "[qemu-call]") {
    auto facts = proven();
    facts.binary = "/usr/bin/qemu-system-arm";

    CHECK(choose_kvm(KvmWish::Unsaid, facts) == KvmChoice{});
    CHECK(choose_kvm(KvmWish::Kvm, facts).note.find("qemu-system-arm is not among") !=
          std::string::npos);
}
