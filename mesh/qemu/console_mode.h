#pragma once

#include "mesh/qemu/assemble.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace ctys::qemu {

/// How a person sees a VM (CTYS-REFERENCE 1.4). It decides what is prepared; who looks at it, and
/// with what, is the client's part.
enum class ConsoleMode : std::uint8_t {
    Text, ///< CLI, XTERM, GTERM and the kinds of EMACS: the first serial port, and VNC beside it
    Attached, ///< CLI0: the same, on the terminal of the caller; the VM ends with it
    Sdl,      ///< a window of QEMU
    Vnc,      ///< QEMU's VNC server
    None,     ///< nobody looks at it: no VNC
};

/// In any case. Errors: Usage, naming the words that there are.
[[nodiscard]] Result<ConsoleMode> parse_console_mode(std::string_view word);

/// Displays are counted from TCP port 5900.
constexpr std::uint32_t max_vnc_display = 65535 - 5900;
/// "77" or ":77". Errors: Usage.
[[nodiscard]] Result<std::uint32_t> parse_vnc_display(std::string_view word);

/// Puts a screen into the plan: VNC on a socket of the instance directory, or where a display is
/// given on that of the loopback address; for the firmware the serial port where text is looked
/// at. A graphics card comes with it where the architecture has a usual one, whatever the mode, so
/// that a saved state goes on under another console. What ARGSADD and its like bring of it stays:
/// options of -vga, -vnc and -display, and graphics cards of -device.
[[nodiscard]] VmPlan
show_screen(VmPlan plan, ConsoleMode mode, std::optional<std::uint32_t> vnc_display);

} // namespace ctys::qemu
