#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace ctys::testing {

/// A guest of one boot sector, for q35 under SeaBIOS. Each prints "up" on its first serial port.
enum class Guest {
    Obeying,    ///< powers off when the power button is pressed
    Ignoring,   ///< lets the button go unheard
    Ending,     ///< powers off by itself after `ticks`
    Idle,       ///< halts with interrupts off: costs no CPU, for tests with hundreds
    Suspending, ///< goes to sleep (S3) at once; woken, it starts anew and sleeps again
    Resetting,  ///< resets itself without end
};

/// `ticks` of the BIOS clock, 18.2 per second, count for Guest::Ending only.
[[nodiscard]] std::array<std::uint8_t, 512> boot_sector(Guest guest, std::uint16_t ticks = 18);

/// Writes a raw disk of 1 MiB that boots the guest.
void write_guest_image(const std::string& path, Guest guest, std::uint16_t ticks = 18);

} // namespace ctys::testing
