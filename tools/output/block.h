#pragma once

#include "tools/output/view.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace ctys::tools {

/// A page about one thing: a headline, then lines under short titles. A title is printed once for
/// consecutive lines that share it; a title without lines is never printed.
class Blocks {
public:
    Blocks(fmt::memory_buffer& out, const View& view) : out_(out), view_(view) {}

    /// `right` stands at the right edge where the terminal has room for it.
    void headline(std::string_view text, std::string_view right);
    void line(std::string_view title, std::string_view text);

private:
    void append(std::string_view text);

    fmt::memory_buffer& out_;
    const View& view_;
    std::string title_;
};

} // namespace ctys::tools
