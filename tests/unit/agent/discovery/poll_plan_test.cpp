#include "agent/discovery/poll_plan.h"

#include <catch2/catch.hpp>

#include <set>

using namespace ctys::agent;

using Pids = std::vector<std::uint32_t>;

TEST_CASE("new processes and those that may exec are looked at, others not", "[discovery]") {
    PollPlan plan;
    const std::vector<ProcEntry> listing{{1, 11}, {2, 12}, {3, 13}, {4, 14}};

    CHECK(plan.next(listing) == Pids{1, 2, 3, 4});
    plan.note(1, Sight::Other);
    plan.note(2, Sight::Never);
    plan.note(3, Sight::Candidate);
    plan.note(4, Sight::Hidden);

    CHECK(plan.next(listing) == Pids{1, 4});
    CHECK(plan.hidden_count() == 1);
}

TEST_CASE("a reused pid is looked at though its predecessor was settled", "[discovery]") {
    PollPlan plan;
    CHECK(plan.next(std::vector<ProcEntry>{{5, 1}}) == Pids{5});
    plan.note(5, Sight::Never);
    CHECK(plan.next(std::vector<ProcEntry>{{5, 1}}).empty());

    CHECK(plan.next(std::vector<ProcEntry>{{5, 2}}) == Pids{5});
}

TEST_CASE("a pid that was gone for one poll is new", "[discovery]") {
    PollPlan plan;
    CHECK(plan.next(std::vector<ProcEntry>{{5, 1}}) == Pids{5});
    plan.note(5, Sight::Candidate);
    CHECK(plan.next({}).empty());

    CHECK(plan.next(std::vector<ProcEntry>{{5, 1}}) == Pids{5});
}

TEST_CASE("a poll looks at no more old processes than its budget, all of them in turn",
          "[discovery]") {
    PollPlan plan(10);
    std::vector<ProcEntry> listing;
    for (std::uint32_t pid = 1; pid <= 35; ++pid) {
        listing.push_back({pid, pid});
    }
    CHECK(plan.next(listing).size() == 35);

    std::set<std::uint32_t> seen;
    for (int round = 0; round < 4; ++round) {
        const auto pids = plan.next(listing);
        CHECK(pids.size() == 10);
        seen.insert(pids.begin(), pids.end());
    }

    CHECK(seen.size() == 35);
}

TEST_CASE("after lost notices everything but the watched ones is looked at", "[discovery]") {
    PollPlan plan;
    const std::vector<ProcEntry> listing{{1, 11}, {2, 12}};
    static_cast<void>(plan.next(listing));
    plan.note(1, Sight::Candidate);
    plan.note(2, Sight::Never);

    plan.forget_others();

    CHECK(plan.next(listing) == Pids{2});
}
