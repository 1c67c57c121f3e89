#include "tools/client/sum_up.h"

#include <fmt/format.h>

namespace ctys::tools {

Status sum_up(const std::vector<FailedTarget>& failures, std::size_t targets) {
    if (failures.empty()) return {};
    if (targets == 1) return tl::unexpected(failures.front().error);
    std::vector<std::string> evidence;
    for (const auto& [target, error] : failures) {
        evidence.push_back(fmt::format(
            "{}: {}", target, error.message.empty() ? traits(error.code).sentence : error.message));
        for (const auto& line : error.evidence)
            evidence.push_back("  " + line);
        if (!error.try_next.empty()) evidence.push_back("  try: " + error.try_next);
    }
    return fail(failures.size() == targets ? failures.front().error.code : ErrorCode::Partial,
                fmt::format("{} of {} failed", failures.size(), targets),
                {},
                std::move(evidence));
}

} // namespace ctys::tools
