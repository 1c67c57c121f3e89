#include "agent/core/ladder.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;

namespace {

using Rungs = std::vector<Rung>;

Instant at(Duration since) {
    return Instant{since};
}

/// Steps a ladder through its own timers up to a time; what it used, with the time.
std::vector<std::pair<Duration, Rung>> climb(Ladder& ladder, Duration until) {
    std::vector<std::pair<Duration, Rung>> used;
    while (!ladder.is_final() && ladder.next() <= at(until)) {
        const auto now = ladder.next();
        ladder.on_time(now);
        for (const auto rung : ladder.take()) {
            used.emplace_back(now.since_start, rung);
        }
    }
    return used;
}

} // namespace

TEST_CASE("a shutdown with a deadline asks, asks again, and cuts exactly then", "[agent]") {
    Ladder ladder{{.deadline = 70s}, at(0s)};

    CHECK(ladder.take() == Rungs{Rung::Button});
    CHECK(climb(ladder, 200s) == std::vector<std::pair<Duration, Rung>>{{30s, Rung::Button},
                                                                        {60s, Rung::Button},
                                                                        {70s, Rung::Quit},
                                                                        {75s, Rung::Sigterm},
                                                                        {80s, Rung::Sigkill}});
    CHECK(ladder.state() == Ladder::State::Stuck);
    CHECK(ladder.next() == at(90s));
}

TEST_CASE("a shutdown without a deadline never cuts and gives up asking", "[agent]") {
    Ladder ladder{{}, at(0s)};
    CHECK(ladder.take() == Rungs{Rung::Button});

    const auto used = climb(ladder, 1000s);

    for (const auto& [when, rung] : used) {
        CHECK(rung == Rung::Button);
    }
    CHECK(used.size() == 5);
    CHECK(ladder.state() == Ladder::State::GaveUp);
}

TEST_CASE("a kill begins with quit, and with a signal where there is no monitor", "[agent]") {
    Ladder with_monitor{{.ask = false}, at(0s)};
    CHECK(with_monitor.take() == Rungs{Rung::Quit});

    Ladder without{{.ask = false, .has_qmp = false}, at(0s)};
    CHECK(without.take() == Rungs{Rung::Sigterm});
    CHECK(climb(without, 5s) == std::vector<std::pair<Duration, Rung>>{{5s, Rung::Sigkill}});
}

TEST_CASE("a deadline of zero cuts at once", "[agent]") {
    Ladder ladder{{.deadline = 0s}, at(7s)};

    CHECK(ladder.take() == Rungs{Rung::Quit});
    CHECK(ladder.state() == Ladder::State::Quitting);
}

TEST_CASE("the guest agent is asked first, and the button when it does not answer", "[agent]") {
    Ladder ladder{{.has_guest_agent = true, .deadline = 60s}, at(0s)};
    CHECK(ladder.take() == Rungs{Rung::GuestAgent});

    ladder.on_guest_agent_failed(at(1s));

    CHECK(ladder.take() == Rungs{Rung::Button});
    ladder.on_guest_agent_failed(at(2s));
    CHECK(ladder.take().empty());
}

TEST_CASE("a guest agent that has taken it is asked again, and once it is gone the button",
          "[agent]") {
    Ladder ladder{{.has_guest_agent = true}, at(0s)};
    CHECK(ladder.take() == Rungs{Rung::GuestAgent});
    ladder.on_time(at(29s));
    CHECK(ladder.take().empty());

    ladder.on_time(at(30s));
    CHECK(ladder.take() == Rungs{Rung::GuestAgent});
    ladder.on_guest_agent_failed(at(31s));
    CHECK(ladder.take() == Rungs{Rung::Button});

    ladder.on_time(at(61s));
    CHECK(ladder.take() == Rungs{Rung::Button});
}

TEST_CASE("a guest that resets itself is asked by the button, whatever agent it has", "[agent]") {
    Ladder ladder{{.has_guest_agent = true}, at(0s)};
    CHECK(ladder.take() == Rungs{Rung::GuestAgent});

    ladder.on_guest_reset(at(10s));
    CHECK(ladder.take() == Rungs{Rung::Button});

    ladder.on_time(at(40s));
    CHECK(ladder.take() == Rungs{Rung::GuestAgent});
}

