#pragma once

#include "mesh/core/error.h"

#include <utility>

namespace ctys::setup {

/// While a program starts, what is missing ends it: the value, or a Fault for main() to print.
template <typename T>
[[nodiscard]] T require(Result<T> result) {
    if (!result) throw Fault(std::move(result).error());
    return std::move(*result);
}

inline void require(Status status) {
    if (!status) throw Fault(std::move(status).error());
}

} // namespace ctys::setup
