#pragma once

#include "mesh/core/time.h"
#include "mesh/core/uuid.h"

namespace ctys::sim {

/// All chance of a simulation comes out of one seed (splitmix64).
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15ULL;
        auto z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31U);
    }
    /// 0 <= result < bound; bound > 0.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }
    bool chance(unsigned percent) { return !steady_ && below(100) < percent; }
    Duration between(Duration least, Duration most) {
        if (steady_) return least;
        const auto span = static_cast<std::uint64_t>((most - least).count()) + 1;
        return least + Duration{static_cast<std::int64_t>(below(span))};
    }
    /// Every span is the shortest and nothing happens by chance: for stories.
    void set_steady() { steady_ = true; }
    template <typename Container>
    auto& pick(Container& from) {
        return from[below(from.size())];
    }
    Uuid uuid() {
        std::array<std::uint8_t, 16> bytes{};
        for (auto& byte : bytes) {
            byte = static_cast<std::uint8_t>(next() & 0xffU);
        }
        return Uuid::from_random(bytes);
    }
    template <typename AnyId>
    AnyId id() {
        return AnyId{uuid()};
    }

private:
    std::uint64_t state_;
    bool steady_ = false;
};

} // namespace ctys::sim
