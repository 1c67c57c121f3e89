#!/usr/bin/env python3
"""clang-tidy over the files that changed since origin/main, within four minutes; `tests/run --long`
looks at every file. Files it did not reach are named, not blamed."""

import json
import os
import re
import shutil
import sys
import tempfile

import compile_flags
import parallel
import tree

TOOL = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")
SECONDS = 240
LONG_SECONDS = 3600
# clang-tidy 14 takes the comparison with 0 that a defaulted <=> is rewritten to for a null pointer.
SPACESHIP = re.compile(r"operator ?<=>.*=\s*default")


def wanted(root, commands):
    """Compiled files to look at: changed ones, and the .cpp beside a changed header."""
    product = [f for f in sorted(os.path.relpath(p, root) for p in commands)
               if not f.startswith(("build/", ".."))]
    if tree.is_long():
        return product
    stems = {os.path.splitext(f)[0] for f in tree.changed(root) or [] if f.endswith((".h", ".cpp"))}
    # Product code first: tests are many and mostly macros.
    return sorted((f for f in product if os.path.splitext(f)[0] in stems),
                  key=lambda f: (f.startswith("tests/"), f))


def is_spaceship(root, finding):
    """Is this modernize-use-nullptr about a line `operator<=>(...) = default`?"""
    if "modernize-use-nullptr" not in finding:
        return False
    file, line = finding.split(":")[:2]
    lines = tree.read(root, file).splitlines()
    return line.isdigit() and int(line) <= len(lines) and bool(SPACESHIP.search(lines[int(line) - 1]))


def look(root, commands, files, seconds):
    """([finding...], [file not reached...])"""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as out:
            json.dump([{"directory": directory, "file": path, "arguments": ["clang++", *flags, path]}
                       for path, (directory, flags) in commands.items()], out)
        results, unreached = parallel.run_all(
            [(f, [TOOL, "--quiet", "-p", folder, os.path.join(root, f)], root) for f in files],
            seconds)
    found = []
    for file, (status, output) in sorted(results.items()):
        if status != 0:
            lines = [l for l in output.splitlines() if ": error: " in l] or output.splitlines()[-5:]
            found += [os.path.relpath(l, root) if l.startswith("/") else f"{file}: {l}" for l in lines]
    return sorted({f for f in found if not is_spaceship(root, f)}), unreached


GOOD = """#include <compare>
struct Good {
    int value = 0;
    auto operator<=>(const Good&) const = default;
};
bool good(Good a, Good b) { return a < b; }
"""


def self_test():
    """A planted defect is found, a clean file is not blamed, and g++'s own flags do no harm."""
    with tempfile.TemporaryDirectory() as root:
        here = os.path.dirname(os.path.abspath(__file__))
        shutil.copy(os.path.join(here, "../../.clang-tidy"), root)
        tree.plant(root, {"mesh/core/good.cpp": GOOD,
                          "mesh/core/bad.cpp": "int* BadName() { return 0; }\n"})
        flags = compile_flags.portable(
            "/usr/bin/ccache /usr/bin/c++ -DX=1 -fpch-preprocess -Winvalid-pch -include "
            "/b/cmake_pch.hxx -std=c++20 -Wno-maybe-uninitialized -fsanitize=address -o x.o -c x.cpp"
            .split())
        wrong = [] if flags == ["-DX=1", "-std=c++20"] else [f"flags left: {flags}"]
        commands = {os.path.join(root, f"mesh/core/{n}.cpp"): (root, flags) for n in ("good", "bad")}
        found, unreached = look(root, commands, ["mesh/core/good.cpp", "mesh/core/bad.cpp"], 100)
        wrong += [f"not reached: {f}" for f in unreached]
        wrong += [f"the clean file is blamed: {f}" for f in found if "good.cpp" in f]
        for name in ("readability-identifier-naming", "modernize-use-nullptr"):
            if not any(name in f and "bad.cpp" in f for f in found):
                wrong.append(f"planted {name} is not found: {found}")
        return wrong


def main():
    if TOOL is None:
        print("no clang-tidy here")
        return tree.SKIPPED
    if sys.argv[1:] == ["--self-test"]:
        wrong = self_test()
        print("\n".join(wrong) or "clang-tidy: 2 planted violations found")
        return 1 if wrong else 0
    if len(sys.argv) != 3:
        sys.exit("usage: tidy.py ROOT BUILD | --self-test")
    root = os.path.realpath(sys.argv[1])
    commands = compile_flags.load(root, sys.argv[2])
    if commands is None or not tree.is_long() and tree.changed(root) is None:
        print("no compile_commands.json, or no git to tell what changed")
        return tree.SKIPPED
    files = wanted(root, commands)
    found, unreached = look(root, commands, files, LONG_SECONDS if tree.is_long() else SECONDS)
    print(f"clang-tidy: {len(files) - len(unreached)} of {len(files)} files looked at")
    if unreached:
        print("not reached in time:", *unreached)
    print("\n".join(found))
    return 1 if found or (unreached and tree.is_long()) else 0


if __name__ == "__main__":
    sys.exit(main())
