#!/usr/bin/env python3
"""Every schema file compiles (and so has an id, and no ordinal twice)."""

import os
import shutil
import subprocess
import sys

import tree


def check(root):
    found = []
    for file in tree.files(root):
        if not (file.startswith("schema/") and file.endswith(".capnp")):
            continue
        done = subprocess.run(["capnp", "compile", "-I.", "-o-", file], cwd=root, timeout=60,
                              env={**os.environ, "PWD": root}, capture_output=True)
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip().splitlines()
            found.append("; ".join(words[:5]))
    return found


GOOD = {"schema/a.capnp": "@0xbf5147cbbecf40c1;\nstruct A { x @0 :Text; }\n"}
BAD = [
    ({"schema/a.capnp": "@0xbf5147cbbecf40c1;\nstruct A { x @0 :Text; y @0 :Text; }\n"}, "a.capnp"),
    ({"schema/a.capnp": "struct A { x @0 :Nothing; }\n"}, "a.capnp"),
]

if __name__ == "__main__":
    if shutil.which("capnp") is None:
        print("no capnp here")
        sys.exit(tree.SKIPPED)
    tree.main("schema", check, GOOD, BAD)
