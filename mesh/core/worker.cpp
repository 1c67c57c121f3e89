#include "mesh/core/worker.h"

#include "mesh/core/text.h"

#include <algorithm>

namespace ctys {

std::string_view to_string(WorkerState state) {
    switch (state) {
    case WorkerState::Alive:
        return "alive";
    case WorkerState::Suspect:
        return "suspect";
    case WorkerState::Lost:
        return "lost";
    case WorkerState::Paused:
        return "paused";
    }
    return "unknown";
}

std::string_view state_word(const WorkerRecord& worker) {
    const bool is_away = worker.state == WorkerState::Suspect || worker.state == WorkerState::Lost;
    return worker.ended && is_away ? "ended" : to_string(worker.state);
}

std::string_view to_string(KvmTrial trial) {
    switch (trial) {
    case KvmTrial::None:
        return "not tried";
    case KvmTrial::Up:
        return "came up";
    case KvmTrial::Failed:
        return "failed";
    }
    return "unknown";
}

bool has_accelerator(const Emulator& emulator, std::string_view name) {
    const auto names = split(emulator.accelerators, ' ');
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view to_string(PoolHealth health) {
    switch (health) {
    case PoolHealth::Good:
        return "good";
    case PoolHealth::Stalled:
        return "stalled";
    case PoolHealth::Missing:
        return "missing";
    case PoolHealth::ReadOnly:
        return "read-only";
    case PoolHealth::Copied:
        return "copied";
    }
    return "unknown";
}

} // namespace ctys
