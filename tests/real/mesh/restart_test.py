"""Brokers and agents die; machines and actions do not notice, and what happened meanwhile is told."""

import json
import os
import select
import signal
import socket
import threading

import mesh
from mesh import PATIENCE_S


def wait_gone(pid):
    """Until the process has ended; it need not be a child."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([fd], [], [], PATIENCE_S)[0], f"{pid} lives on"
    finally:
        os.close(fd)


class ResetCount(threading.Thread):
    """Counts the RESETs that a monitor of QEMU's own tells of."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.resets = 0
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(PATIENCE_S * 10)
        self.connection.connect(path)
        self.file = self.connection.makefile("rw")
        self.file.readline()
        self.file.write('{"execute": "qmp_capabilities"}\n')
        self.file.flush()
        self.start()

    def run(self):
        for line in self.file:
            event = json.loads(line)
            if event.get("event") == "RESET" and event["data"]["reason"] == "host-qmp-system-reset":
                self.resets += 1

    def close(self):
        """Ends when QEMU has: everything it told has been counted."""
        self.join(PATIENCE_S)
        self.file.close()
        self.connection.close()


class AgentDies(mesh.MeshCase):
    def test_no_machine_notices_and_all_are_adopted(self):
        labels = [f"m{number}" for number in range(10)]
        for label in labels:
            self.mesh.make_vm("pool", label, "polite")
        self.start_mesh()
        outcome = self.mesh.ctys("start", *labels)
        self.assertEqual(outcome.status, 0, outcome.err)
        before = {row["label"]: row for row in self.mesh.rows() if row["label"] in labels}
        self.assertEqual({row["state"] for row in before.values()}, {"running"})
        for row in before.values():
            self.mesh.wait_up(os.path.join(os.path.dirname(row["sport"]), "serial.log"))
        stream = self.mesh.events()
        stream.wait(kind="running", label="m9")

        self.mesh.kill9("w1")
        for row in before.values():
            self.assertTrue(mesh.alive(row["pid"]))
        os.kill(before["m0"]["pid"], signal.SIGKILL)
        with socket.socket(socket.AF_UNIX) as console:
            console.connect(before["m1"]["sport"])
            console.sendall(b"\x01csystem_powerdown\n")  # C-a c: from the serial port to the monitor
            wait_gone(before["m1"]["pid"])
        wait_gone(before["m0"]["pid"])
        after = stream.mark()
        begun = mesh.time.monotonic()
        self.mesh.start_agent("w1", "pool")

        killed = stream.wait(after=after, kind="stopped", label="m0")
        self.assertEqual((killed["by"], killed["evidence"]), ("signal", "exit-status"), killed)
        ended = stream.wait(after=after, kind="stopped", label="m1")
        self.assertEqual((ended["by"], ended["evidence"]), ("guest", "trace"), ended)
        for label in labels[2:]:
            row = self.mesh.wait_row(label, state="running", worker_state="alive", age_s=lambda age: age < 5)
            for same in ("pid", "uuid", "started", "owner", "managed"):
                self.assertEqual(row[same], before[label][same], row)
            self.assertTrue(mesh.alive(row["pid"]))
        mesh.figures("10 adopted after", [(mesh.time.monotonic() - begun) * 1000])
        stream.drain()
        ends = [event["label"] for event in stream.find(after, kind="stopped")]
        self.assertEqual(sorted(ends), ["m0", "m1"])
        # Adopted means that they obey again.
        outcome = self.mesh.ctys("shutdown", *labels[2:], "--timeout", "30s")
        self.assertEqual(outcome.status, 0, outcome.err)

    def test_one_that_ends_while_the_next_agent_comes_up_is_told_with_its_cause(self):
        self.mesh.make_vm("pool", "vm", "stubborn")
        self.start_mesh()
        pid = self.mesh.start_vm("vm")["pid"]
        shim = mesh.parent_of(pid)
        stream = self.mesh.events("--from", self.mesh.head())
        self.mesh.kill9("w1")
        # As one that is slow: it has not written how QEMU ended when the agent looks for that.
        os.kill(shim, signal.SIGSTOP)
        self.addCleanup(os.kill, shim, signal.SIGKILL)
        os.kill(pid, signal.SIGTERM)
        wait_gone(pid)

        self.mesh.start_agent("w1", "pool")

        ended = stream.wait(kind="stopped", label="vm")
        self.assertEqual((ended["by"], ended["evidence"]), ("signal", "stderr"), ended)

    def test_an_order_just_after_a_restart_is_done(self):
        self.mesh.make_vm("pool", "vm", "idle")
        self.start_mesh()
        pid = self.mesh.start_vm("vm")["pid"]
        for verb, state in (("pause", "paused"), ("resume", "running"), ("reset", "running")):
            self.mesh.kill9("w1")
            stream = self.mesh.events("--from", self.mesh.head())
            self.mesh.start_agent("w1", "pool", wait=False)
            stream.wait(kind="registered", worker="w1")

            # QEMU dials in again within a second; the order is older than that.
            outcome = self.mesh.ctys(verb, "vm", "--yes")

            self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
            self.assertEqual(self.mesh.wait_row("vm", state=state)["pid"], pid)


