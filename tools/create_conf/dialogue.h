#pragma once

#include "tools/create_conf/settings.h"

#include <optional>

namespace ctys::conf {

/// Whom the values are confirmed by.
enum class Asking {
    Everything, ///< a person, one by one
    Mandatory,  ///< --auto: a person those that matter
    Nothing     ///< --auto-all: nobody
};

/// The dialogue of the original, without a terminal: what is asked next, and what an answer does.
/// `y` (or nothing) keeps a value, `n` asks for another one, `C` keeps this one and all that
/// follow, whatever `n` was not said to.
class Dialogue {
public:
    Dialogue(Sources sources, Asking asking, bool brief);

    /// The next question; nothing when all is known. Errors: Usage: a value that was given does
    /// not fit.
    [[nodiscard]] Result<std::optional<std::string>> question();
    /// Errors: Usage, where the answer does not fit; the same question is asked again.
    [[nodiscard]] Status answer(std::string_view line);
    [[nodiscard]] const Sources& sources() const { return sources_; }

private:
    [[nodiscard]] bool is_asked(const Variable& variable, const Value& value) const;

    Sources sources_;
    Asking asking_;
    bool brief_;
    bool goes_on_ = false;     ///< `C` was said
    bool wants_value_ = false; ///< `n` was said
    std::size_t next_ = 0;
};

/// `y` or nothing is yes, `n` is no. Errors: Usage.
[[nodiscard]] Result<bool> yes_or_no(std::string_view line);

} // namespace ctys::conf
