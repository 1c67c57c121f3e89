#!/usr/bin/env python3
"""Text that must not stay: unfinished marks, white space at line ends, paths of somebody's
machine, tests that sleep, assertions that cannot fail (CONTRIBUTING.md T2, T3, D5)."""

import re

import tree

# Patterns are spelt so that this file does not match itself.
EVERYWHERE = (
    (re.compile(r"\bTODO[(]now[)]|\bFIX[M]E\b"), "unfinished mark"),
    (re.compile(r"(^|[^a-zA-Z0-9_.-])/(?:work|farm|tmp/[w]t)/"), "path of one machine"),
    (re.compile(r"^(<{7}|>{7}) "), "left from a merge"),
)
SLEEPS = re.compile(r"\bsleep_for\b|\bsleep_until\b|\bu?sleep\s*\(|\bnanosleep\s*\(")
EMPTY = re.compile(r"\bSUCCEED\s*\(|\b(?:CHECK|REQUIRE)\s*\(\s*(?:true|1)\s*\)"
                   r"|\b(?:CHECK|REQUIRE)_FALSE\s*\(\s*(?:false|0)\s*\)")
TEXT = (".h", ".cpp", ".capnp", ".py", ".md", ".txt", ".cmake", ".json", ".toml", ".sh", ".yaml",
        ".service", ".target", ".ctys", ".conf")
# Line ends mean something in a golden file.
AS_THEY_ARE = ("tests/data/", "tests/fuzz/corpus/", "tests/scenario/golden/")


def is_text(root, file):
    if file.endswith(TEXT):
        return True
    try:
        return "." not in file.rsplit("/", 1)[-1] and tree.read(root, file).startswith("#!")
    except OSError:
        return False


def faults_of(file, line):
    found = [why for pattern, why in EVERYWHERE if pattern.search(line)]
    if line != line.rstrip():
        found.append("white space at the end")
    if file.startswith(("tests/unit/", "tests/scenario/")) and SLEEPS.search(line):
        found.append("a test waits for the event, it does not sleep")
    if file.startswith("tests/") and file.endswith((".cpp", ".h")) and EMPTY.search(line):
        found.append("an assertion that cannot fail")
    return found


def check(root):
    found = []
    for file in tree.files(root):
        if file.startswith(AS_THEY_ARE) or not is_text(root, file):
            continue
        text = tree.read(root, file)
        for number, line in enumerate(text.split("\n"), 1):
            found += [f"{file}:{number}: {why}" for why in faults_of(file, line)]
        if text and not text.endswith("\n"):
            found.append(f"{file}: no newline at the end")
    return found


GOOD = {
    "mesh/core/a.cpp": "// TODO(perf): later. See /usr/share/doc/work/ and ./work/x.\nint network;\n",
    "tests/integration/a_test.cpp": "CHECK(true_enough);\n",
    "tests/real/a_test.cpp": "REQUIRE(1 == one);\n",
    "tests/data/answer.txt": "padded   \nno end",
}
BAD = [
    ({"mesh/core/a.cpp": "// TODO(" + "now): x\n"}, "unfinished"),
    ({"docs/a.md": "FIX" + "ME\n"}, "unfinished"),
    ({"docs/a.md": "see /wor" + "k/main\n"}, "path of one machine"),
    ({"deploy/thing": "#!/bin/sh\ncd '/far" + "m/x'\n"}, "path of one machine"),
    ({"docs/a.md": "two  \n"}, "white space"),
    ({"docs/a.md": "end"}, "no newline"),
    ({"docs/a.md": "<" * 7 + " HEAD\n"}, "merge"),
    ({"tests/unit/a_test.cpp": "std::this_thread::sleep" + "_for(1s);\n"}, "does not sleep"),
    ({"tests/scenario/a.cpp": "usl" + "eep(5);\n"}, "does not sleep"),
    ({"tests/unit/a_test.cpp": "SUCC" + "EED();\n"}, "cannot fail"),
    ({"tests/unit/a_test.cpp": "CHE" + "CK( true );\n"}, "cannot fail"),
]

if __name__ == "__main__":
    tree.main("text hygiene", check, GOOD, BAD)
