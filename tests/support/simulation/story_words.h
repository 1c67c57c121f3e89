#pragma once

#include "mesh/core/time.h"

#include <deque>
#include <string>

namespace ctys::sim {

/// Takes the first word of a line; empty when there is none.
inline std::string next(std::deque<std::string>& words) {
    if (words.empty()) return {};
    auto word = std::move(words.front());
    words.pop_front();
    return word;
}

/// "30s", "3m"; zero for anything else.
inline Duration span(const std::string& text) {
    return parse_duration(text).value_or(Duration{0});
}

} // namespace ctys::sim
