// Lives random meshes through, seed by seed: see docs and --help.

#include "tests/support/simulation/big_stack.h"
#include "tests/support/simulation/random_mesh.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <map>
#include <sys/resource.h>

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
    if (verdict.inputs < enough_inputs || verdict.faults < enough_faults) {
        verdict.violations.insert(fmt::format(
            "too little happened: {} inputs, {} faults", verdict.inputs, verdict.faults));
    }
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

/// What a seed tells without any defect; each is lived through once.
class Sound {
public:
    [[nodiscard]] bool is_sound(std::uint64_t seed) {
        const auto [at, is_new] = seeds_.try_emplace(seed);
        if (!is_new) return at->second;
        const auto verdict = sim::live_twice(seed, sim::Mutant::None);
        at->second = verdict.violations.empty();
        if (!at->second) {
            fmt::print("seed {:4} finds nothing: it fails without any defect: {}\n",
                       seed,
                       *verdict.violations.begin());
        }
        return at->second;
    }

private:
    std::map<std::uint64_t, bool> seeds_;
};

/// Every planted defect must be seen by one of the seeds; the first that sees it ends its turn. A
/// seed sees it only if it sees nothing where nothing is planted.
int hunt(std::uint64_t from, std::uint64_t to) {
    int alive = 0;
    Sound sound;
    for (const auto& each : sim::mutants) {
        std::uint64_t seed = from;
        Verdict verdict;
        for (; seed <= to; ++seed) {
            // Only who breaks the sameness of two lives is seen by a second one.
            verdict = each.promise == "P9" ? sim::live_twice(seed, each.mutant)
                                           : sim::live_through(seed, false, each.mutant);
            if (!verdict.violations.empty() && sound.is_sound(seed)) break;
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

/// How long a large stack takes to end, against the longest chain of VMs in it.
int end_stack(std::size_t vms) {
    constexpr double most = 1.1; // DESIGN: Stacks
    const auto begun = std::chrono::steady_clock::now();
    const auto figures = sim::end_big_stack(vms, 1);
    const auto took =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    const auto wall = std::chrono::duration<double>(figures.wall).count();
    const auto longest = std::chrono::duration<double>(figures.longest).count();
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    fmt::print("{} of {} VMs on {} workers ended\n", figures.ended, figures.vms, figures.workers);
    fmt::print("shutdown {:.3f} longest chain {:.3f} ratio {:.3f}\n",
               wall,
               longest,
               wall / std::max(longest, 0.001));
    fmt::print("simulated in {:.1f} s with {} MiB\n", took, used.ru_maxrss / 1024);
    for (const auto& violation : figures.violations) {
        fmt::print("    {}\n", violation);
    }
    const bool is_good = figures.violations.empty() && figures.ended == figures.vms;
    return is_good && wall <= most * longest ? 0 : 1;
}

int run(int argc, char** argv) {
    CLI::App app{"Lives whole meshes through under virtual time and checks the promises"};
    std::string seeds = "1..100";
    std::uint64_t seed = 0;
    std::string mutant;
    bool verbose = false;
    bool once = false;
    bool mutants = false;
    std::size_t stack = 0;
    app.add_option("--seeds", seeds, "FROM..TO, both included")->capture_default_str();
    app.add_option("--seed", seed, "only this one");
    app.add_flag("--verbose", verbose, "tell the story of --seed");
    app.add_flag("--once", once, "do not repeat each seed to compare digests");
    app.add_option("--mutant", mutant, "plant this defect");
    app.add_flag("--mutants", mutants, "plant each defect in turn: every one must be found");
    app.add_option("--stack", stack, "end so many VMs in four levels, and tell how long it takes");
    CLI11_PARSE(app, argc, argv);
    if (stack != 0) return end_stack(stack);
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

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "mesh_simulation: %s\n", error.what());
        return 1;
    }
}