TEST_CASE("a guest agent that fails while the power is cut already changes nothing", "[agent]") {
    Ladder ladder{{.has_guest_agent = true, .deadline = 1s}, at(0s)};
    ladder.on_time(at(1s));
    CHECK(ladder.take() == Rungs{Rung::GuestAgent, Rung::Quit});

    ladder.on_guest_agent_failed(at(1s));

    CHECK(ladder.take().empty());
}

TEST_CASE("a sleeping guest is woken before the button is pressed", "[agent]") {
    Ladder ladder{{.is_suspended = true, .deadline = 60s}, at(0s)};

    CHECK(ladder.take() == Rungs{Rung::Wake, Rung::Button});
}

TEST_CASE("a guest that resets itself is asked again at once, with the same deadline", "[agent]") {
    Ladder ladder{{.deadline = 60s}, at(0s)};
    CHECK(ladder.take() == Rungs{Rung::Button});

    ladder.on_guest_reset(at(10s));

    CHECK(ladder.take() == Rungs{Rung::Button});
    CHECK(ladder.cut_at() == at(60s));
    CHECK(climb(ladder, 60s) ==
          std::vector<std::pair<Duration, Rung>>{{40s, Rung::Button}, {60s, Rung::Quit}});
}

TEST_CASE("a cut that is moved presses no button meanwhile", "[agent]") {
    Ladder ladder{{.deadline = 10s}, at(0s)};
    CHECK(ladder.take() == Rungs{Rung::Button});

    ladder.move_cut(at(40s), at(5s));
    CHECK(climb(ladder, 39s) == std::vector<std::pair<Duration, Rung>>{{30s, Rung::Button}});
    ladder.move_cut(std::nullopt, at(39s));
    CHECK(climb(ladder, 61s) == std::vector<std::pair<Duration, Rung>>{{60s, Rung::Button}});
    ladder.move_cut(at(60s), at(61s));
    CHECK(ladder.take() == Rungs{Rung::Quit});
}

TEST_CASE("an order to cut ends the asking, and a second one changes nothing", "[agent]") {
    Ladder ladder{{.deadline = 60s}, at(0s)};
    CHECK(ladder.take() == Rungs{Rung::Button});

    ladder.cut_now(at(5s));
    ladder.cut_now(at(6s));

    CHECK(ladder.take() == Rungs{Rung::Quit});
    CHECK(ladder.next() == at(10s));
}

TEST_CASE("that the monitor goes after quit does not bring the signal forward", "[agent]") {
    Ladder ladder{{.ask = false}, at(0s)};
    CHECK(ladder.take() == Rungs{Rung::Quit});

    ladder.on_monitor_lost();

    CHECK(ladder.take().empty());
    CHECK(ladder.next() == at(5s));
}

TEST_CASE("without its monitor a VM is cut by a signal", "[agent]") {
    Ladder ladder{{.deadline = 10s}, at(0s)};
    CHECK(ladder.take() == Rungs{Rung::Button});

    ladder.on_monitor_lost();

    CHECK(climb(ladder, 10s) == std::vector<std::pair<Duration, Rung>>{{10s, Rung::Sigterm}});
}

TEST_CASE("a foreign VM is asked by the command of its owner", "[agent]") {
    Ladder ladder{{.has_qmp = false, .has_owner_command = true, .deadline = 10s}, at(0s)};

    CHECK(ladder.take() == Rungs{Rung::OwnerCommand});
    CHECK(climb(ladder, 10s) == std::vector<std::pair<Duration, Rung>>{{10s, Rung::Sigterm}});
}

TEST_CASE("an order to cut may signal a foreign VM that was only to be asked", "[agent]") {
    Ladder ladder{{.has_qmp = false, .may_signal = false, .has_owner_command = true}, at(0s)};
    CHECK(ladder.take() == Rungs{Rung::OwnerCommand});

    ladder.allow_signals(true);
    ladder.cut_now(at(1s));

    CHECK(ladder.take() == Rungs{Rung::Sigterm});
    CHECK(climb(ladder, 10s) == std::vector<std::pair<Duration, Rung>>{{6s, Rung::Sigkill}});
}
