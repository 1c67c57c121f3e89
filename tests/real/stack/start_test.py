"""A virtual machine with an agent inside is a worker of the same mesh: what it carries is seen and ordered
through the same bus, and ends when it does."""

import json
import os
import signal

import journal
import stack_mesh

INNER = {"obeys": "polite", "ignores": "stubborn", "idles": "idle"}


class Start(stack_mesh.StackCase):
    def setUp(self):
        super().setUp()
        for label, guest in INNER.items():
            self.mesh.make_inner(label, guest)
        self.mesh.make_l1()
        self.mesh.start_outer()
        self.row = self.mesh.boot_l1()
        self.mesh.start_inner(*INNER)

    def test_inner_machines_are_shown_started_and_shut_down_through_the_bus(self):
        rows = {row["label"]: row for row in self.mesh.rows()}
        for label in INNER:
            self.assertEqual((rows[label]["state"], rows[label]["worker"]), ("running", "l1"))
        stack = json.loads(self.mesh.ctys("stack", "-o", "json").out)
        # Others may run machines on this computer too.
        host = next(worker for worker in stack["workers"] if worker["worker"] == "host")
        carrier = next(vm for vm in host["vms"] if vm["label"] == "l1")
        (inner,) = carrier["workers"]
        self.assertEqual(inner["worker"], "l1")
        self.assertEqual({vm["label"]: vm["state"] for vm in inner["vms"]}, dict.fromkeys(INNER, "running"))
        self.assertEqual(stack["problems"], [])

        outcome = self.mesh.ctys("shutdown", "obeys", "--deadline", "60s")

        self.assertEqual(outcome.status, 0, outcome.err)
        stopped = self.mesh.events().wait(kind="stopped", label="obeys")
        self.assertEqual((stopped["by"], stopped["data"]["rung"]), ("guest", "power button"))
        states = {row["label"]: row["state"] for row in self.mesh.rows()}
        self.assertEqual((states["ignores"], states["l1"]), ("running", "running"))

    def test_all_it_carries_ends_at_once_when_it_is_killed(self):
        stream = self.mesh.events()
        after = stream.mark()

        os.kill(self.row["pid"], signal.SIGKILL)

        killed = stream.wait(after=after, kind="stopped", label="l1")
        self.assertEqual(killed["by"], "signal", killed)
        for label in INNER:
            gone = stream.wait(after=after, kind="stopped", label=label)
            self.assertEqual(gone["by"], "host", gone)
            self.assertIn("its carrier l1 ended", gone["text"], gone)
            # Behind one another in the journal: nothing was waited for.
            self.assertLess(journal.place(gone) - journal.place(killed), 20, gone)
        lost = stream.wait(after=after, kind="lost", worker="l1")
        self.assertIn("l1", lost["text"], lost)
        for label in INNER:
            self.mesh.wait_row(label, state="stopped")


if __name__ == "__main__":
    stack_mesh.main()
