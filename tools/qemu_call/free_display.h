#pragma once

#include "mesh/core/error.h"

#include <cstdint>

namespace ctys::call {

/// A VNC display of the loopback address that nobody has, kept for the QEMU of this process: its
/// port is bound and not listened at, and QEMU, which asks for SO_REUSEADDR as every server does,
/// binds it too. So two VMs that start at the same time get two displays.
class FreeDisplay {
public:
    FreeDisplay() = default;
    ~FreeDisplay();
    FreeDisplay(const FreeDisplay&) = delete;
    FreeDisplay& operator=(const FreeDisplay&) = delete;

    /// The first one of `first` to `last`. Errors: Failed, where all of them are taken.
    [[nodiscard]] Result<std::uint32_t> take(std::uint32_t first, std::uint32_t last);

private:
    int socket_ = -1;
};

/// Where "free" is looked for.
constexpr std::uint32_t first_free_display = 0;
constexpr std::uint32_t last_free_display = 999;

} // namespace ctys::call
