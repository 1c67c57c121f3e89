"""Two hundred real machines on one agent: known again soon after its restart, and cheap to watch."""

import os

import mesh

IDLE_S = 10


def memory_kb(pid, field):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Scale(mesh.MeshCase):
    def known(self, labels):
        """All run, by the word of an agent that is there."""
        rows = {row["label"]: row for row in self.mesh.rows("--filter", "owner=ctys")}
        return all(
            label in rows
            and rows[label]["state"] == "running"
            and rows[label]["worker_state"] == "alive"
            for label in labels
        )

    def test_all_are_known_soon_after_a_restart(self):
        machines = mesh.count(short=10, long=200)
        labels = [f"s{number:03}" for number in range(machines)]
        for label in labels:
            self.mesh.make_vm("pool", label, "idle", memory_mb=8)
        self.start_mesh()
        begun = mesh.time.monotonic()
        for first in range(0, machines, 20):
            outcome = self.mesh.ctys("start", *labels[first : first + 20])
            self.assertEqual(outcome.status, 0, outcome.err)
        mesh.figures(f"start of {machines}", [(mesh.time.monotonic() - begun) * 1000])
        pids = {row["label"]: row["pid"] for row in self.mesh.rows("--filter", "owner=ctys")}

        self.mesh.kill9("w1")
        stream = self.mesh.events("--from", self.mesh.head())
        begun = mesh.time.monotonic()
        agent = self.mesh.start_agent("w1", "pool", wait=False)
        stream.wait(kind="registered", worker="w1")
        deadline = mesh.Deadline(mesh.PATIENCE_S)
        while not self.known(labels):
            self.assertFalse(deadline.over(), "not all are known")
            stream.read(0.1)
        known_after = mesh.time.monotonic() - begun
        # It cannot ask a machine again before its QEMU has dialled in and told its state.
        asked = {}
        while len(asked) < machines:
            self.assertFalse(deadline.over(), f"only {len(asked)} have their monitor")
            stream.read(deadline.left())
            for event in stream.find(kind="vm-changed", text="its monitor is connected"):
                asked.setdefault(event["label"], event["arrived"])
        all_after = max(asked.values()) - begun
        self.assertEqual(set(asked), set(labels))
        shown = self.mesh.ctys("show", labels[-1], "-o", "json").out
        self.assertIn('"can_ask":true', shown.replace(" ", ""))
        after = {row["label"]: row["pid"] for row in self.mesh.rows("--filter", "owner=ctys")}
        self.assertEqual({label: after[label] for label in labels}, {label: pids[label] for label in labels})
        mesh.figures(f"{machines} known after", [known_after * 1000])
        mesh.figures(f"{machines} with monitors after", [all_after * 1000])
        if mesh.measuring():
            self.assertLess(known_after, 3)
            self.assertLess(all_after, 3)

        before = cpu_seconds(agent.pid)
        end = mesh.Deadline(IDLE_S)
        while not end.over():
            stream.read(end.left())
        spent = cpu_seconds(agent.pid) - before
        print(
            f"FIGURE agent with {machines}: RssAnon {memory_kb(agent.pid, 'RssAnon')} kB, "
            f"processor {spent / IDLE_S * 100:.2f} % over {IDLE_S} s",
            flush=True,
        )
        self.assertEqual(stream.find(kind="stopped"), [])


if __name__ == "__main__":
    mesh.main()
