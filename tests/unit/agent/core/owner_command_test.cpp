#include "tests/unit/agent/core/core_fixture.h"

#include <catch2/catch.hpp>

#include <csignal>

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;
using Words = std::vector<std::string>;

namespace {

const std::string file = "/etc/ctys/agent.toml:7";

OwnerCommands shipped() {
    return {
        {Owner::Libvirt, {.words = {"/usr/bin/virsh", "shutdown", "{uuid}"}, .origin = file}},
        {Owner::Proxmox, {.words = {"qm", "{vmid}", "--timeout={timeout}"}, .origin = "default"}}};
}

/// A machine where one VM of libvirt and one of Proxmox run.
struct Owned : CoreFixture {
    explicit Owned() : CoreFixture(Recovered{}, shipped()) {
        appear(100, Owner::Libvirt, {});
        qemu::OwnerHandle handle;
        handle.vmid = "101";
        handle.pidfile = "/run/qemu-server/101.pid";
        appear(101, Owner::Proxmox, handle);
        forget_deeds();
    }
    void appear(std::uint32_t pid, Owner owner, const qemu::OwnerHandle& handle) {
        InstanceRecord record{.key = key(pid),
                              .vm = vm(pid),
                              .label = fmt::format("vm{}", pid),
                              .owner = owner,
                              .state = VmState::Running};
        input(Appeared{.record = std::move(record), .adopted = false, .handle = handle});
    }
    [[nodiscard]] const InstanceRecord& row(std::uint32_t pid) {
        return core().instances().all().at(key(pid)).record;
    }
    void ended(std::uint32_t pid, int code, std::string output = {}) {
        input(OwnerCommandEnded{.key = key(pid), .exit_code = code, .output = std::move(output)});
    }
    void climb(std::uint32_t pid, Duration span) {
        const TimerKey ladder{.kind = TimerKind::Ladder, .instance = key(pid), .action = {}};
        for (constexpr Duration step = 500ms; span > 0ms; span -= step) {
            live(step);
            while (fire(ladder)) {
            }
        }
    }
    /// The error with which an action has ended, if it has.
    [[nodiscard]] std::optional<Error> error_of(ActionId action) const {
        for (const auto& event : events(EventKind::ActionEnded)) {
            if (event.action != action) continue;
            return std::get<ActionRecord>(event.payload).outcome->error;
        }
        return std::nullopt;
    }
    [[nodiscard]] std::string refusal() const {
        const auto refused = answers<msg::CommandRefused>();
        return refused.size() == 1 && refused[0].error.code == ErrorCode::Conflict
                   ? refused[0].error.message
                   : "";
    }
};

} // namespace

TEST_CASE_METHOD(Owned, "The row of a foreign VM says what it stops through", "[agent]") {
    CHECK(row(100).can_ask);
    CHECK(row(100).note == "stops through virsh");
    CHECK(row(101).can_ask);
    CHECK(row(101).note == "stops through qm");
}

TEST_CASE_METHOD(Owned,
                 "A shutdown runs the command of the owner with its words filled in",
                 "[agent]") {
    order(Verb::Shutdown, 100);
    order(Verb::Shutdown, 101, {.deadline = 60s});

    const auto calls = done<RunOwnerCommand>();
    REQUIRE(calls.size() == 2);
    CHECK(calls[0].call.argv == Words{"/usr/bin/virsh", "shutdown", vm(100).to_string()});
    CHECK(calls[0].patience == Control::asked_patience);
    // It waits longer than until our cut: its own end of patience must not come first.
    CHECK(calls[1].call.argv == Words{"qm", "101", "--timeout=70"});
    CHECK(calls[1].call.pidfile == "/run/qemu-server/101.pid");
    CHECK(calls[1].patience == 60s);
    CHECK(events(EventKind::Asked).back().data ==
          std::vector<std::pair<std::string, std::string>>{{"command", "qm 101 --timeout=70"}});
    CHECK(done<SignalProcess>().empty());
}

TEST_CASE_METHOD(Owned,
                 "A command that still runs is not run again, one that has ended is",
                 "[agent]") {
    order(Verb::Shutdown, 100);
    order(Verb::Shutdown, 101);
    ended(100, 0);

    climb(100, 31s);
    climb(101, 31s);

    CHECK(done<RunOwnerCommand>().size() == 3);
    CHECK(done<RunOwnerCommand>()[2].key == key(100));
}

TEST_CASE_METHOD(Owned,
                 "At the deadline, and at none but that, the VM is cut by signals",
                 "[agent]") {
    const auto action = order(Verb::Shutdown, 101, {.deadline = 60s});
    climb(101, 59s);
    CHECK(done<SignalProcess>().empty());

    climb(101, 1500ms);

    REQUIRE(done<SignalProcess>().size() == 1);
    CHECK(done<SignalProcess>()[0].signal == SIGTERM);
    CHECK(done<MonitorCommand>().empty());
    // What its owner says of that is of no account.
    ended(101, 255, "VM quit/powerdown failed - got timeout");
    input(Exited{key(101), Ending{.by = EndedBy::Host, .detail = {}, .at = now().wall}});
    CHECK_FALSE(error_of(action));
}

