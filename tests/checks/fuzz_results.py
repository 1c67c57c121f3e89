#!/usr/bin/env python3
"""Passes on what the fuzzers found (tests/run_fuzzers), so that ctest's summary counts it."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile

import tree


def failures(folder):
    """{fuzzer: last lines of its log} of those that did not end with status 0."""
    failed = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".status") and tree.read(folder, name).strip() != "0":
            fuzzer = name[:-len(".status")]
            log = os.path.join(folder, fuzzer + ".log")
            failed[fuzzer] = tree.read(folder, fuzzer + ".log")[-3000:] if os.path.exists(log) else ""
    return failed


# How a fuzzer with a planted defect may end, and whether that is a find.
ENDS = {
    "crash": ("touch ${prefix}crash-0; exit 77", True),
    "sanitizer": ("touch ${prefix}crash-0; exit 1", True),
    "usage": ("echo ERROR: no such directory; exit 1", False),
    "nothing": ("exit 0", False),
    "odd": ("exit 3", False),
    "slow": ("touch ${prefix}timeout-0; exit 70", False),
    "absent": (None, False),
}


def run_fuzzers(folder):
    """Runs the real tests/run_fuzzers over fuzzers that only pretend; returns the results' folder."""
    root, results = os.path.join(folder, "checkout"), os.path.join(folder, "results")
    known = "".join(f"{name}_fuzz: phony\n{name}_fuzz_planted: phony\n" for name in ENDS)
    programs = {"path/cmake": "true\n", "path/ninja": f"cat <<END\n{known}END\n"}
    take_prefix = 'for word; do case $word in -artifact_prefix=*) prefix=${word#*=} ;; esac; done\n'
    for name, (end, _) in ENDS.items():
        programs[f"build/fuzz/bin/{name}_fuzz"] = "true\n"
        if end:
            programs[f"build/fuzz/bin/{name}_fuzz_planted"] = take_prefix + end + "\n"
        tree.plant(root, {f"tests/fuzz/{name}_fuzz.cpp": ""})
    for name, text in programs.items():
        tree.plant(root, {name: "#!/bin/bash\n" + text})
        os.chmod(os.path.join(root, name), 0o755)
    shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../run_fuzzers"),
                os.path.join(root, "tests"))
    # A find and a fuzzer of an earlier run, and what is somebody else's.
    tree.plant(results, {"usage_fuzz_planted-crash-0": "", "gone_fuzz.status": "77\n", "notes.log": "",
                         "mine/a_fuzz.status": "0\n"})
    for work in (["build", results], ["run", results, "1"]):
        subprocess.run([os.path.join(root, "tests/run_fuzzers"), *work], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60, check=False,
                       env={**os.environ, "PATH": os.path.join(root, "path") + ":" + os.environ["PATH"]})
    return results


def await_end(folder):
    """Returns once tests/run_fuzzers, which holds this lock, has ended."""
    with open(os.path.join(folder, "lock"), "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        tree.plant(folder, {"a_fuzz.status": "0\n", "a_fuzz.log": "x", "b_fuzz.status": "77\n",
                            "b_fuzz.log": "ERROR: planted"})
        wrong = [] if failures(folder) == {"b_fuzz": "ERROR: planted"} else ["a failure is not passed on"]
    with tempfile.TemporaryDirectory() as folder:
        results = run_fuzzers(folder)
        found = sorted(failures(results))
        wanted = sorted(f"{name}_fuzz_planted" for name, (_, is_find) in ENDS.items() if not is_find)
        if found != wanted:
            wrong.append(f"not found are {found}, expected {wanted}")
        if not all(os.path.exists(os.path.join(results, name)) for name in ("notes.log", "mine")):
            wrong.append("files of somebody else are removed")
    print("\n".join(wrong) or "fuzz results: as expected")
    return 1 if wrong else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    folder = os.environ.get("CTYS_FUZZ_RESULTS")
    if not folder or not os.path.isdir(folder):
        print("the fuzzers were not run")
        return tree.SKIPPED
    await_end(folder)
    failed = failures(folder)
    for fuzzer, log in failed.items():
        print(f"{fuzzer} failed:\n{log}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
