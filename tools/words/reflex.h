#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ctys::tools {

/// Words people type by habit from other tools: the sentence that names the right verb here.
/// Nothing for words nobody is known to type.
[[nodiscard]] std::optional<std::string_view> reflex(std::string_view word);

/// Verbs whose name is settled and whose work is not done yet: what to say, and what to use now.
struct Absent {
    std::string_view verb;
    std::string_view message;
    std::string_view instead;
};
[[nodiscard]] std::optional<Absent> absent_verb(std::string_view word);

} // namespace ctys::tools
