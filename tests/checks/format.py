#!/usr/bin/env python3
"""Every C++ file is as clang-format 14 with the root's .clang-format writes it."""

import os
import shutil
import subprocess
import sys

import tree

TOOL = shutil.which("clang-format-14") or shutil.which("clang-format")
STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.clang-format")
FILES_AT_ONCE = 40


def check(root):
    files = tree.sources(root)
    found = set()
    for begin in range(0, len(files), FILES_AT_ONCE):
        done = subprocess.run([TOOL, "--dry-run", "-Werror", f"--style=file:{STYLE}",
                               *files[begin:begin + FILES_AT_ONCE]],
                              cwd=root, capture_output=True, text=True, timeout=240)
        if done.returncode != 0:
            lines = [l for l in done.stderr.splitlines() if ": error: " in l]
            # One line a file; its first place is enough to find the rest.
            found |= {l.split(":")[0] for l in lines} or {done.stderr.strip()}
    return sorted(f"{f}: not formatted; try: clang-format -i {f}" for f in found)


GOOD = {"mesh/core/a.h": "int a(int b);\n"}
BAD = [
    ({"mesh/core/a.h": "int a( int b );\n"}, "not formatted"),
    ({"tests/unit/a_test.cpp": "int  a;\n"}, "not formatted"),
]

if __name__ == "__main__":
    if TOOL is None:
        print("no clang-format here")
        sys.exit(tree.SKIPPED)
    tree.main("format", check, GOOD, BAD)
