"""The screen of a VM as somebody at VNC sees it: a client of RFB 3.8 (RFC 6143) on the socket of QEMU that
takes whole pictures, reads the text on them by the glyphs of the graphics card's firmware, and types."""

import os
import socket
import struct

import mesh

FIRMWARE = "/usr/share/seabios/vgabios-stdvga.bin"
COLUMNS, ROWS, HEIGHT = 80, 25, 16
_FIRST_FACE = bytes.fromhex("00007e81a58181bd9981817e00000000")  # the second glyph of every such font
_RAW, _RESIZED = 0, -223
ENTER = 0xFF0D


def glyphs():
    """Rows of bits -> character."""
    with open(FIRMWARE, "rb") as file:
        firmware = file.read()
    first = firmware.index(_FIRST_FACE) - HEIGHT
    font = {}
    for code in range(32, 127):
        at = first + code * HEIGHT
        font[firmware[at : at + HEIGHT]] = chr(code)
    return font


class Screen:
    def __init__(self, path, seconds=mesh.PATIENCE_S):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")
        assert self.file.read(12) == b"RFB 003.008\n"
        self.socket.sendall(b"RFB 003.008\n")
        kinds = self.file.read(self._number("B"))
        assert 1 in kinds, f"it wants more than to be reached: {kinds}"
        self.socket.sendall(b"\1")
        assert self._number("I") == 0
        self.socket.sendall(b"\1")  # others may look, too
        self.width, self.height = self._numbers("HH")
        self.file.read(16)
        self.name = self.file.read(self._number("I")).decode()
        # 32 bits, little endian, 8 each of red, green and blue.
        self.socket.sendall(struct.pack(">B3x4B3H3B3x", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.socket.sendall(struct.pack(">BxHii", 2, 2, _RAW, _RESIZED))
        self.pixels = bytearray()
        self.font = glyphs()

    def close(self):
        self.file.close()
        self.socket.close()

    def _numbers(self, kinds):
        return struct.unpack(">" + kinds, self.file.read(struct.calcsize(">" + kinds)))

    def _number(self, kind):
        return self._numbers(kind)[0]

    def _ask(self, changed_only):
        self.socket.sendall(struct.pack(">BBHHHH", 3, changed_only, 0, 0, self.width, self.height))

    def _read_update(self):
        """Until the server has sent a part of the picture; whether the size is still the same."""
        while (kind := self._number("B")) != 0:
            if kind == 3:  # text of its clipboard
                self.file.read(3)
                self.file.read(self._number("I"))
            else:
                assert kind == 2, f"a message of kind {kind}"  # the bell
        self.file.read(1)
        same = True
        for _ in range(self._number("H")):
            x, y, width, height, encoding = self._numbers("HHHHi")
            if encoding == _RESIZED:
                self.width, self.height, same = width, height, False
                self.pixels = bytearray()
                continue
            assert encoding == _RAW
            self._put(x, y, width, height, self.file.read(width * height * 4))
        return same

    def _put(self, x, y, width, height, data):
        wanted = self.width * self.height * 4
        if len(self.pixels) != wanted:
            self.pixels = bytearray(wanted)
        for row in range(height):
            at = ((y + row) * self.width + x) * 4
            self.pixels[at : at + width * 4] = data[row * width * 4 : (row + 1) * width * 4]

    def picture(self):
        """The whole of it, as it is now."""
        while True:
            self._ask(False)
            if self._read_update() and self.pixels:
                return bytes(self.pixels)

    def _cell(self, column, row):
        """A glyph as bits: what is not of the colour of its first pixel, which no letter has."""
        wide = self.width // COLUMNS
        bits = bytearray()
        ground = None
        for line in range(HEIGHT):
            at = ((row * HEIGHT + line) * self.width + column * wide) * 4
            dots = self.pixels[at : at + 32]
            ground = ground or bytes(dots[:3])
            value = 0
            for dot in range(8):
                value = value << 1 | (bytes(dots[dot * 4 : dot * 4 + 3]) != ground)
            bits.append(value)
        return bytes(bits)

    def lines(self):
        """The text of the last picture; what is no letter is a question mark."""
        if self.width // COLUMNS not in (8, 9) or self.height != ROWS * HEIGHT:
            return []  # no text, as when the firmware begins
        return [
            "".join(self.font.get(self._cell(column, row), "?") for column in range(COLUMNS)).rstrip()
            for row in range(ROWS)
        ]

    def await_text(self, text, seconds=mesh.PATIENCE_S):
        """Looks again after every change until the text stands there; returns the lines."""
        deadline = mesh.Deadline(seconds)
        self.picture()
        while True:
            lines = self.lines()
            if any(text in line for line in lines):
                return lines
            self._ask(True)
            self.socket.settimeout(max(0.1, deadline.left()))
            try:
                if not self._read_update():
                    self.picture()
            except TimeoutError:
                shown = "\n".join(line for line in lines if line)
                raise AssertionError(f"not {text!r} on the screen of {self.width}x{self.height}:\n{shown}") from None

    def type(self, text):
        """As at a keyboard; a line end is its Enter."""
        for letter in text:
            key = ENTER if letter == "\n" else ord(letter)
            for down in (1, 0):
                self.socket.sendall(struct.pack(">BBxxI", 4, down, key))


def socket_of(row):
    """Of a VM that runs, as `ctys list` tells it."""
    return os.path.join(os.path.dirname(row["sport"]), "vnc.sock")
