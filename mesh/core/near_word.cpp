#include "mesh/core/near_word.h"

#include "mesh/core/text.h"

#include <algorithm>
#include <vector>

namespace ctys {

namespace {

constexpr std::size_t longest_word = 40; // longer input is no misspelt word of ours

} // namespace

// Optimal string alignment: "statr" is one swap away from "start".
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> now(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, replace});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = std::min(now[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, now);
    }
    return last[b.size()];
}

std::optional<std::string> near_word(std::string_view typed,
                                     std::span<const std::string_view> known) {
    if (typed.empty() || typed.size() > longest_word) return std::nullopt;
    const auto word = to_lower(typed);
    std::size_t best = word.size() <= 3 ? 2 : 3;
    std::string_view found;
    for (const auto candidate : known) {
        const auto lower = to_lower(candidate);
        const auto distance =
            word.size() >= 3 && lower.starts_with(word) ? 1 : edit_distance(word, lower);
        if (distance < best) {
            best = distance;
            found = candidate;
        }
    }
    if (found.empty()) return std::nullopt;
    return std::string{found};
}

} // namespace ctys
