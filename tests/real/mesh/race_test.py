"""Two tools start one VM on two workers that share its pool: exactly one QEMU, and the loser is told."""

import os
import signal
import threading

import mesh


class Race(mesh.MeshCase):
    def watch_processes(self, most):
        """Counts QEMUs of the image at all times of a round, not only at its end."""
        while not self.round_over.is_set():
            most.append(len(self.mesh.own_processes("vm.img")))

    def connections(self):
        """Sockets that were made at the broker's end, accepted or not."""
        with open("/proc/net/unix") as table:
            return sum(line.rstrip().endswith("/broker/mesh") and self.mesh.root in line for line in table)

    def one_round(self, stream, kill):
        after = stream.mark()
        self.round_over = threading.Event()
        most = []
        watcher = threading.Thread(target=self.watch_processes, args=(most,))
        watcher.start()
        try:
            if kill == "before anything is durable":
                # It never reads what they send; that they have connected is seen from outside.
                self.mesh.processes["broker"].send_signal(signal.SIGSTOP)
            connections = self.connections()
            tools = [
                self.mesh.ctys_begin("start", "vm", "--on", worker, "-o", "jsonl")
                for worker in ("w1", "w2")
            ]
            if kill == "before anything is durable":
                # Each asks once whether anybody listens, and then connects.
                deadline = mesh.Deadline(mesh.PATIENCE_S)
                while self.connections() < connections + 2 * len(tools):
                    self.assertFalse(deadline.over(), "the tools do not connect")
            elif kill == "when one is chosen":
                stream.wait(after=after, kind="requested", label="vm")
            if kill:
                self.mesh.kill9("broker")
                self.mesh.start_broker()
            outcomes = [self.mesh.ctys_end(tool) for tool in tools]
            row = self.mesh.wait_row("vm", state="running", worker_state="alive")
        finally:
            self.round_over.set()
            watcher.join()
        told = "\n".join(f"{o.status} {o.out}{o.err}" for o in outcomes)
        statuses = sorted(outcome.status for outcome in outcomes)
        self.assertEqual(statuses, [0, 5], told)
        self.assertEqual(max(most), 1)
        self.assertEqual(self.mesh.own_processes("vm.img"), [row["pid"]])
        winner = ("w1", "w2")[[outcome.status for outcome in outcomes].index(0)]
        self.assertEqual(row["worker"], winner)
        refusal = next(outcome for outcome in outcomes if outcome.status == 5)
        self.assertIn(winner, refusal.err, "the loser is told who holds it")
        # The stream finds out about another broker with its next sign of life.
        stream.wait(after=after, kind="ended", label="vm")
        stream.drain()
        # The other agent of this machine sees the process too, and an exchange may tell it once more:
        # facts that no action caused.
        begun = stream.find(after, kind="starting", label="vm")
        self.assertEqual(len([event for event in begun if event["action"]]), 1, begun)
        self.assertEqual(stream.find(after, kind="conflict"), [])
        killed = self.mesh.ctys("kill", "vm")
        self.assertEqual(killed.status, 0, killed.err)
        self.mesh.wait_row("vm", state="stopped")
        return winner, refusal

    def test_exactly_one_starts(self):
        rounds = mesh.count(short=10, long=100)
        self.mesh.make_vm("pool", "vm", "idle")
        self.mesh.start_broker()
        self.mesh.start_agent("w1", "pool")
        self.mesh.start_agent("w2", "pool")
        rows = self.mesh.wait_rows(
            lambda rows: [r for r in rows if r["label"] == "vm" and r["paths"] == 2 and r["path_health"] == "good"],
            "both paths proven",
        )
        self.assertEqual([row["label"] for row in rows].count("vm"), 1)
        stream = self.mesh.events()
        winners = []
        took = []
        # Every so many rounds the broker is killed, alternately at two moments.
        every = int(os.environ.get("CTYS_KILL_EVERY", 10 if rounds >= 20 else 5))
        moments = ("before anything is durable", "when one is chosen")
        for number in range(rounds):
            begun = mesh.time.monotonic()
            kill = moments[number // every % 2] if number % every == every // 2 else None
            winner, refusal = self.one_round(stream, kill)
            winners.append(winner)
            took.append((mesh.time.monotonic() - begun) * 1000)
        mesh.figures("round of a race", took)
        print(f"FIGURE races: w1 won {winners.count('w1')}, w2 won {winners.count('w2')}", flush=True)
        print(f"the last loser was told: {refusal.err.strip()}", flush=True)


if __name__ == "__main__":
    mesh.main()
