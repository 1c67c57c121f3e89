#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace ctys::tools {

/// A word people type by habit from other tools: what to say, and the command to type.
struct Reflex {
    std::string_view word;
    std::string_view message;
    std::string_view instead;
};
[[nodiscard]] std::span<const Reflex> all_reflexes();
/// Nothing for words nobody is known to type.
[[nodiscard]] std::optional<Reflex> reflex(std::string_view word);

/// Verbs whose name is settled and whose work is not done yet: what to say, and what to use now.
struct Absent {
    std::string_view verb;
    std::string_view message;
    std::string_view instead;
};
[[nodiscard]] std::optional<Absent> absent_verb(std::string_view word);

} // namespace ctys::tools
