#pragma once

#include "agent/scanner/inventory_diff.h"
#include "agent/scanner/pool_settings.h"

namespace ctys::agent {

/// What the reports of a helper make of one pool: pure, without the process behind it.
class PoolView {
public:
    PoolView(const PoolSettings& pool, WorkerId worker, std::vector<KnownPath> known);

    /// Takes one report of a scan; hello, progress and answers change nothing.
    [[nodiscard]] PathChanges take(const HelperReport& report);
    /// The pool does not answer, or nobody is there to ask it.
    [[nodiscard]] PathChanges stall(const std::string& reason);

    [[nodiscard]] const PoolScan& state() const { return state_; }
    [[nodiscard]] std::vector<KnownPath> known() const { return diff_.known(); }
    [[nodiscard]] bool is_scanning() const { return scanning_; }
    /// A marker was read there once: none is to be written from now on.
    [[nodiscard]] bool was_marked() const { return was_marked_; }
    /// Its marker is one of two that contradict each other: where a person removes it, a new one
    /// is to be written.
    void doubt_marker() { was_marked_ = false; }

private:
    PathChanges take_found(const FoundFile& file);
    PathChanges take_ended(const ScanEnded& ended);
    void take_begun(const ScanBegun& begun);
    void take_facts(const PoolFacts& facts);
    void take_nested(const NestedMarker& nested);
    void take_remark(const ScanRemark& remark);
    /// What a whole scan could not look at, for people; empty when there is none.
    [[nodiscard]] std::string left_out() const;

    WorkerId worker_;
    InventoryDiff diff_;
    PoolScan state_;
    ScanCoverage coverage_;
    bool scanning_ = false;
    bool was_marked_ = false;
};

} // namespace ctys::agent
