#pragma once

namespace ctys {

/// Prints the broken invariant with its location to stderr and aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

} // namespace ctys

/// A broken invariant is a bug, never an input: always compiled in.
#define CTYS_ASSERT(expression)                                                                    \
    ((expression) ? static_cast<void>(0)                                                           \
                  : ::ctys::assertion_failed(#expression, __FILE__, __LINE__))
