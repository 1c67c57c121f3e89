"""How a machine ended is told at once, with the evidence, and nothing is claimed that nobody saw."""

import os
import signal

import mesh


class Exits(mesh.MeshCase):
    def test_a_killed_qemu_is_told_at_once_by_signal(self):
        kills = mesh.count(short=10, long=100)
        labels = [f"k{number}" for number in range(10)]
        for label in labels:
            self.mesh.make_vm("pool", label, "idle", memory_mb=8)
        self.start_mesh()
        stream = self.mesh.events()
        took = []
        while len(took) < kills:
            begun = stream.mark()
            outcome = self.mesh.ctys("start", *labels)
            self.assertEqual(outcome.status, 0, outcome.err)
            for label in labels:
                stream.wait(after=begun, kind="running", label=label)
            pids = {row["label"]: row["pid"] for row in self.mesh.rows() if row["label"] in labels}
            for label in labels:
                after = stream.mark()
                at = mesh.time.monotonic()
                os.kill(pids[label], signal.SIGKILL)
                event = stream.wait(after=after, kind="stopped", label=label)
                took.append((event["arrived"] - at) * 1000)
                self.assertEqual(event["by"], "signal", event)
                self.assertIn(event["evidence"], ("exit-status", "proc-connector"), event)
                self.assertIn("SIGKILL", event["text"] + str(event["data"]))

        mesh.figures("kill -9 to the line of ctys events", took)
        late = [value for value in took if value > 10]
        print(f"FIGURE over 10 ms: {len(late)} of {len(took)}", flush=True)
        if mesh.measuring():
            self.assertLessEqual(len(late) * 100, len(took))

    def test_a_guest_that_powers_off_is_told_by_guest(self):
        self.mesh.make_vm("pool", "ending", "ending")
        self.start_mesh()
        stream = self.mesh.events()
        outcome = self.mesh.ctys("start", "ending")
        self.assertEqual(outcome.status, 0, outcome.err)

        event = stream.wait(kind="stopped", label="ending")

        self.assertEqual(event["by"], "guest", event)
        self.assertIn(event["evidence"], ("qmp", "trace"), event)

    def test_a_foreign_exit_that_nobody_saw_is_unknown(self):
        self.start_mesh()
        stream = self.mesh.events()
        os.mkdir(self.mesh.path("elsewhere"))
        for label, guest in (("quits", "idle"), ("ends", "ending")):
            image = mesh.boot_image(self.mesh.path("elsewhere", label), guest)
            foreign = self.mesh.start_foreign("-name", label, "-monitor", "stdio", image=image)
            stream.wait(kind="running", label=label)
            # Both end with code 0; only who sees inside could tell them apart.
            if label == "quits":
                foreign.stdin.write(b"quit\n")
                foreign.stdin.flush()

            event = stream.wait(kind="gone", label=label)

            self.assertEqual(event["by"], "unknown", event)
            self.assertEqual(foreign.wait(mesh.PATIENCE_S), 0)

    def test_a_foreign_kill_is_told_by_signal_where_the_kernel_tells(self):
        self.start_mesh()
        stream = self.mesh.events()
        os.mkdir(self.mesh.path("elsewhere"))
        image = mesh.boot_image(self.mesh.path("elsewhere", "disk"), "idle")
        foreign = self.mesh.start_foreign("-name", "byhand", image=image)
        self.mesh.wait_row("byhand", pid=foreign.pid)

        foreign.kill()
        event = stream.wait(kind="gone", label="byhand")

        blind = str(self.mesh.ctys("workers", "-o", "jsonl").rows[0])
        if "exit codes of VMs of others" in blind:
            self.assertEqual(event["by"], "unknown", event)
        else:
            self.assertEqual((event["by"], event["evidence"]), ("signal", "proc-connector"), event)


if __name__ == "__main__":
    mesh.main()
