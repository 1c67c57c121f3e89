#!/usr/bin/env python3
"""Every shell script parses (bash -n), has its run bit, and shellcheck has nothing to say."""

import os
import shutil
import subprocess
import sys

import tree

ENDINGS = (".sh", ".bash")


def first_line(root, file):
    try:
        with open(os.path.join(root, file), "rb") as opened:
            return opened.readline(80).decode(errors="replace")
    except OSError:
        return ""


def check(root):
    found = []
    for file in tree.files(root):
        if "." in os.path.basename(file).lstrip(".") and not file.endswith(ENDINGS):
            continue
        line = first_line(root, file)
        if not line.startswith("#!") or "sh" not in line.split("/")[-1]:
            continue
        path = os.path.join(root, file)
        # Wrapper templates are made executable where they are installed.
        if not os.access(path, os.X_OK) and "templates/" not in file:
            found.append(f"{file}: no run bit")
        parsed = subprocess.run(["bash", "-n", path], capture_output=True, text=True, timeout=30)
        if parsed.returncode != 0:
            found.append(parsed.stderr.strip().splitlines()[0])
        elif shutil.which("shellcheck"):
            done = subprocess.run(["shellcheck", "-f", "gcc", "-S", "warning", file], cwd=root,
                                  capture_output=True, text=True, timeout=60)
            found += done.stdout.splitlines()
    return found


GOOD = {}
BAD = [
    ({"deploy/thing": "#!/usr/bin/env bash\ntrue\n"}, "no run bit"),
]


def check_as_executable(root):
    """For planted trees: everything has its run bit, so that what is inside is looked at."""
    for file in tree.files(root):
        os.chmod(os.path.join(root, file), 0o755)
    return check(root)


INSIDE = [({"deploy/thing.sh": "#!/bin/bash\nif true; then\n"}, "syntax error")]
if shutil.which("shellcheck"):
    INSIDE.append(({"tests/run": "#!/usr/bin/env bash\ncd /tmp\n"}, "SC2164"))

if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        problems = tree.self_test(check_as_executable, {"deploy/a": "#!/bin/bash\ntrue\n"}, INSIDE)
        if problems:
            sys.exit("\n".join(problems))
    tree.main("shell scripts", check, GOOD, BAD)
