"""What a guest has printed on its serial console, without the moves of its cursor."""

import os
import re
import select

import mesh

_MOVES = re.compile(rb"\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()].|\x1b[^\[()]|[\0\r\x0e\x0f]")


def plain(printed):
    return _MOVES.sub(b"", printed).decode("latin-1")


def log_of(row):
    """Of a VM that runs, as `ctys list` tells it."""
    return os.path.join(os.path.dirname(row["sport"]), "serial.log")


def await_text(path, text, seconds=mesh.PATIENCE_S, after=0, gone=lambda: False):
    """All that has been printed behind `after` bytes, once the text is in it. `gone` ends the wait."""
    deadline = mesh.Deadline(seconds)
    while True:
        ended = gone()
        printed = ""
        if os.path.exists(path):
            with open(path, "rb") as file:
                file.seek(after)
                printed = plain(file.read())
        if text in printed:
            return printed
        assert not ended, f"it has ended without {text!r}, with {printed[-1500:]!r}"
        assert not deadline.over(), f"not {text!r} within {seconds} s, but {printed[-1500:]!r}"
        select.select([], [], [], 0.02)  # a file is all that a serial port leaves
