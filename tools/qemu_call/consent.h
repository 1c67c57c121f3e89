#pragma once

#include <chrono>
#include <string>

namespace ctys::call {

/// A person sits at both.
[[nodiscard]] bool is_terminal(int in, int out);

/// Asks and waits for a line: true for y and yes. Anything else, the end of the input and a silence
/// as long as the patience are no.
[[nodiscard]] bool
has_consent(const std::string& question, int in, int out, std::chrono::milliseconds patience);

} // namespace ctys::call
