"""A machine goes down: its VMs are stopped by their policy, with an agent, with one that hangs and
without any, with a broker and without. And it is up again: what should run is started.

Each machine is a process and mount namespace, so that a stop finds the VMs of this test and no others."""

import os
import signal
import subprocess
import unittest

import mesh
from machine import Machine, possible


@unittest.skipUnless(possible(), "needs root and namespaces")
class HostStop(mesh.MeshCase):
    def setUp(self):
        super().setUp()
        self.machine = Machine(self.mesh)
        self.addCleanup(self.machine.close)

    def start_agent(self, *options):
        """Returns its process, seen from here."""
        self.machine.start_agent("w1", "pool", *options)
        return self.agent_pid()

    def agent_pid(self):
        pids = self.mesh.own_processes("--name", "w1", "--pool", program="ctys-agent")
        # A child of its that is about to become another program still looks like it.
        agents = [pid for pid in pids if mesh.parent_of(pid) not in (0, *pids)]
        self.assertEqual(len(agents), 1, self.mesh.log("w1"))
        return agents[0]

    def begin(self, machines, *options):
        """A mesh in which these run: (label, guest, lines of its configuration)."""
        os.makedirs(self.mesh.path("pool"), exist_ok=True)
        for label, guest, extra in machines:
            self.mesh.make_vm("pool", label, guest, extra=extra)
        self.mesh.start_broker()
        agent = self.start_agent(*options)
        for label, _, _ in machines:
            self.mesh.wait_row(label)  # its hello comes before what its pool holds
            self.mesh.start_vm(label)
        return agent

    def begin_stop(self, *options):
        return subprocess.Popen(
            self.machine.inside(self.mesh.program("ctys-agent"), "--stop-guests", "--name", "w1",
                                "--pool", self.mesh.path("pool"), *options),
            env=self.mesh.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def end_stop(self, process):
        """Its output and status."""
        try:
            said, _ = process.communicate(timeout=mesh.PATIENCE_S * 3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise AssertionError("the stop does not end") from None
        return said, process.returncode

    def stop_guests(self, *options):
        return self.end_stop(self.begin_stop(*options))

    def running(self, label):
        return len(self.mesh.own_processes(label + ".img")) == 1

    def wait_end(self, role):
        process = self.mesh.processes.pop(role)
        return process.wait(mesh.PATIENCE_S)

    def ending(self, label):
        """Of the last end of a VM in the journal."""
        rows = self.mesh.ctys("events", "--from", "beginning", "--no-follow", "-o", "jsonl").rows
        ends = [row for row in rows if row["kind"] == "stopped" and row["label"] == label]
        return (ends[-1]["by"], ends[-1]["text"]) if ends else None

    def told(self, kind):
        rows = self.mesh.ctys("events", "--from", "beginning", "--no-follow", "-o", "jsonl").rows
        return [row for row in rows if row["kind"] == kind]

    def test_sigterm_stops_them_by_their_policy_where_it_is_told_so(self):
        agent = self.begin(
            [("polite", "polite", ""),
             ("stubborn", "stubborn", '#@#GRACE = "4s"\n'),
             ("stays", "polite", '#@#ONSTOP = "leave"\n'),
             ("cut", "polite", '#@#ONSTOP = "kill"\n')],
            "--on-stop=guests", "--stop-deadline=50s")
        stream = self.mesh.events()

        os.kill(agent, signal.SIGTERM)
        stream.wait(kind="cut-announced", label="stubborn")
        refused = self.mesh.ctys("start", "polite")
        status = self.mesh.ctys("status")
        os.kill(agent, signal.SIGTERM)
        os.kill(agent, signal.SIGINT)
        self.assertEqual(self.wait_end("w1"), 0, self.mesh.log("w1"))

        self.assertEqual(refused.status, 5, refused.err)
        self.assertIn("w1: its VMs are being stopped with their machine", status.out)
        log = self.mesh.log("w1", lines=200)
        self.assertRegex(log, r"waiting for .*stubborn \(cut in")
        self.assertIn("1 by themselves, 2 cut, 1 spared", log)
        self.assertFalse(self.running("polite") or self.running("stubborn") or self.running("cut"))
        self.assertTrue(self.running("stays"))
        self.assertEqual(self.ending("polite")[0], "guest")
        self.assertIn("power cut at its 4.0 s deadline", self.ending("stubborn")[1])
        self.assertEqual(self.ending("cut")[0], "host")
        stopping = {row["label"]: row["text"] for row in self.told("stopping")}
        self.assertEqual(stopping, {"polite": "host stops", "stubborn": "host stops", "cut": "host stops"})
        self.assertEqual([row["data"]["phase"] for row in self.told("host-stop")], ["begun", "done"])

    def test_sigterm_touches_nothing_unless_it_is_told_so(self):
        agent = self.begin([("polite", "polite", '#@#ONSTOP = "kill"\n')])

        os.kill(agent, signal.SIGTERM)

        self.assertEqual(self.wait_end("w1"), 0)
        self.assertIn(" ended ", self.mesh.ctys("workers").out)
        self.assertTrue(self.running("polite"))
        self.assertEqual(self.told("stopping"), [])

    def test_an_agent_that_was_never_here_stops_nothing(self):
        self.begin([("polite", "polite", "")])

        said = subprocess.run(
            self.machine.inside(self.mesh.program("ctys-agent"), "--stop-guests", "--name", "nosuch"),
            env=self.mesh.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=mesh.PATIENCE_S, check=False)

        self.assertEqual(said.returncode, 3, said.stdout + said.stderr)
        self.assertIn("no agent nosuch has run here", said.stderr)
        self.assertIn("known: w1", said.stderr)
        for folder in ("state", "run"):
            self.assertFalse(os.path.exists(self.mesh.path(folder, "agent-nosuch")))
        self.assertTrue(self.running("polite"))

    def test_a_running_agent_is_asked_and_tells_how_far_it_is(self):
        agent = self.begin([("polite", "polite", ""), ("stubborn", "stubborn", '#@#GRACE = "3s"\n')])

        said, status = self.stop_guests()

        self.assertEqual(status, 0, said)
        for words in ("host stops: 2 VMs run here", "polite: asked to end", "polite: ended by guest",
                      "stubborn: ended by host: power cut at its 3.0 s deadline by quit",
                      "1 by themselves, 1 cut"):
            self.assertIn(words, said)
        self.assertFalse(self.running("polite") or self.running("stubborn"))
        self.assertEqual(self.agent_pid(), agent)
        self.mesh.start_vm("polite")

    def test_an_agent_that_is_ended_right_behind_its_machines_has_told_of_it(self):
        agent = self.begin([("polite", "polite", "")])
        process = self.begin_stop()

        # As a service manager does it; the rest of the output is read later.
        while "guests stopped in" not in (line := process.stdout.readline()):
            self.assertTrue(line, "the stop has ended without a word")
        os.kill(agent, signal.SIGTERM)
        self.assertEqual(self.wait_end("w1"), 0)

        self.assertEqual(self.end_stop(process)[1], 0)
        self.assertEqual(self.ending("polite")[0], "guest")
        self.assertEqual([row["data"]["phase"] for row in self.told("host-stop")], ["begun", "done"])

    def test_a_hung_agent_does_not_stop_it(self):
        agent = self.begin([("polite", "polite", ""), ("stubborn", "stubborn", '#@#GRACE = "3s"\n')])
        os.kill(agent, signal.SIGSTOP)

        said, status = self.stop_guests()

        self.assertEqual(status, 0, said)
        self.assertIn("it is ended, and its work done here", said)
        self.assertFalse(mesh.alive(agent))
        # nsenter stops with its child.
        os.kill(self.mesh.processes["w1"].pid, signal.SIGCONT)
        self.wait_end("w1")
        self.assertFalse(self.running("polite") or self.running("stubborn"))
        self.start_agent()
        self.mesh.wait_row("polite", state="stopped")
        self.mesh.wait_row("stubborn", state="stopped")
        self.assertEqual(self.ending("polite")[0], "guest")
        self.assertIn("power cut at its 3.0 s deadline", self.ending("stubborn")[1])

    def test_an_agent_that_hangs_in_the_middle_is_relieved(self):
        agent = self.begin([("polite", "polite", ""), ("stubborn", "stubborn", '#@#GRACE = "4s"\n')])
        stream = self.mesh.events()
        process = self.begin_stop()
        stream.wait(kind="cut-announced", label="stubborn")
        os.kill(agent, signal.SIGSTOP)

        said, status = self.end_stop(process)

        self.assertEqual(status, 0, said)
        self.assertIn("it is ended, and its work done here", said)
        self.assertFalse(self.running("polite") or self.running("stubborn"))
        os.kill(self.mesh.processes["w1"].pid, signal.SIGCONT)
        self.wait_end("w1")
        self.start_agent()
        self.mesh.wait_row("stubborn", state="stopped")
        self.assertIn("power cut at its 4.0 s deadline", self.ending("stubborn")[1])

    def test_neither_agent_nor_broker_is_needed(self):
        agent = self.begin([("polite", "polite", ""), ("stubborn", "stubborn", "")])
        os.kill(agent, signal.SIGKILL)
        self.wait_end("w1")
        self.mesh.kill9("broker")
        foreign = mesh.boot_image(self.mesh.path("foreign.img"), "idle")
        byhand = subprocess.Popen(
            self.machine.inside(mesh.QEMU, "-machine", "q35,accel=tcg", "-m", "16", "-display", "none",
                                "-name", "byhand", foreign),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.mesh.foreign.append(byhand)
        deadline = mesh.Deadline(mesh.PATIENCE_S)
        while not self.running("foreign") and not deadline.over():
            pass

        said, status = self.stop_guests("--stop-deadline=8s")

        self.assertEqual(status, 8, said)
        self.assertIn("byhand: left running: cannot be asked", said)
        self.assertFalse(self.running("polite") or self.running("stubborn"))
        self.assertTrue(self.running("foreign"))
        self.mesh.start_broker()
        self.start_agent()
        self.mesh.wait_row("polite", state="stopped")
        self.mesh.wait_row("stubborn", state="stopped")
        self.assertEqual(self.ending("polite")[0], "guest")
        self.assertEqual(self.ending("stubborn")[0], "host")
        self.assertEqual([row["data"]["phase"] for row in self.told("host-stop")], ["begun", "done"])

    def test_what_should_run_is_started_when_the_machine_is_up_again(self):
        os.makedirs(self.mesh.path("pool"))
        self.mesh.make_vm("pool", "web", "polite", extra='#@#ONBOOT = "start"\n#@#STARTAFTER = "db"\n')
        self.mesh.make_vm("pool", "rests", "polite", extra='#@#ONBOOT = "like-before"\n')
        self.begin([("db", "polite", '#@#ONBOOT = "like-before"\n'), ("other", "polite", "")])
        # An agent that knows of no boot takes this one for a new one.
        row = self.mesh.wait_row("web", state="running")
        self.mesh.wait_up(os.path.join(os.path.dirname(row["sport"]), "serial.log"))
        said, status = self.stop_guests()
        self.assertEqual(status, 0, said)
        os.kill(self.agent_pid(), signal.SIGTERM)
        self.wait_end("w1")
        stream = self.mesh.events("--from", self.mesh.head())

        self.machine.boot()
        self.start_agent()

        stream.wait(kind="running", label="web")
        order = [row["label"] for row in stream.find(kind="running")]
        self.assertEqual(order, ["db", "web"])
        for label in ("db", "web"):
            row = self.mesh.wait_row(label, state="running", owner="ctys")
            self.mesh.wait_up(os.path.join(os.path.dirname(row["sport"]), "serial.log"))
        os.kill(self.agent_pid(), signal.SIGTERM)
        self.wait_end("w1")
        self.assertEqual(self.mesh.ctys("events", "--no-follow").status, 0)
        # Once in a boot: what was shut down meanwhile stays down.
        self.start_agent()
        self.assertEqual(self.mesh.ctys("shutdown", "web").status, 0)
        os.kill(self.agent_pid(), signal.SIGTERM)
        self.wait_end("w1")
        self.start_agent()
        self.mesh.wait_row("db", state="running", worker_state="alive")
        self.mesh.ctys("scan", "w1")
        self.assertFalse(self.running("web") or self.running("other") or self.running("rests"))


if __name__ == "__main__":
    mesh.main()
