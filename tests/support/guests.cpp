#include "tests/support/guests.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace ctys::testing {

namespace {

using Code = std::vector<std::uint8_t>;

// cli; ds = ss = 0; sp = 0x7c00; print the text at the address in bytes 11 and 12 to port 0x3f8.
// Whoever reads "up" may press the button at once, so it is armed before this.
const Code print{0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xbe, 0x00,
                 0x00, 0xac, 0x84, 0xc0, 0x74, 0x06, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf5};
// PM1 enable (0x602) = power button; QEMU drops a press while it is not armed.
const Code arm_button{0xba, 0x02, 0x06, 0xb8, 0x00, 0x01, 0xef};
// sti; hlt until PM1 status (0x600) has the power button.
const Code await_button{0xfb, 0xf4, 0xba, 0x00, 0x06, 0xed, 0xa9, 0x00, 0x01, 0x74, 0xf6};
// PM1 control (0x604) = S5; hlt for ever.
const Code power_off{0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xf4, 0xeb, 0xfd};
// PM1 control (0x604) = S3.
const Code sleep_s3{0xba, 0x04, 0x06, 0xb8, 0x00, 0x24, 0xef};
// sti; hlt for ever.
const Code listen_to_nothing{0xfb, 0xf4, 0xeb, 0xfd};
// cli; hlt for ever.
const Code stop_cpu{0xfa, 0xf4, 0xeb, 0xfc};
// Keyboard controller: pulse the reset line; hlt.
const Code reset{0xb0, 0xfe, 0xe6, 0x64, 0xf4, 0xeb, 0xfd};
// hlt until the BIOS clock (0040:006c) has moved by the word at 0x7dfc.
const Code await_ticks{0xfb, 0xb8, 0x40, 0x00, 0x8e, 0xc0, 0x26, 0x8b, 0x1e, 0x6c, 0x00, 0xf4,
                       0x26, 0xa1, 0x6c, 0x00, 0x29, 0xd8, 0x3b, 0x06, 0xfc, 0x7d, 0x72, 0xf3};

Code body(Guest guest) {
    std::vector<const Code*> parts;
    switch (guest) {
    case Guest::Obeying:
        parts = {&arm_button, &print, &await_button, &power_off};
        break;
    case Guest::Ignoring:
        parts = {&print, &listen_to_nothing};
        break;
    case Guest::Ending:
        parts = {&print, &await_ticks, &power_off};
        break;
    case Guest::Idle:
        parts = {&print, &stop_cpu};
        break;
    case Guest::Suspending:
        parts = {&arm_button, &print, &sleep_s3, &await_button, &power_off};
        break;
    case Guest::Resetting:
        parts = {&print, &reset};
        break;
    }
    Code out;
    std::size_t printing = 0;
    for (const auto* part : parts) {
        if (part == &print) printing = out.size();
        out.insert(out.end(), part->begin(), part->end());
    }
    const auto text = 0x7c00U + out.size();
    out.at(printing + 11) = static_cast<std::uint8_t>(text & 0xff);
    out.at(printing + 12) = static_cast<std::uint8_t>(text >> 8);
    return out;
}

} // namespace

std::array<std::uint8_t, 512> boot_sector(Guest guest, std::uint16_t ticks) {
    std::array<std::uint8_t, 512> sector{};
    const auto code = body(guest);
    auto end = std::copy(code.begin(), code.end(), sector.begin());
    const std::string up = "up\r\n";
    std::copy(up.begin(), up.end(), end);
    sector[508] = static_cast<std::uint8_t>(ticks & 0xff);
    sector[509] = static_cast<std::uint8_t>(ticks >> 8);
    sector[510] = 0x55;
    sector[511] = 0xaa;
    return sector;
}

void write_guest_image(const std::string& path, Guest guest, std::uint16_t ticks) {
    const auto sector = boot_sector(guest, ticks);
    std::string image(std::size_t{1024} * 1024, '\0');
    std::copy(sector.begin(), sector.end(), image.begin());
    std::ofstream file{path, std::ios::binary};
    file << image;
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

} // namespace ctys::testing
