"""Guests of a few instructions for machines that have no firmware here: each prints one line on the first
serial port and loops.

Addresses are those of QEMU's boards: hw/arm/integratorcp.c, hw/m68k/mcf5208.c, hw/sh4/r2d.c.
"""

import struct


def integratorcp(line):
    """ARM926, loaded behind QEMU's own boot code; PL011 at 0x16000000."""
    code = struct.pack(
        "<7I",
        0xE28F1014,  # adr   r1, line
        0xE3A00416,  # mov   r0, #0x16000000
        0xE4D12001,  # ldrb  r2, [r1], #1
        0xE3520000,  # cmp   r2, #0
        0x15C02000,  # strbne r2, [r0]
        0x1AFFFFFB,  # bne   the ldrb
        0xEAFFFFFE,  # b     here
    )
    return code + line + b"\0"


def mcf5208evb(line):
    """ColdFire, loaded to the beginning of its memory; its UART 0 at 0xfc060000."""
    code = bytes.fromhex(
        "41fa001c"  # lea     line(pc), a0
        "227cfc060000"  # movea.l #0xfc060000, a1
        "137c00040008"  # move.b  #4, 8(a1): its command register: the transmitter is enabled
        "1018"  # move.b  (a0)+, d0
        "4a00"  # tst.b   d0
        "6706"  # beq     the end
        "1340000c"  # move.b  d0, 12(a1): its transmitter
        "60f4"  # bra     the next one
        "60fe"  # bra     here
    )
    return code + line + b"\0"


def r2d(line):
    """SH4, loaded 8 MiB into its memory and begun uncached; the SCI of the SH7751R at 0xffe00000."""
    code = struct.pack(
        "<10HI",
        0xD104,  # mov.l  the port, r1
        0xC705,  # mova   line, r0
        0x6203,  # mov    r0, r2
        0x6324,  # mov.b  @r2+, r3
        0x2338,  # tst    r3, r3
        0x8901,  # bt     the end
        0xAFFB,  # bra    the next one
        0x2130,  # mov.b  r3, @r1 (in the delay slot)
        0xAFFE,  # bra    here
        0x0009,  # nop
        0xFFE0000C,  # its transmit data register
    )
    return code + line + b"\0"


def swapped(firmware):
    """As QEMU's malta takes firmware of a little-endian machine by -bios: it swaps every word back."""
    firmware += b"\0" * (-len(firmware) % 4)
    words = struct.unpack(f"<{len(firmware) // 4}I", firmware)
    return struct.pack(f">{len(words)}I", *words)
