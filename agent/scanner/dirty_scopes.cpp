#include "agent/scanner/dirty_scopes.h"

#include "agent/scanner/mountinfo.h"

#include <algorithm>

namespace ctys::agent {

namespace {

bool covers(const ScanScope& outer, const ScanScope& inner) {
    if (outer.recursive) return is_within(outer.below, inner.below);
    return !inner.recursive && outer.below == inner.below;
}

} // namespace

void DirtyScopes::add(ScanScope scope) {
    const bool known = std::any_of(
        scopes_.begin(), scopes_.end(), [&](const auto& other) { return covers(other, scope); });
    if (known) return;
    if (scopes_.size() >= max_scopes) scope = {};
    std::erase_if(scopes_, [&](const auto& other) { return covers(scope, other); });
    scopes_.push_back(std::move(scope));
}

std::vector<ScanScope> DirtyScopes::take() {
    return std::exchange(scopes_, {});
}

} // namespace ctys::agent
