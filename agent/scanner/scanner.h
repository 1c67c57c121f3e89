#pragma once

#include "agent/scanner/inventory_diff.h"
#include "agent/scanner/pool_settings.h"
#include "mesh/loop/event_loop.h"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace ctys::agent {

struct ScannerSettings {
    std::string helper = "ctys-scan-helper";
    WorkerId worker;
    /// Without a sign of life for this long, a helper that works on something is given up.
    Duration deadline = std::chrono::seconds{10};
    /// How often an idle mount is touched, so that its end is noticed.
    Duration ping_period = std::chrono::seconds{5};
    /// How often a pool is scanned that cannot be watched.
    Duration poll_period = std::chrono::seconds{60};
    /// Between two helpers for a pool that does not answer; doubles from first to most.
    Duration retry_first = std::chrono::seconds{1};
    Duration retry_most = std::chrono::seconds{60};
};

/// Called on the loop; they must not destroy the scanner nor remove a pool.
struct ScannerEvents {
    std::function<void(const std::string& root, PathChanges changes)> on_changes;
    /// After every scan, and when a pool stalls or is still stalled.
    std::function<void(const PoolScan& pool)> on_pool;
};

/// Finds VM directories in pools and keeps track of them. A pool whose mount hangs is reported as
/// stalled and tried again; nothing else waits for it. A scan never executes anything.
class Scanner {
public:
    Scanner(loop::EventLoop& loop, ScannerSettings settings, ScannerEvents events);
    ~Scanner();
    Scanner(const Scanner&) = delete;
    Scanner& operator=(const Scanner&) = delete;

    /// `known`: what an earlier process knew (known()), so that what vanished meanwhile is told.
    /// Errors: Usage (no absolute path), Conflict (this root is there already).
    [[nodiscard]] Status add_pool(PoolSettings pool, std::vector<KnownPath> known);
    /// Its paths are forgotten without a word; requests to it fail with NotFound.
    void remove_pool(const std::string& root);

    /// Scans a whole pool. `on_done` is called once; with Unreachable when the pool stalls
    /// meanwhile. Errors it gets: NotFound (no such pool), Unreachable,
    /// Overloaded (16 requests wait), Failed.
    using OnDone = std::function<void(Status)>;
    void scan(const std::string& root, OnDone on_done);
    /// Scans one directory (absolute, in a pool) with all below it.
    void scan_directory(const std::string& directory, OnDone on_done);
    /// One step of the proof of one storage. The value: whether the nonce was there.
    using OnProved = std::function<void(Result<bool>)>;
    void prove(const std::string& root, Prove proof, OnProved on_done);

    [[nodiscard]] std::vector<PoolScan> pools() const;
    [[nodiscard]] std::vector<KnownPath> known() const;
    /// Of the running helper of a pool; 0 where none runs.
    [[nodiscard]] pid_t helper_pid(const std::string& root) const;

private:
    class Pool;
    [[nodiscard]] Pool* find_pool(const std::string& root) const;
    void on_pool(const PoolScan& scan);
    /// The pool as it is to be told: copied where its marker contradicts another pool's.
    [[nodiscard]] PoolScan judged(const PoolScan& scan) const;

    loop::EventLoop& loop_;
    ScannerSettings settings_;
    ScannerEvents events_;
    ScannerEvents of_pools_;
    std::set<std::string> in_doubt_; ///< roots told as copied because of another pool
    std::vector<std::unique_ptr<Pool>> pools_;
};

} // namespace ctys::agent
