#pragma once

#include "mesh/loop/event_loop.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>

namespace ctys::support {

/// An event loop for one test case. Objects on the loop are members of the test case declared
/// after the fixture; one that is still open when the fixture goes aborts the test binary.
class LoopFixture {
public:
    /// Longest wait for an event that will come; reached only by a failing test.
    static constexpr Duration patience = std::chrono::seconds(20);

    loop::EventLoop loop;

    /// Runs the loop until `done` holds; a failed check if that never happens.
    void run_until(const std::function<bool()>& done) {
        const bool held = loop.run_until(done, patience);
        REQUIRE(held);
    }

    /// Performs what is ready now, several rounds deep, without waiting: to show that something
    /// has not happened.
    void drain(int rounds = 8) {
        for (int i = 0; i < rounds; ++i) {
            loop.run_once_for(Duration{0});
        }
    }
};

} // namespace ctys::support
