#pragma once

#include "mesh/core/error.h"

#include <string>

namespace ctys::conf {

/// Answers of a person or of a script, line by line from standard input.
class LineInput {
public:
    /// The next line without its end. Errors: Interrupted; Usage where the input has ended or a
    /// line has no end within max_line_bytes.
    [[nodiscard]] Result<std::string> next();

    static constexpr std::size_t max_line_bytes = std::size_t{1024} * 1024;

private:
    std::string rest_;
};

/// Asks and waits. Errors: as next().
[[nodiscard]] Result<std::string> ask(LineInput& input, const std::string& question);

} // namespace ctys::conf
