#pragma once

#include "agent/core/core.h"
#include "mesh/store/environment.h"

#include <optional>
#include <span>
#include <string>

namespace ctys::agent {

/// The agent's LMDB: its stream and its intents (docs/storage.md). commit() is for the writer
/// thread.
class SpoolStore {
public:
    static constexpr std::uint32_t schema_version = 1;

    /// Opens `<state>/spool`, creating it; `fresh` names the stream of a new one. Errors: Storage.
    [[nodiscard]] static Result<SpoolStore>
    open(const std::string& state, StreamId fresh, WallTime now);
    /// What a former life left: events not acknowledged, intents without outcome. Events that
    /// cannot be read end the list; the broker then sees a gap.
    [[nodiscard]] Result<Recovered> recover() const;

    /// One transaction: the units in their order, then the trim. Errors: Storage; nothing has
    /// changed then.
    [[nodiscard]] Status commit(std::span<const Spool> units, const std::optional<TrimSpool>& trim);

    /// The configurations this worker knew when it was last here.
    [[nodiscard]] Result<std::vector<PathFacts>> paths() const;
    [[nodiscard]] Status keep_paths(std::span<const PathFacts> paths,
                                    std::span<const std::string> lost);

private:
    struct Tables {
        store::Table meta, spool, intent, mark, path;
    };
    SpoolStore(store::Environment environment, Tables tables)
        : environment_(std::move(environment)), tables_(tables) {}

    store::Environment environment_;
    Tables tables_;
};

} // namespace ctys::agent
