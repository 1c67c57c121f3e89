#pragma once

#include "agent/discovery/discovery.h"

#include <algorithm>
#include <vector>

namespace ctys::support {

/// What discovery told, in order.
struct RecordingDiscovery {
    struct Exit {
        InstanceKey key;
        std::optional<std::uint32_t> wait_status;
    };
    std::vector<agent::ProcessFacts> appeared;
    std::vector<Exit> exited;
    bool settled = false;

    [[nodiscard]] agent::Discovery::Callbacks callbacks() {
        return {.appeared = [this](const agent::ProcessFacts& facts) { appeared.push_back(facts); },
                .exited =
                    [this](const InstanceKey& key, WallTime, std::optional<std::uint32_t> status) {
                        exited.push_back({key, status});
                    },
                .settled = [this] { settled = true; }};
    }
    [[nodiscard]] const agent::ProcessFacts* find(std::uint32_t pid) const {
        const auto found = std::find_if(appeared.begin(), appeared.end(), [&](const auto& facts) {
            return facts.key.pid == pid;
        });
        return found == appeared.end() ? nullptr : &*found;
    }
    [[nodiscard]] auto count(std::uint32_t pid) const {
        return std::count_if(appeared.begin(), appeared.end(), [&](const auto& facts) {
            return facts.key.pid == pid;
        });
    }
    [[nodiscard]] const Exit* find_exit(std::uint32_t pid) const {
        const auto found = std::find_if(
            exited.begin(), exited.end(), [&](const auto& exit) { return exit.key.pid == pid; });
        return found == exited.end() ? nullptr : &*found;
    }
};

} // namespace ctys::support
