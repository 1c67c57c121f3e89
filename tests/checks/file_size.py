#!/usr/bin/env python3
"""A source file ends before 600 lines, a directory's CMakeLists.txt before 40 (CONTRIBUTING.md A6)."""

import tree

MOST_LINES = 600
MOST_CMAKE_LINES = 40


def check(root):
    found = []
    for file in tree.sources(root, (".h", ".cpp", ".capnp", "CMakeLists.txt")):
        limit = MOST_CMAKE_LINES if file.endswith("CMakeLists.txt") else MOST_LINES
        lines = tree.read(root, file).count("\n")
        if lines > limit:
            found.append(f"{file}: {lines} lines, at most {limit}")
    return found


GOOD = {"mesh/core/a.cpp": "int a;\n" * MOST_LINES, "mesh/CMakeLists.txt": "#\n" * MOST_CMAKE_LINES}
BAD = [
    ({"mesh/core/a.cpp": "int a;\n" * (MOST_LINES + 1)}, "601 lines"),
    ({"tests/unit/a_test.cpp": "int a;\n" * 700}, "700 lines"),
    ({"mesh/core/CMakeLists.txt": "#\n" * 41}, "at most 40"),
]

if __name__ == "__main__":
    tree.main("file size", check, GOOD, BAD)
