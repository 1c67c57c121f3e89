#include "mesh/core/message.h"

#include <algorithm>

namespace ctys::msg {

namespace {

bool same(const SharedBytes& a, const SharedBytes& b) {
    return std::ranges::equal(view(a), view(b));
}

} // namespace

bool Publish::operator==(const Publish& other) const {
    return stream == other.stream && first == other.first && hash_before == other.hash_before &&
           full == other.full && last == other.last &&
           std::equal(events.begin(), events.end(), other.events.begin(), other.events.end(), same);
}

bool WatchItem::operator==(const WatchItem& other) const {
    return cursor == other.cursor && recorded == other.recorded && same(event, other.event);
}

} // namespace ctys::msg
