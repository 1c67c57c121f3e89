#!/usr/bin/env python3
"""Every header compiles alone: whoever includes it needs nothing before it. Changed headers only,
unless `tests/run --long` or --all (target checkheaders)."""

import os
import shutil
import sys
import tempfile

import compile_flags
import parallel
import tree

SECONDS = 180
LONG_SECONDS = 1800
# A namespace after the include: a header that ends inside a class or lacks a semicolon fails too.
UNIT = '#include "{0}"\nnamespace ctys {{}}\n'


def look(root, commands, headers, seconds):
    with tempfile.TemporaryDirectory() as folder:
        items = []
        for number, header in enumerate(headers):
            unit = os.path.join(folder, f"unit_{number}.cpp")
            with open(unit, "w", encoding="utf-8") as out:
                out.write(UNIT.format(os.path.join(root, header)))
            _, flags = compile_flags.nearest(commands, os.path.join(root, header))
            items.append((header, ["g++", *flags, "-fsyntax-only", unit], root))
        results, unreached = parallel.run_all(items, seconds)
    found = []
    for header, (status, output) in sorted(results.items()):
        if status != 0:
            first = [l for l in output.splitlines() if "error: " in l][:2] or output.splitlines()[:2]
            found.append(f"{header} does not compile alone: " + "; ".join(first))
    return found, unreached


def self_test():
    with tempfile.TemporaryDirectory() as root:
        tree.plant(root, {"mesh/a.h": "#pragma once\n#include <string>\ninline std::string a;\n",
                          "mesh/b.h": "#pragma once\nstd::string b();\n",
                          "mesh/c.h": "#pragma once\nstruct C {}\n"})
        commands = {os.path.join(root, "mesh/a.cpp"): (root, ["-std=c++20"])}
        found, unreached = look(root, commands, ["mesh/a.h", "mesh/b.h", "mesh/c.h"], 60)
    wrong = [f"not reached: {h}" for h in unreached]
    if [f.split()[0] for f in found] != ["mesh/b.h", "mesh/c.h"]:
        wrong.append(f"expected mesh/b.h and mesh/c.h, found {found}")
    return wrong


def main():
    if shutil.which("g++") is None:
        print("no g++ here")
        return tree.SKIPPED
    if sys.argv[1:] == ["--self-test"]:
        wrong = self_test()
        print("\n".join(wrong) or "headers alone: 2 planted violations found")
        return 1 if wrong else 0
    arguments = [a for a in sys.argv[1:] if a != "--all"]
    every = tree.is_long() or "--all" in sys.argv
    if len(arguments) != 2:
        sys.exit("usage: headers_alone.py [--all] ROOT BUILD | --self-test")
    root = os.path.realpath(arguments[0])
    commands = compile_flags.load(root, arguments[1])
    headers = tree.sources(root, (".h",))
    if not every:
        known = tree.changed(root)
        headers = None if known is None else [h for h in headers if h in known]
    if not commands or headers is None:
        print("no compile_commands.json, or no git to tell what changed")
        return tree.SKIPPED
    found, unreached = look(root, commands, headers, LONG_SECONDS if every else SECONDS)
    print(f"headers alone: {len(headers) - len(unreached)} of {len(headers)} headers looked at")
    if unreached:
        print("not reached in time:", *unreached)
    print("\n".join(found))
    return 1 if found or (unreached and every) else 0


if __name__ == "__main__":
    sys.exit(main())
