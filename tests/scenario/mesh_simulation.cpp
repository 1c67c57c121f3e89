// Lives random meshes through, seed by seed: see docs and --help.

#include "tests/support/simulation/random_mesh.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>

namespace {

using namespace ctys;
using sim::Verdict;

struct Total {
    std::uint64_t seeds = 0;
    std::uint64_t inputs = 0;
    std::uint64_t faults = 0;
    std::uint64_t least_inputs = UINT64_MAX;
    std::uint64_t least_faults = UINT64_MAX;
    std::map<std::string, std::uint64_t> kinds;
    std::vector<std::uint64_t> failing;
};

constexpr std::uint64_t enough_inputs = 2000; // DESIGN 13
constexpr std::uint64_t enough_faults = 3;

void tell_failure(const Verdict& verdict) {
    fmt::print("seed {} fails:\n", verdict.seed);
    for (const auto& violation : verdict.violations) {
        fmt::print("    {}\n", violation);
    }
    std::fflush(stdout);
}

void add(Total& total, Verdict verdict) {
    if (verdict.inputs < enough_inputs || verdict.faults < enough_faults)
        verdict.violations.insert(fmt::format(
            "too little happened: {} inputs, {} faults", verdict.inputs, verdict.faults));
    ++total.seeds;
    total.inputs += verdict.inputs;
    total.faults += verdict.faults;
    total.least_inputs = std::min(total.least_inputs, verdict.inputs);
    total.least_faults = std::min(total.least_faults, verdict.faults);
    for (const auto& [kind, count] : verdict.fault_kinds) {
        total.kinds[kind] += count;
    }
    if (verdict.violations.empty()) return;
    tell_failure(verdict);
    total.failing.push_back(verdict.seed);
}

int live(std::uint64_t from, std::uint64_t to, bool once, sim::Mutant mutant) {
    const auto begun = std::chrono::steady_clock::now();
    Total total;
    for (auto seed = from; seed <= to; ++seed) {
        add(total, once ? sim::live_through(seed, false, mutant) : sim::live_twice(seed, mutant));
    }
    const auto took =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    fmt::print(
        "{} seeds{}, {} inputs (at least {} a seed), {} faults (at least {} a seed), {:.1f} s, "
        "{:.1f} seeds/s\n",
        total.seeds,
        once ? "" : ", each twice",
        total.inputs,
        total.least_inputs,
        total.faults,
        total.least_faults,
        took,
        static_cast<double>(total.seeds) / took);
    for (const auto& [kind, count] : total.kinds) {
        fmt::print("    {:16} {}\n", kind, count);
    }
    if (!total.failing.empty())
        fmt::print("{} seeds fail: {}\n", total.failing.size(), fmt::join(total.failing, " "));
    return total.failing.empty() ? 0 : 1;
}

/// Every planted defect must be seen by one of the seeds; the first that sees it ends its turn.
int hunt(std::uint64_t from, std::uint64_t to) {
    int alive = 0;
    for (const auto& each : sim::mutants) {
        std::uint64_t seed = from;
        Verdict verdict;
        for (; seed <= to; ++seed) {
            verdict = sim::live_twice(seed, each.mutant);
            if (!verdict.violations.empty()) break;
        }
        if (seed > to) {
            ++alive;
            fmt::print("{:26} SURVIVES {} seeds\n", each.name, to - from + 1);
        } else {
            fmt::print("{:26} seed {:4}: {}\n", each.name, seed, *verdict.violations.begin());
        }
        std::fflush(stdout);
    }
    return alive == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Lives whole meshes through under virtual time and checks the promises"};
    std::string seeds = "1..100";
    std::uint64_t seed = 0;
    std::string mutant;
    bool verbose = false;
    bool once = false;
    bool mutants = false;
    app.add_option("--seeds", seeds, "FROM..TO, both included")->capture_default_str();
    app.add_option("--seed", seed, "only this one");
    app.add_flag("--verbose", verbose, "tell the story of --seed");
    app.add_flag("--once", once, "do not repeat each seed to compare digests");
    app.add_option("--mutant", mutant, "plant this defect");
    app.add_flag("--mutants", mutants, "plant each defect in turn: every one must be found");
    CLI11_PARSE(app, argc, argv);
    const auto planted = sim::find_mutant(mutant);
    if (!mutant.empty() && !planted) {
        fmt::print(stderr, "no mutant is called {}\n", mutant);
        return 2;
    }
    const auto chosen = planted ? planted->mutant : sim::Mutant::None;
    if (seed != 0 && verbose) {
        const auto verdict = sim::live_through(seed, /*tells=*/true, chosen);
        fmt::print("{} inputs, {} faults, {} events, {} actions\n",
                   verdict.inputs,
                   verdict.faults,
                   verdict.events,
                   verdict.actions);
        if (!verdict.violations.empty()) tell_failure(verdict);
        return verdict.violations.empty() ? 0 : 1;
    }
    std::uint64_t from = seed;
    std::uint64_t to = seed;
    if (seed == 0 && std::sscanf(seeds.c_str(), "%lu..%lu", &from, &to) != 2) {
        fmt::print(stderr, "--seeds takes FROM..TO\n");
        return 2;
    }
    return mutants ? hunt(from, to) : live(from, to, once, chosen);
}
