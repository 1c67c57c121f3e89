"""A watcher gets each event exactly once and in order, whatever happens to it and to the broker, and
costs the broker nothing while it sleeps."""

import json
import os
import signal
import subprocess
import time

from mesh import Deadline, MeshCase, PATIENCE_S, main, measuring

LONG = bool(os.environ.get("CTYS_LONG"))
EVENTS = 100_000 if LONG else 5_000
PUMP_S = 40 if LONG else 15
RESTARTS = 20
BROKER_KILLS = {3, 8, 13, 18}  # in these rounds of the watcher


class RestartedWatcher:
    """`ctys events` that is ended and begun anew at its cursor; its lines add up in one list."""

    def __init__(self, running_mesh):
        self.mesh = running_mesh
        self.lines = []
        self.process = None
        self.file = None
        self.rounds = 0

    @property
    def cursor(self):
        return json.loads(self.lines[-1])["cursor"] if self.lines else "beginning"

    def begin(self):
        self.rounds += 1
        name = self.mesh.path(f"watch{self.rounds}.jsonl")
        with open(name, "wb") as out, open(self.mesh.path("watch.err"), "ab") as err:
            self.process = subprocess.Popen(
                [self.mesh.program("ctys"), "events", "--from", self.cursor, "-o", "jsonl"],
                env=self.mesh.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.file = open(name, "rb")
        self.rest = b""

    def read(self):
        """Takes the whole lines that are there. False when the watcher has ended by itself."""
        running = self.process.poll() is None
        lines = (self.rest + self.file.read()).split(b"\n")
        self.rest = lines.pop()
        self.lines += [line.decode() for line in lines]
        return running

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(PATIENCE_S)
        self.read()
        self.file.close()

    def read_until(self, done):
        deadline = Deadline(2 * PATIENCE_S + PUMP_S)
        while not done():
            if not self.read():
                # It found no broker in its first moment.
                self.end(signal.SIGKILL)
                self.begin()
            assert not deadline.over(), f"stands at {self.cursor} after {len(self.lines)} events"
            time.sleep(0.02)


def begin_pump(running_mesh, worker, count, seconds):
    return subprocess.Popen(
        [
            running_mesh.program("event_pump"),
            "ipc://" + running_mesh.path("run/broker/mesh"),
            worker,
            str(count),
            str(count // seconds if seconds else 0),
        ],
        env=running_mesh.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def pumped(lines, worker):
    """The numbers of the pump's events, in the order of the lines."""
    events = (json.loads(line) for line in lines)
    return [
        int(event["data"]["number"])
        for event in events
        if event["kind"] == "fact" and event.get("worker") == worker
    ]


def anonymous_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


class WatchTest(MeshCase):
    def dump(self):
        outcome = self.mesh.ctys("events", "--from", "beginning", "--no-follow", "-o", "jsonl")
        self.assertEqual(outcome.status, 0, outcome.err)
        return outcome.out.splitlines()

    def test_each_event_once_and_in_order_over_restarts_and_broker_kills(self):
        self.mesh.start_broker()
        watcher = RestartedWatcher(self.mesh)
        watcher.begin()
        pump = begin_pump(self.mesh, "pump", EVENTS, PUMP_S)
        kills = 0
        for turn in range(1, RESTARTS + 1):
            watcher.read_until(lambda: len(watcher.lines) >= turn * EVENTS // (RESTARTS + 2))
            if turn in BROKER_KILLS:
                kills += 1
                self.mesh.kill9("broker")
                self.mesh.start_broker()
            # A killed watcher leaves half a line at most: the cursor of the last whole one counts.
            watcher.end(signal.SIGTERM if turn % 2 else signal.SIGKILL)
            watcher.begin()
        report = json.loads(pump.communicate(timeout=2 * PATIENCE_S + PUMP_S)[0])
        self.assertEqual(report["acknowledged"], EVENTS)
        dump = self.dump()
        last = json.loads(dump[-1])["cursor"]
        watcher.read_until(lambda: any(f'"{last}"' in line for line in watcher.lines[-50:]))
        watcher.end(signal.SIGTERM)

        self.assertEqual(watcher.lines[: len(dump)], dump)
        self.assertEqual(pumped(dump, "pump"), list(range(1, EVENTS + 1)))
        self.assertNotIn('"gap"', "".join(dump))
        sequences = [int(json.loads(line)["cursor"].split("-")[1]) for line in dump]
        self.assertEqual(sequences, list(range(1, len(dump) + 1)))
        print(
            f"FIGURE restarted watcher: {len(dump)} events, {watcher.rounds - 1} restarts, "
            f"{kills} broker kills, pump {report}",
            flush=True,
        )

    def test_a_sleeping_watcher_costs_the_broker_nothing(self):
        broker = self.mesh.start_broker()
        # What the first run leaves in the allocator is not the watcher's.
        first = begin_pump(self.mesh, "first", EVENTS, 0)
        first.communicate(timeout=4 * PATIENCE_S)
        alone = anonymous_kib(broker.pid)
        watcher = RestartedWatcher(self.mesh)
        watcher.begin()
        watcher.read_until(lambda: len(pumped(watcher.lines[-1:], "first")) or len(watcher.lines) >= EVENTS)
        watcher.process.send_signal(signal.SIGSTOP)
        awake = anonymous_kib(broker.pid)
        second = begin_pump(self.mesh, "second", EVENTS, 35 if LONG else 0)
        report = json.loads(second.communicate(timeout=4 * PATIENCE_S)[0])
        asleep = anonymous_kib(broker.pid)
        watcher.process.send_signal(signal.SIGCONT)
        watcher.read_until(lambda: len(pumped(watcher.lines[-50:], "second")) > 0
                           and pumped(watcher.lines[-50:], "second")[-1] == EVENTS)
        watcher.end(signal.SIGTERM)

        print(
            f"FIGURE sleeping watcher: RssAnon {alone} KiB before it, {awake} KiB with it, {asleep} KiB "
            f"after {EVENTS} events it slept through (pump {report['seconds']} s)",
            flush=True,
        )
        self.assertEqual(report["acknowledged"], EVENTS)
        self.assertEqual(pumped(watcher.lines, "second"), list(range(1, EVENTS + 1)))
        if measuring():
            self.assertLessEqual(asleep - alone, 1024)


if __name__ == "__main__":
    main()
