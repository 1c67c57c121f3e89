"""A query waits for no worker, no mount and no scan: `ctys list` answers while each of them is stuck."""

import os
import signal
import threading
import unittest

from hanging_mount import HangingMount
from mesh import MeshCase, PATIENCE_S, figures, main, measuring, percentile

CALLS = 100 if measuring() else 30
WITHIN_MS = 50.0
WITHIN_OTHERWISE_MS = 2000.0  # slow, but nothing near the deadlines of what hangs
DIRECTORIES = 100_000 if os.environ.get("CTYS_LONG") else 20_000


def make_tree(root, directories):
    """Directories in a tree that is as wide as real ones are: 100 below each."""
    for number in range(0, directories, 100):
        for leaf in range(100):
            os.makedirs(f"{root}/{number // 100}/{leaf}")


class Scans:
    """Lets a worker walk its pools again and again until it is closed."""

    def __init__(self, mesh, worker):
        self.mesh, self.worker = mesh, worker
        self.ended = threading.Event()
        self.finished = 0
        self.statuses = set()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ended.is_set():
            self.statuses.add(self.mesh.ctys("scan", self.worker).status)
            self.finished += 1

    def close(self):
        self.ended.set()
        self.thread.join()


class StallTest(MeshCase):
    def time_lists(self, what):
        """Calls of `ctys list` as somebody makes them: a process each, its start and end included."""
        spent = []
        for _ in range(CALLS):
            outcome = self.mesh.ctys("list", "--all", "-o", "jsonl")
            self.assertEqual(outcome.status, 0, outcome.err)
            spent.append(outcome.seconds * 1000)
        figures(f"list while {what}", spent)
        bound = WITHIN_MS if measuring() else WITHIN_OTHERWISE_MS
        self.assertLess(percentile(spent, 0.98), bound, what)  # measured: the 99th of 100
        return outcome.rows

    def test_list_answers_while_an_agent_is_stopped(self):
        self.mesh.make_vm("pool", "plain")
        self.start_mesh()
        second = self.mesh.start_agent("w2", "pool2")
        self.time_lists("all is well")

        second.send_signal(signal.SIGSTOP)
        rows = self.time_lists("an agent is stopped")

        self.assertEqual([row["label"] for row in rows if row["label"] == "plain"], ["plain"])
        events = self.mesh.events()
        events.wait(kind="suspect", worker="w2")
        events.wait(kind="lost", worker="w2")
        self.time_lists("an agent is lost")
        second.send_signal(signal.SIGCONT)
        events.wait(kind="alive", worker="w2")
        self.assertEqual(events.find(kind="suspect", worker="w1"), [])

    @unittest.skipUnless(HangingMount.available(), "needs root and /dev/fuse")
    def test_a_hung_mount_costs_its_own_paths_their_health_and_nothing_else(self):
        hung_config = self.mesh.make_vm("source", "hung")
        self.mesh.make_vm("pool", "well", guest="idle")
        mount = HangingMount(self.mesh.path("source"), self.mesh.path("mount"))
        self.addCleanup(mount.close)
        self.mesh.start_broker()
        self.mesh.start_agent("w1", "mount", "pool")
        self.mesh.wait_row("hung")
        self.mesh.wait_row("well")
        events = self.mesh.events("--from", self.mesh.head())

        mount.hang()
        self.time_lists("a mount begins to hang")
        events.wait(kind="health", label="hung", text=lambda text: "stalled" in (text or ""))
        rows = self.time_lists("a mount hangs")

        self.assertEqual({row["label"] for row in rows} & {"hung", "well"}, {"hung", "well"})
        shown = self.mesh.ctys("show", "hung")
        print(f"SHOWN {[line for line in shown.out.splitlines() if 'stalled' in line]}", flush=True)
        self.assertRegex(shown.out, r"stalled +" + self.mesh.path("mount"))
        self.assertIn(os.path.basename(hung_config), shown.out)
        self.assertNotIn("stalled", self.mesh.ctys("show", "well").out)
        # The same agent goes on working: a VM of its other pool starts and ends.
        self.mesh.start_vm("well")
        self.assertEqual(self.mesh.ctys("kill", "well", "--yes").status, 0)
        refused = self.mesh.ctys("start", "hung", "--timeout", "20s")
        print(f"START on a hung path: {refused.status} {refused.err.strip()!r}", flush=True)
        self.assertNotIn(refused.status, (0, 124))
        self.assertEqual(events.find(kind="suspect"), [])
        self.assertEqual(events.find(kind="health", label="well"), [])

        after = events.mark()
        mount.go_on()
        self.mesh.wait_rows(
            lambda rows: any(row["label"] == "hung" and row["path_health"] == "good" for row in rows),
            "the path is good again",
            "--all",
            seconds=2 * PATIENCE_S,
        )
        events.wait(after=after, kind="health", label="hung", text=lambda text: "good" in (text or ""))

    def test_list_answers_while_a_pool_of_many_directories_is_walked(self):
        make_tree(self.mesh.path("big"), DIRECTORIES)
        self.mesh.make_vm("big/7/7", "needle")
        self.mesh.start_broker()
        self.mesh.start_agent("w1", "big")
        self.mesh.wait_row("needle")

        scans = Scans(self.mesh, "w1")
        try:
            self.time_lists(f"{DIRECTORIES} directories are walked")
        finally:
            scans.close()

        print(f"FIGURE scans of {DIRECTORIES} directories meanwhile: {scans.finished}", flush=True)
        self.assertEqual(scans.statuses, {0})


if __name__ == "__main__":
    main()
