#pragma once

#include "agent/scan_helper/outbox.h"
#include "agent/scan_helper/pool_root.h"
#include "agent/scan_helper/watch_set.h"

namespace ctys::agent {

constexpr int max_depth = 32;

/// One pass over a pool or a part of it: finds, reads and reports. Everything is opened relative to
/// the directory above it and never through a link, so that nothing outside the pool is touched,
/// whatever is renamed meanwhile. Holds one descriptor per level.
class Walk {
public:
    Walk(const PoolRoot& root, WatchSet& watches, Outbox& outbox);

    /// A scope that is gone is a walk that finds nothing.
    void run(const ScanScope& scope);

    [[nodiscard]] std::uint64_t directories() const { return directories_; }
    [[nodiscard]] std::uint64_t files() const { return files_; }

private:
    /// What a directory inherits from those above it.
    struct Place {
        PoolId pool;
        std::size_t marked = 0; ///< how much of `below_` leads to the marker, slash included
        const MountFacts* mount = nullptr;
    };
    void enter(int fd, const Place& above, int depth);
    void descend(int fd, const std::string& name, const Place& place, int depth);
    Place place_of(int fd, const Place& above, MountFacts& mount);
    /// What all files of a directory share.
    [[nodiscard]] FoundFile file_in(int fd, const Listing& listing, const Place& place) const;
    void read_configs(int fd, const Listing& listing, const Place& place);
    void read_config(int fd, const std::string& name, FoundFile file, const Listing& listing);
    /// Texts beside a configuration that complete it; its digest tells of them, too.
    void read_further(int fd, const Listing& listing, FoundFile& file);
    void unreadable(FoundFile file, std::string reason);
    void read_links(int fd, const Listing& listing, const Place& place);
    void remark(RemarkKind kind, std::string below, std::string text);
    [[nodiscard]] std::string below(std::string_view name) const;

    const PoolRoot& root_;
    WatchSet& watches_;
    Outbox& outbox_;
    std::string below_; ///< of the directory being looked at
    bool recursive_ = true;
    std::string text_; ///< buffer of read_config
    std::uint64_t directories_ = 0;
    std::uint64_t files_ = 0;
};

} // namespace ctys::agent
