#include "mesh/core/exact_text.h"

#include <fmt/format.h>

namespace ctys {

std::string exact_text(Duration span) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(span).count();
    return ms % 1000 == 0 ? fmt::format("{}s", ms / 1000) : fmt::format("{}ms", ms);
}

} // namespace ctys