TEST_CASE_METHOD(Owned, "Without a deadline nothing of the owner's is cut", "[agent]") {
    const auto action = order(Verb::Shutdown, 101);

    climb(101, 200s);

    CHECK(done<SignalProcess>().empty());
    REQUIRE(error_of(action));
    CHECK(error_of(action)->code == ErrorCode::TimedOut);
}

TEST_CASE_METHOD(Owned, "A later order with a deadline may cut what was only asked", "[agent]") {
    order(Verb::Shutdown, 100);
    order(Verb::Shutdown, 100, {.deadline = 5s});

    climb(100, 6s);

    REQUIRE(done<SignalProcess>().size() == 1);
    CHECK(done<SignalProcess>()[0].signal == SIGTERM);
}

TEST_CASE_METHOD(Owned, "An owner that refuses ends the order with the owner's words", "[agent]") {
    const auto action = order(Verb::Shutdown, 100);

    ended(100, 1, "error: domain is not running");

    REQUIRE(error_of(action));
    CHECK(error_of(action)->message ==
          "the command of its owner ended with 1: error: domain is not running");
    CHECK(row(100).state == VmState::Running);
}

TEST_CASE_METHOD(Owned, "Once asked, a refusal to ask again changes nothing", "[agent]") {
    const auto action = order(Verb::Shutdown, 100);
    ended(100, 0);
    climb(100, 31s);

    ended(100, 1, "error: domain is not running");
    CHECK_FALSE(error_of(action));
    input(Exited{key(100), Ending{.by = EndedBy::Guest, .detail = {}, .at = now().wall}});

    CHECK(events(EventKind::ActionEnded).size() == 1);
    CHECK_FALSE(error_of(action));
}

TEST_CASE_METHOD(Owned,
                 "A removed command, a missing program and an untold name refuse",
                 "[agent]") {
    auto owners = shipped();
    SECTION("the setting is empty") {
        owners[Owner::Libvirt].words.clear();
        input(OwnersChanged{owners});
        order(Verb::Shutdown, 100);
        CHECK(refusal() == "cannot be asked: [owner.libvirt] shutdown of agent.toml names no "
                           "command (/etc/ctys/agent.toml:7)");
        CHECK_FALSE(row(100).can_ask);
        CHECK(row(100).note == refusal());
    }
    SECTION("its program is gone") {
        owners[Owner::Libvirt].found = false;
        input(OwnersChanged{owners});
        order(Verb::Shutdown, 100);
        CHECK(refusal() == "cannot be asked: /usr/bin/virsh, which [owner.libvirt] shutdown names "
                           "(/etc/ctys/agent.toml:7), is not on this worker");
    }
    SECTION("the process does not say its number") {
        appear(102, Owner::Proxmox, {});
        CHECK_FALSE(row(102).can_ask);
        order(Verb::Shutdown, 102);
        CHECK(refusal() == "cannot be asked: its QEMU does not tell the {vmid} that "
                           "[owner.proxmox] shutdown needs");
    }
    CHECK(done<RunOwnerCommand>().empty());
}

TEST_CASE_METHOD(Owned, "A program that comes or goes is news of each of its VMs", "[agent]") {
    auto owners = shipped();
    input(OwnersChanged{owners});
    CHECK(events(EventKind::VmChanged).empty());

    owners[Owner::Libvirt].found = false;
    input(OwnersChanged{owners});
    input(OwnersChanged{shipped()});

    const auto changes = events(EventKind::VmChanged);
    REQUIRE(changes.size() == 2);
    CHECK_FALSE(std::get<InstanceRecord>(changes[0].payload).can_ask);
    CHECK(changes[1].text == "stops through virsh");
}

TEST_CASE_METHOD(Owned, "Kill and force reach a foreign VM by signals, past its owner", "[agent]") {
    const bool by_kill = GENERATE(true, false);

    order(by_kill ? Verb::Kill : Verb::Shutdown, 100, {.force = !by_kill});

    CHECK(done<RunOwnerCommand>().empty());
    REQUIRE(done<SignalProcess>().size() == 1);
    CHECK(done<SignalProcess>()[0].signal == SIGTERM);
}

TEST_CASE("A placeholder that does not exist is told by name", "[agent]") {
    CHECK(check_owner_command({"virsh", "--connect={connection}", "{uuid}{label}", "{", "{}"}));

    const auto wrong = check_owner_command({"virsh", "{uuid}", "--domain={domain}"});

    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message ==
          "there is no placeholder {domain}; there are: {label} {uuid} {pid} {vmid} {project} "
          "{instance} {connection} {timeout}");
}
