#pragma once

#include "mesh/core/digest.h"
#include "tests/support/simulation/mutant.h"
#include "tests/support/simulation/random.h"
#include "tests/support/simulation/schedule.h"

#include <cstdio>
#include <map>
#include <set>
#include <string>

namespace ctys::sim {

/// What every part of a simulated mesh stands on: time, chance, the story that is told, and the
/// list of broken promises.
class Ground {
public:
    Ground(std::uint64_t seed, bool tells) : random(seed), tells_(tells) {}
    Ground(const Ground&) = delete;
    Ground& operator=(const Ground&) = delete;

    Schedule schedule;
    Random random;
    Mutant mutant = Mutant::None;

    /// One line of the story; `make` is called only when somebody reads it.
    template <typename Make>
    void tell(Make make) const {
        if (!tells_) return;
        const auto seconds = static_cast<double>(schedule.now().since_start.count()) / 1e6;
        std::fputs(fmt::format("{:10.3f} {}\n", seconds, make()).c_str(), stdout);
    }
    /// Everything that a core was told goes into one digest (P9).
    void mix(std::string_view text) { digest_ = ctys::digest(text, digest_); }
    void mix(std::span<const std::byte> bytes) { digest_ = ctys::digest(bytes, digest_); }
    void mix(std::uint64_t number) {
        digest_ = ctys::digest(std::as_bytes(std::span{&number, 1}), digest_);
    }
    [[nodiscard]] std::uint64_t digest() const { return digest_; }

    void on_input() { ++inputs_; }
    void on_fault(std::string_view kind) {
        ++faults_[std::string{kind}];
        mix(kind);
    }
    [[nodiscard]] std::uint64_t inputs() const { return inputs_; }
    [[nodiscard]] const std::map<std::string, std::uint64_t>& faults() const { return faults_; }

    /// A promise of DESIGN 1 is broken. Told once per promise and text.
    void broken(std::string_view promise, const std::string& what) {
        const auto text = fmt::format("{}: {}", promise, what);
        if (violations_.size() >= most_violations || !violations_.insert(text).second) return;
        tell([&] { return "BROKEN " + text; });
    }
    [[nodiscard]] const std::set<std::string>& violations() const { return violations_; }

private:
    static constexpr std::size_t most_violations = 64;

    bool tells_;
    std::uint64_t digest_ = 1;
    std::uint64_t inputs_ = 0;
    std::map<std::string, std::uint64_t> faults_;
    std::set<std::string> violations_;
};

} // namespace ctys::sim
