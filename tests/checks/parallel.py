"""Runs commands two at a time until a deadline, and says which it did not reach."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor


def run_all(named_commands, seconds, one_takes_at_most=150):
    """named_commands: [(name, [argument...], directory)]. Returns ({name: (status, output)}, [name
    not reached])."""
    deadline = time.monotonic() + seconds

    def run(item):
        name, command, directory = item
        left = deadline - time.monotonic()
        if left < 1:
            return name, None
        try:
            done = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  errors="replace", timeout=min(left, one_takes_at_most))
        except subprocess.TimeoutExpired:
            return name, None
        return name, (done.returncode, done.stdout)

    with ThreadPoolExecutor(int(os.environ.get("RUN_JOBS", "2"))) as pool:
        results = list(pool.map(run, named_commands))
    return ({name: result for name, result in results if result},
            [name for name, result in results if result is None])
