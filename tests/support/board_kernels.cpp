#include "tests/support/board_kernels.h"

#include <string_view>

namespace ctys::testing {

namespace {

using Kernel = std::vector<std::uint8_t>;

// PL011 at 0x16000000: mov r1, #0x16000000; adr r2, text; next: ldrb r0, [r2], #1; cmp r0, #0;
// beq end; str r0, [r1]; b next; end: b end.
const Kernel arm926{0x16, 0x14, 0xa0, 0xe3, 0x14, 0x20, 0x8f, 0xe2, 0x01, 0x00, 0xd2,
                    0xe4, 0x00, 0x00, 0x50, 0xe3, 0x01, 0x00, 0x00, 0x0a, 0x00, 0x00,
                    0x81, 0xe5, 0xfa, 0xff, 0xff, 0xea, 0xfe, 0xff, 0xff, 0xea};

// UART at 0xfc060000: moveq #4, d0; movea.l #0xfc060000, a0; move.b d0, 8(a0), which lets it send;
// lea text(pc), a1; next: move.b (a1)+, d0; beq end; move.b d0, 12(a0); bra next; end: bra end.
const Kernel coldfire{0x70, 0x04, 0x20, 0x7c, 0xfc, 0x06, 0x00, 0x00, 0x11, 0x40,
                      0x00, 0x08, 0x43, 0xfa, 0x00, 0x0e, 0x10, 0x19, 0x67, 0x06,
                      0x11, 0x40, 0x00, 0x0c, 0x60, 0xf6, 0x60, 0xfe};

} // namespace

Kernel board_kernel(const std::string& machine) {
    Kernel out;
    if (machine == "integratorcp") out = arm926;
    if (machine == "mcf5208evb") out = coldfire;
    if (out.empty()) return out;
    for (const char c : std::string_view{"up\r\n"}) {
        out.push_back(static_cast<std::uint8_t>(c));
    }
    out.push_back(0);
    return out;
}

} // namespace ctys::testing
