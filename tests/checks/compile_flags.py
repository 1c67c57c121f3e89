"""How each file is compiled, from build/<preset>/compile_commands.json, without what only g++ or the
precompiled header needs."""

import json
import os
import re
import shlex

DROPPED = ("-fpch-preprocess", "-Winvalid-pch", "-Wno-maybe-uninitialized", "-Wno-subobject-linkage",
           "-Werror", "-c")
DROPPED_PREFIXES = ("-fsanitize", "-fno-sanitize", "-ffile-prefix-map")


def portable(arguments):
    """Flags of one command that clang and g++ both read: no compiler, no output, no input, no
    precompiled header, no sanitizer."""
    kept, skip = [], 0
    # A launcher (ccache) may stand before the compiler; flags begin with a dash.
    while arguments and not arguments[0].startswith("-"):
        arguments = arguments[1:]
    for flag, following in zip(arguments, arguments[1:] + [""]):
        if skip:
            skip -= 1
        elif flag in ("-o", "-Xclang", "-mllvm") or flag == "-include" and "cmake_pch" in following:
            skip = 1
        elif flag in ("-include", "-isystem", "-I", "-D"):
            kept += [flag, following]
            skip = 1
        elif flag.startswith("-") and flag not in DROPPED and not flag.startswith(DROPPED_PREFIXES):
            kept.append(flag)
    return kept


def files_of(entry, root):
    """The file of an entry; of one that is made to compile several at a time (ctys_together), those."""
    path = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
    if not re.search(r"_together_\d+\.cpp$", path):
        return [path]
    with open(path, encoding="utf-8") as file:
        return [os.path.join(root, name) for name in re.findall(r'^#include "(.+)"$', file.read(), re.MULTILINE)]


def load(root, build):
    """{absolute file: (directory, flags)}, or None if nothing was configured there."""
    try:
        with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
            entries = json.load(file)
    except (OSError, ValueError):
        return None
    return {path: (e["directory"], portable(shlex.split(e["command"])))
            for e in entries for path in files_of(e, root)}


def nearest(commands, path):
    """Flags of the compiled file that shares the longest folder with path."""
    def shared(other):
        return len(os.path.commonpath([path, other]))
    return commands[max(sorted(commands), key=shared)]
