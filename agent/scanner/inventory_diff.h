#pragma once

#include "agent/scanner/scan_result.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace ctys::agent {

/// What is kept of a path between two scans.
struct KnownPath {
    std::string config; ///< absolute path
    VmId vm;
    PoolId pool; ///< innermost marker when it was last found
    std::uint64_t fingerprint = 0;
    PathHealth health = PathHealth::Good;

    bool operator==(const KnownPath&) const = default;
};

/// What a scan was able to look at.
struct ScanCoverage {
    std::set<PoolId> markers;            ///< read in this scan
    std::vector<std::string> unreadable; ///< absolute paths below which nothing was learned
    bool is_complete = true;             ///< false: more was unreadable than is listed
};

/// Compares what scans of one pool find with what was known, finding by finding, so that neither
/// side has to hold a whole pool of full records. Rules:
/// - a path that is not found again is gone only if its own pool marker was read in the same scan;
///   without that it is stale: its storage may just not be mounted;
/// - what lies below an unreadable directory is stale, never gone;
/// - a configuration that cannot be read any more keeps the identity it had;
/// - a pool that does not answer makes its paths stalled, never gone.
class InventoryDiff {
public:
    InventoryDiff() = default;
    /// Goes on from what an earlier process knew.
    explicit InventoryDiff(std::vector<KnownPath> known);

    /// A scan of an absolute directory begins; one that was not ended is forgotten.
    void begin(std::string directory, bool recursive);
    /// True: this very thing was known, and nothing changed. False: it is new, altered or was in
    /// doubt, and see() must follow with the whole finding.
    [[nodiscard]] bool confirm(const std::string& config, std::uint64_t fingerprint);
    [[nodiscard]] PathChanges see(FoundVm found, std::uint64_t fingerprint);
    [[nodiscard]] PathChanges end(const ScanCoverage& coverage);

    /// Every path, until a scan confirms it again.
    [[nodiscard]] PathChanges stall(const std::string& reason);

    [[nodiscard]] std::vector<KnownPath> known() const;
    [[nodiscard]] std::size_t size() const { return paths_.size(); }
    /// Paths that are offered: neither ignored nor gone.
    [[nodiscard]] std::uint32_t vms() const;

private:
    struct Entry {
        VmId vm;
        PoolId pool;
        std::uint64_t fingerprint = 0;
        PathHealth health = PathHealth::Good;
        std::uint64_t seen_in = 0; ///< number of the last scan that found it
    };
    [[nodiscard]] bool in_scope(const std::string& config) const;

    std::map<std::string, Entry> paths_;
    std::string directory_;
    bool recursive_ = true;
    std::uint64_t scan_ = 0;
};

} // namespace ctys::agent
