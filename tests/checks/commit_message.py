#!/usr/bin/env python3
"""The hook deploy/git-hooks/commit-msg accepts good messages and refuses each kind of bad one."""

import os
import subprocess
import sys
import tempfile

HOOK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/git-hooks/commit-msg")
WHY = "\n\nBecause it was missing.\n"
GOOD = [
    "mesh: Add the cursor" + WHY,
    "build: Speed up linking" + WHY,
    "docs: Say what a lease is\n\nWhy.\n# Please enter the commit message\n",
    "Merge branch 'main'\n",
    'Revert "mesh: Add the cursor"\n',
    "fixup! mesh: Add the cursor\n",
    "mesh: " + "A" * 54 + WHY,
]
BAD = [
    ("Add the cursor" + WHY, "begin with one of"),
    ("mesh/core: Add the cursor" + WHY, "begin with one of"),
    ("mesh:Add the cursor" + WHY, "begin with one of"),
    ("", "begin with one of"),
    ("mesh: " + "A" * 55 + WHY, "61 columns"),
    ("mesh: add the cursor" + WHY, "capital letter"),
    ("mesh: Add the cursor." + WHY, "full stop"),
    ("mesh: Added the cursor" + WHY, "as an order"),
    ("mesh: Adding the cursor" + WHY, "as an order"),
    ("mesh: Adds the cursor" + WHY, "as an order"),
    ("mesh: Add the cursor\n", "an empty line"),
    ("mesh: Add the cursor\nBecause.\n", "an empty line"),
    ("mesh: Add the cursor\n\n# comment\n", "an empty line"),
    ("mesh: Add the cursor\n\nWIP\n", "unfinished"),
    ("mesh: Add the cursor\n\nTODO(" + "now): more\n", "unfinished"),
]


def verdict(message):
    """(exit status, words) of the hook over one message."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(message)
        file.flush()
        done = subprocess.run([HOOK, file.name], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr


def main():
    wrong = []
    if sys.argv[1:] == ["--self-test"]:
        for message, part in BAD:
            status, words = verdict(message)
            if status != 1 or part not in words:
                wrong.append(f"{message!r}: expected '{part}', got {status} {words}")
    else:
        for message in GOOD:
            status, words = verdict(message)
            if status != 0:
                wrong.append(f"{message!r} is refused: {words}")
    print("\n".join(wrong) or "commit message hook: as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
