#!/usr/bin/env python3
"""Passes on what the fuzzers found (tests/run_fuzzers), so that ctest's summary counts it."""

import os
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


def main():
    if sys.argv[1:] == ["--self-test"]:
        with tempfile.TemporaryDirectory() as folder:
            tree.plant(folder, {"a_fuzz.status": "0\n", "a_fuzz.log": "x", "b_fuzz.status": "77\n",
                                "b_fuzz.log": "ERROR: planted"})
            return 0 if failures(folder) == {"b_fuzz": "ERROR: planted"} else 1
    folder = os.environ.get("CTYS_FUZZ_RESULTS")
    if not folder or not os.path.isdir(folder):
        print("the fuzzers were not run")
        return tree.SKIPPED
    failed = failures(folder)
    for fuzzer, log in failed.items():
        print(f"{fuzzer} failed:\n{log}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
