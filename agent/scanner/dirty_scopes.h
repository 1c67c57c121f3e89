#pragma once

#include "agent/scanner/helper_protocol.h"

#include <vector>

namespace ctys::agent {

/// Parts of a pool that are to be scanned again, collected while changes go on.
class DirtyScopes {
public:
    /// More than this and the whole pool is scanned.
    static constexpr std::size_t max_scopes = 256;

    void add(ScanScope scope);
    void add_all() { add({}); }
    [[nodiscard]] bool is_empty() const { return scopes_.empty(); }
    /// Without what another one covers; nothing is left.
    [[nodiscard]] std::vector<ScanScope> take();

private:
    std::vector<ScanScope> scopes_;
};

} // namespace ctys::agent
