#pragma once

#include "mesh/core/error.h"
#include "tools/output/view.h"

#include <string_view>

namespace ctys::tools {

[[nodiscard]] bool is_terminal(int fd);
/// What a renderer must know of the place `fd` leads to: width, colour (NO_COLOR, TERM=dumb),
/// UTF-8 by the locale, local time. Nothing is cut or coloured where it is no terminal.
[[nodiscard]] View view_of(int fd);
[[nodiscard]] WallTime wall_now();
[[nodiscard]] long local_zone(std::int64_t unix_seconds);

/// All of it, in one write() where the kernel takes it. Errors: Failed; with an empty message when
/// the reader has gone (EPIPE), which is no news.
[[nodiscard]] Status write_all(int fd, std::string_view text);

} // namespace ctys::tools
