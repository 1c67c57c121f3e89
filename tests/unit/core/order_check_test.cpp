#include "mesh/core/order_check.h"

#include <catch2/catch.hpp>

using namespace ctys;
using std::chrono::seconds;

namespace {

InstanceRecord ours() {
    InstanceRecord instance;
    instance.label = "web";
    instance.managed = true;
    instance.owner = Owner::Ctys;
    instance.state = VmState::Running;
    instance.can_ask = true;
    return instance;
}

InstanceRecord of(Owner owner, bool can_ask) {
    auto instance = ours();
    instance.managed = false;
    instance.owner = owner;
    instance.can_ask = can_ask;
    return instance;
}

bool is_begun(Verb verb, const InstanceRecord& instance) {
    const auto checked = check_order(Action{.verb = verb}, addressee_of(instance));
    if (!checked) CHECK(checked.error().code == ErrorCode::Conflict);
    return checked.has_value();
}

} // namespace

TEST_CASE("a VM that was started here takes every order", "[order]") {
    auto awaited = ours();
    awaited.can_ask = false; // its monitor may still come
    for (const auto verb : {Verb::Shutdown,
                            Verb::Kill,
                            Verb::Reboot,
                            Verb::Reset,
                            Verb::Pause,
                            Verb::Resume,
                            Verb::Suspend,
                            Verb::Eject,
                            Verb::ChangeMedium,
                            Verb::SaveSnapshot,
                            Verb::RevertSnapshot,
                            Verb::DeleteSnapshot}) {
        CHECK(is_begun(verb, ours()));
        CHECK(is_begun(verb, awaited));
    }
}

TEST_CASE("without a monitor only power can be cut", "[order]") {
    const auto by_hand = of(Owner::ByHand, false);
    for (const auto verb :
         {Verb::Shutdown, Verb::Reboot, Verb::Reset, Verb::Pause, Verb::Resume, Verb::Suspend}) {
        CHECK_FALSE(is_begun(verb, by_hand));
    }
    CHECK(is_begun(Verb::Kill, by_hand));
    CHECK(check_order(Action{.verb = Verb::Shutdown, .force = true}, addressee_of(by_hand)));
    CHECK_FALSE(
        check_order(Action{.verb = Verb::Shutdown, .deadline = seconds{5}}, addressee_of(by_hand)));
}

TEST_CASE("the owner of a VM asks it, or says why not", "[order]") {
    CHECK(is_begun(Verb::Shutdown, of(Owner::Libvirt, true)));
    CHECK_FALSE(is_begun(Verb::Pause, of(Owner::Libvirt, true)));
    auto without = of(Owner::Libvirt, false);
    without.note = "cannot be asked: no virsh";
    const auto refused = check_order(Action{.verb = Verb::Shutdown}, addressee_of(without));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "cannot be asked: no virsh");
}

TEST_CASE("a guest that stands is asked by a plan only", "[order]") {
    auto paused = ours();
    paused.state = VmState::Paused;
    CHECK_FALSE(is_begun(Verb::Shutdown, paused));
    CHECK_FALSE(is_begun(Verb::Reboot, paused));
    CHECK(is_begun(Verb::Suspend, paused));
    CHECK(check_order(Action{.verb = Verb::Shutdown, .plan = ActionId{7}}, addressee_of(paused)));
    paused.reason = "panicked";
    CHECK_FALSE(is_begun(Verb::Shutdown, paused));
    CHECK(
        check_order(Action{.verb = Verb::Shutdown, .deadline = seconds{5}}, addressee_of(paused)));
}

TEST_CASE("what cannot be suspended is not told to be paused where it cannot be either",
          "[order]") {
    const auto tried = [](const InstanceRecord& instance) {
        const auto refused = check_order(Action{.verb = Verb::Suspend}, addressee_of(instance));
        REQUIRE_FALSE(refused);
        return refused.error().try_next;
    };
    CHECK(tried(of(Owner::ByHand, false)) == "ctys show web");
    CHECK(tried(of(Owner::ByHand, true)) == "ctys pause web");
}

TEST_CASE("what others have started keeps its media, and what it was", "[order]") {
    for (const auto verb : {Verb::Eject,
                            Verb::ChangeMedium,
                            Verb::SaveSnapshot,
                            Verb::RevertSnapshot,
                            Verb::DeleteSnapshot}) {
        CHECK_FALSE(is_begun(verb, of(Owner::ByHand, true)));
        CHECK_FALSE(is_begun(verb, of(Owner::Libvirt, true)));
    }
}

TEST_CASE("a run level is entered by the guest agent of a VM that runs", "[order]") {
    const Action init{.verb = Verb::Init, .run_level = std::uint8_t{3}};
    auto vm = addressee_of(ours());
    const auto without = check_order(init, vm);
    REQUIRE_FALSE(without);
    CHECK(without.error().code == ErrorCode::Unsupported);
    CHECK(without.error().message == "run level 3 is entered by an agent inside, and there is "
                                     "none: web is no worker, and runs without GUESTAGENT=yes");
    CHECK(without.error().try_next == "ctys init 0 web ends the guest, ctys init 6 web reboots it");

    auto awaited = ours();
    awaited.can_ask = false; // whether it has one shows with its monitor
    CHECK(check_order(init, addressee_of(awaited)));

    vm.guest_agent = true;
    CHECK(check_order(init, vm));

    SECTION("not while it stands") {
        vm.state = VmState::Paused;
    }
    SECTION("not while it ends") {
        vm.is_ending = true;
    }
    SECTION("not while it reboots") {
        vm.is_rebooting = true;
    }
    const auto refused = check_order(init, vm);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Conflict);
}
