#pragma once

#include "mesh/core/error.h"

#include <memory>

namespace ctys::tools {

/// Puts a terminal into raw mode and restores it when dropped, also when a signal ends the process
/// in between (SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV). At most one exists.
class RawTerminal {
public:
    /// Errors: Usage (not a terminal), Failed.
    [[nodiscard]] static Result<RawTerminal> open(int fd);
    ~RawTerminal();
    RawTerminal(RawTerminal&& other) noexcept;
    RawTerminal& operator=(RawTerminal&&) = delete;
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

private:
    RawTerminal() = default;
    bool holds_ = false;
};

} // namespace ctys::tools
