#pragma once

#include "agent/scanner/scanner.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_directory.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace ctys::support {

/// A pool in a directory of its own, and a scanner whose events are kept.
class PoolFixture {
public:
    LoopFixture fixture;
    TemporaryDirectory dir;
    std::map<std::string, agent::FoundVm> found; ///< by path below the pool
    std::map<std::string, PathHealth> health;    ///< as last told
    std::vector<std::string> gone;
    int altered = 0;
    int scans = 0;
    agent::PoolScan pool;                         ///< last told
    std::map<std::string, agent::PoolScan> pools; ///< by root
    std::unique_ptr<agent::Scanner> scanner;

    [[nodiscard]] std::string root() const { return dir / "pool"; }
    [[nodiscard]] std::string at(const std::string& below) const { return root() + "/" + below; }

    PoolFixture() { std::filesystem::create_directory(root()); }

    void write(const std::string& below, std::string_view text) const {
        std::filesystem::create_directories(std::filesystem::path(at(below)).parent_path());
        std::ofstream(at(below), std::ios::binary) << text;
    }
    void write_vm(const std::string& name, std::string_view more = "") const {
        write(fmt::format("{0}/{0}.ctys", name),
              fmt::format("#!/bin/bash\n#@#MAGICID-QEMU\n#@#LABEL = \"{}\"\n{}", name, more));
    }

    [[nodiscard]] static agent::ScannerSettings settings() {
        agent::ScannerSettings out;
        out.helper = CTYS_SCAN_HELPER;
        out.retry_first = std::chrono::milliseconds{20};
        return out;
    }

    void start(agent::ScannerSettings chosen = settings(),
               agent::PoolSettings of_pool = {},
               std::vector<agent::KnownPath> known = {}) {
        agent::ScannerEvents events;
        events.on_changes = [this](const auto&, const agent::PathChanges& changes) {
            for (const auto& change : changes) {
                std::visit([this](const auto& what) { this->keep(what); }, change);
            }
        };
        events.on_pool = [this](const agent::PoolScan& scan) {
            pool = scan;
            pools[scan.pool.root] = scan;
            ++scans;
        };
        scanner = std::make_unique<agent::Scanner>(fixture.loop, chosen, events);
        of_pool.root = root();
        REQUIRE(scanner->add_pool(std::move(of_pool), std::move(known)));
    }
    /// Starts and waits for the first scan.
    void start_and_scan(agent::ScannerSettings chosen = settings(),
                        agent::PoolSettings of_pool = {}) {
        start(std::move(chosen), std::move(of_pool));
        run_until([this] { return scans > 0; });
    }
    void run_until(const std::function<bool()>& done) { fixture.run_until(done); }
    [[nodiscard]] bool has(const std::string& below) const { return found.contains(below); }
    [[nodiscard]] bool is_gone(const std::string& below) const {
        return std::find(gone.begin(), gone.end(), below) != gone.end();
    }

private:
    [[nodiscard]] std::string below(const std::string& config) const {
        return config.substr(root().size() + 1);
    }
    void keep(const agent::PathFound& what) {
        const auto key = below(what.found.path.config);
        health[key] = what.found.path.health;
        found[key] = what.found;
    }
    void keep(const agent::PathAltered& what) {
        ++altered;
        keep(agent::PathFound{what.found});
    }
    void keep(const agent::PathGone& what) {
        gone.push_back(below(what.config));
        found.erase(below(what.config));
    }
    void keep(const agent::PathHealthAltered& what) { health[below(what.config)] = what.health; }
};

} // namespace ctys::support
