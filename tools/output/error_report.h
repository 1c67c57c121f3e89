#pragma once

#include "mesh/core/error.h"
#include "tools/output/view.h"

#include <fmt/format.h>

#include <string_view>

namespace ctys::tools {

/// An error as people read it: `ctys: <subject>: <fact>`, indented evidence, `try:`. `subject` is
/// the verb and its object, or empty.
void render_error(fmt::memory_buffer& out,
                  std::string_view subject,
                  const Error& error,
                  std::string_view program = "ctys");

/// One object {code, status, message, evidence, try} on one line.
void append_error_json(fmt::memory_buffer& out, std::string_view subject, const Error& error);

} // namespace ctys::tools