class BrokerDies(mesh.MeshCase):
    def test_a_shutdown_in_flight_ends_once_with_its_outcome(self):
        self.mesh.make_vm("pool", "vm", "stubborn")
        self.start_mesh()
        pid = self.mesh.start_vm("vm")["pid"]
        stream = self.mesh.events()
        after = stream.mark()
        waiting = self.mesh.ctys_begin("shutdown", "vm", "--deadline", "5s", "-o", "jsonl")
        action = stream.wait(after=after, kind="cut-announced", label="vm")["action"]
        announced = mesh.time.monotonic()

        self.mesh.kill9("broker")
        self.assertTrue(mesh.alive(pid))
        self.mesh.start_broker()
        wait_gone(pid)
        cut_after = mesh.time.monotonic() - announced
        outcome = self.mesh.ctys_end(waiting)

        mesh.figures("deadline of 5 s through a restart of the broker", [cut_after * 1000])
        self.assertEqual(outcome.status, 0, outcome.err)
        self.assertGreater(cut_after, 4.5)
        self.assertLess(cut_after, 6.5)
        journal = self.mesh.ctys("events", "--from", "beginning", "--no-follow", "-o", "jsonl").rows
        ended = [event for event in journal if event["action"] == action and event["kind"] == "ended"]
        self.assertEqual(len(ended), 1, ended)
        stopped = [event for event in journal if event["kind"] == "stopped"]
        self.assertEqual(len(stopped), 1, stopped)
        self.assertEqual(stopped[0]["by"], "host", stopped)
        self.assertEqual([event for event in journal if "gap" in event], [])

    def test_a_shutdown_in_flight_ends_from_what_its_new_agent_observes(self):
        self.mesh.make_vm("pool", "vm", "stubborn")
        self.start_mesh()
        pid = self.mesh.start_vm("vm")["pid"]
        stream = self.mesh.events()
        waiting = self.mesh.ctys_begin("shutdown", "vm", "--deadline", "5s", "-o", "jsonl")
        action = stream.wait(kind="cut-announced", label="vm")["action"]

        self.mesh.kill9("w1")
        self.mesh.start_agent("w1", "pool", wait=False)
        outcome = self.mesh.ctys_end(waiting)

        # Nothing is cut by an agent that cannot know how much of the deadline is over.
        self.assertEqual(outcome.status, 6, outcome.out + outcome.err)  # asking again harms nothing
        self.assertIn("restarted", outcome.err)
        self.assertIn("ctys shutdown vm", outcome.err)
        self.assertEqual(self.mesh.wait_row("vm", state="running")["pid"], pid)
        stream.wait(kind="ended", action=action)
        stream.drain()
        self.assertEqual(len(stream.find(kind="ended", action=action)), 1)

    def reset_through_restarts(self, role, rounds):
        monitor = self.mesh.path("qmp")
        extra = f'ARGSADD="-qmp unix:{monitor},server=on,wait=off"\n'
        self.mesh.make_vm("pool", "vm", "idle", extra=extra)
        self.start_mesh()
        self.mesh.start_vm("vm")
        counted = ResetCount(monitor)
        done = outcomes = 0
        for number in range(rounds):
            stream = self.mesh.events("--from", self.mesh.head())
            waiting = self.mesh.ctys_begin("reset", "vm", "--yes", "-o", "jsonl")
            # Killed as soon as it is durable, or as soon as it has begun.
            stream.wait(kind=("requested", "begun")[number % 2], label="vm")
            self.mesh.kill9(role)
            if role == "broker":
                self.mesh.start_broker()
            else:
                self.mesh.start_agent("w1", "pool", wait=False)
            outcome = self.mesh.ctys_end(waiting)
            self.assertIn(outcome.status, (0, 1, 6), outcome.err)
            if outcome.status == 0:
                done += 1
            elif outcome.status == 1:
                self.assertIn("indeterminate", outcome.out + outcome.err)
            outcomes += 1
            self.mesh.wait_row("vm", state="running", worker_state="alive")
            self.mesh.streams.remove(stream)
            stream.close()
        self.mesh.ctys("kill", "vm")
        counted.close()
        print(f"FIGURE {rounds} resets, {role} killed each time: {done} done, {counted.resets} RESETs")
        self.assertLessEqual(counted.resets, rounds)
        self.assertGreaterEqual(counted.resets, done)
        journal = self.mesh.ctys("events", "--from", "beginning", "--no-follow", "-o", "jsonl").rows
        ends = [event["action"] for event in journal if event["kind"] == "ended"]
        self.assertEqual(len(ends), len(set(ends)))

    def test_a_reset_is_never_done_twice_when_the_broker_dies(self):
        self.reset_through_restarts("broker", mesh.count(short=4, long=30))

    def test_a_reset_is_never_done_twice_when_the_agent_dies(self):
        self.reset_through_restarts("w1", mesh.count(short=4, long=30))


if __name__ == "__main__":
    mesh.main()
