"""Wrappers that people run by hand ask the agent of their machine first, and `list --local` does too."""

import contextlib
import os
import pty
import random
import select
import signal
import subprocess
import termios

import mesh
from hostile_test import RawPeer, mutated, zmtp_frame


class ByHand(mesh.MeshCase):
    def run_wrapper(self, label, *options):
        """Runs the wrapper as a person would; its output is read at its end."""
        process = subprocess.Popen(
            ["bash", self.mesh.path("pool", label, label + ".sh"), *options],
            env=self.mesh.environment,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.addCleanup(process.stderr.close)
        self.mesh.foreign.append(process)
        return process

    def refused(self, label, *options):
        process = self.run_wrapper(label, *options)
        _, said = process.communicate(timeout=mesh.PATIENCE_S)
        self.assertEqual(process.returncode, 5, said)
        self.assertEqual(self.mesh.own_processes(label + ".img"), [])
        return said

    def wait_alone(self, process):
        """The line in which a start says that it has no lease."""
        deadline = mesh.Deadline(mesh.PATIENCE_S)
        while not deadline.over():
            line = process.stderr.readline()
            if "without a lease" in line:
                return line
        raise AssertionError("it says nothing of a lease")

    def test_a_start_by_hand_holds_the_lease_until_it_ends(self):
        self.mesh.make_vm("pool", "web", "polite")
        self.start_mesh()
        stream = self.mesh.events()
        self.run_wrapper("web")

        begun = stream.wait(kind="begun", label="web")
        ended = stream.wait(kind="ended", label="web", action=begun["action"])
        self.assertIn("by hand", ended["text"])
        row = self.mesh.wait_row("web", state="running")
        started = self.mesh.ctys("start", "web")
        self.assertEqual(started.status, 5, started.out + started.err)
        self.assertIn(str(row["pid"]), started.err)

        os.kill(row["pid"], signal.SIGKILL)
        self.mesh.wait_row("web", state="stopped")
        self.mesh.start_vm("web")

    def test_a_start_by_hand_of_what_runs_names_its_holder(self):
        self.mesh.make_vm("pool", "web", "idle")
        self.start_mesh()
        pid = self.mesh.start_vm("web")["pid"]

        process = self.run_wrapper("web")
        _, said = process.communicate(timeout=mesh.PATIENCE_S)

        self.assertEqual(process.returncode, 5, said)
        self.assertIn(f"pid {pid}", said)
        self.assertEqual(self.mesh.own_processes("web.img"), [pid])

    def test_a_wrapper_that_dies_before_qemu_gives_its_lease_back(self):
        # The grant comes, and then QEMU cannot be executed.
        binary = self.mesh.path("qemu-broken")
        with open(binary, "w") as file:
            file.write("no program\n")
        os.chmod(binary, 0o755)
        self.mesh.make_vm("pool", "web", "idle")
        self.start_mesh()
        stream = self.mesh.events()

        process = self.run_wrapper("web", "--startercall=" + binary)
        _, said = process.communicate(timeout=mesh.PATIENCE_S)

        self.assertNotEqual(process.returncode, 0, said)
        begun = stream.wait(kind="begun", label="web")
        ended = stream.wait(kind="ended", label="web", action=begun["action"])
        self.assertIn("without starting QEMU", ended["text"])
        self.mesh.start_vm("web")

    def test_without_a_broker_a_local_pool_starts_alone(self):
        self.mesh.make_vm("pool", "web", "idle")
        self.start_mesh()
        self.mesh.kill9("broker")
        # The agent finds out that its broker is away; until then it waits for the answer.
        self.assertIn("no broker answers", self.wait_alone(self.run_wrapper("web")))

        self.mesh.start_broker()
        row = self.mesh.wait_row("web", state="running", worker="w1")
        refused = self.mesh.ctys("start", "web")
        self.assertEqual(refused.status, 5, refused.err)
        self.assertIn(str(row["pid"]), refused.err)

    def test_without_an_agent_it_says_so_and_goes_on(self):
        self.mesh.make_vm("pool", "web", "idle")
        self.assertIn("no agent answers", self.wait_alone(self.run_wrapper("web")))


class AtATerminal(mesh.MeshCase):
    """`--console=CLI0`: the console is on the terminal of the caller, and ends with it."""

    def start(self, *options):
        self.mesh.make_vm("pool", "web", "idle")
        self.terminal, screen = pty.openpty()
        self.addCleanup(os.close, self.terminal)
        self.before = termios.tcgetattr(screen)
        program = ["setsid", "--ctty", "bash", self.mesh.path("pool", "web", "web.sh"), *options]
        process = subprocess.Popen(program, env=self.mesh.environment, cwd="/", stdin=screen, stdout=screen,
                                   stderr=screen)
        self.screen = screen
        self.addCleanup(self.close_screen)
        self.mesh.foreign.append(process)
        self.seen = ""
        return process

    def close_screen(self):
        with contextlib.suppress(OSError):
            os.close(self.screen)

    def read_until(self, wanted):
        deadline = mesh.Deadline(mesh.PATIENCE_S)
        while wanted not in self.seen:
            assert not deadline.over(), f"{wanted!r} does not come: {self.seen!r}"
            if select.select([self.terminal], [], [], 1)[0]:
                self.seen += os.read(self.terminal, 4096).decode(errors="replace")
        before, _, self.seen = self.seen.partition(wanted)
        return before

    def test_guest_and_monitor_are_spoken_to_and_the_terminal_is_left_as_it_was(self):
        process = self.start("--console=CLI0")
        self.read_until("up")
        self.assertEqual(termios.tcgetattr(self.screen)[3] & termios.ECHO, 0)
        os.write(self.terminal, b"\x03\x01cinfo name\r")  # Ctrl-C is the guest's
        self.read_until("info name")
        self.read_until("web")
        os.write(self.terminal, b"quit\r")
        self.assertEqual(process.wait(mesh.PATIENCE_S), 0)
        self.assertEqual(termios.tcgetattr(self.screen), self.before)

    def test_nographic_of_a_configuration_is_the_terminal_too(self):
        process = self.start("--argsadd=-nographic")
        self.read_until("up")
        self.assertEqual(termios.tcgetattr(self.screen)[3] & termios.ECHO, 0)
        os.write(self.terminal, b"\x01x")
        self.assertEqual(process.wait(mesh.PATIENCE_S), 0)
        self.assertEqual(termios.tcgetattr(self.screen), self.before)

    def test_a_terminal_that_closes_asks_the_guest_to_end(self):
        process = self.start("--console=CLI0")
        self.read_until("up")
        process.send_signal(signal.SIGHUP)
        self.read_until("web is asked to end by its power button")
        process.terminate()
        self.read_until("the power of web is cut")
        self.assertEqual(process.wait(mesh.PATIENCE_S), 0)
        self.assertEqual(termios.tcgetattr(self.screen), self.before)

    def test_without_that_word_a_terminal_is_no_console(self):
        process = self.start()
        self.read_until("console ")
        folder = os.path.dirname(self.read_until(", log"))
        self.mesh.wait_up(os.path.join(folder, "serial.log"))
        self.assertNotEqual(termios.tcgetattr(self.screen)[3] & termios.ECHO, 0)
        process.terminate()
        self.read_until("web is asked to end by its power button")
        process.terminate()
        self.assertEqual(process.wait(mesh.PATIENCE_S), 0)


class Local(mesh.MeshCase):
    def test_the_agent_tells_what_it_knows_without_a_broker(self):
        for label in ("runs", "waits", "rests"):
            self.mesh.make_vm("pool", label, "idle")
        self.start_mesh()
        pid = self.mesh.start_vm("runs")["pid"]
        self.mesh.start_vm("waits")
        self.assertEqual(self.mesh.ctys("pause", "waits").status, 0)
        self.mesh.kill9("broker")

        local = self.mesh.ctys("list", "--local", "-o", "jsonl")

        self.assertEqual(local.status, 0, local.err)
        rows = {row["label"]: row for row in local.rows}
        states = {label: rows[label]["state"] for label in ("runs", "waits", "rests")}
        self.assertEqual(states, {"runs": "running", "waits": "paused", "rests": "stopped"})
        self.assertEqual((rows["runs"]["pid"], rows["runs"]["worker"]), (pid, "w1"))
        self.assertEqual((rows["runs"]["arch"], rows["runs"]["vcpus"]), ("x86_64", 1))
        self.assertTrue(rows["runs"]["managed"])
        # An agent that is stopped answers nothing; its program is asked then.
        os.kill(self.mesh.processes["w1"].pid, signal.SIGSTOP)
        local = self.mesh.ctys("list", "--local", "-o", "jsonl")
        os.kill(self.mesh.processes["w1"].pid, signal.SIGCONT)
        self.assertEqual(local.status, 0, local.err)
        self.assertEqual({row["label"]: row["pid"] for row in local.rows}["runs"], pid)

    def test_no_bytes_end_the_agent(self):
        self.mesh.make_vm("pool", "web", "idle")
        self.start_mesh()
        agent = self.mesh.processes["w1"]
        path = self.mesh.path("run", "agent-w1", "agent.sock")
        seed = int.from_bytes(os.urandom(4), "big")
        randomness = random.Random(seed)
        print("seed", seed)
        for number in range(mesh.count(short=200, long=5000)):
            peer = RawPeer(path, greets=number % 4 != 0)
            for _ in range(4):
                size = randomness.choice((0, 1, 8, 64, 4096, 70000))
                peer.send(zmtp_frame(mutated(randomness.randbytes(size), randomness)))
            peer.close()
        self.assertIsNone(agent.poll(), self.mesh.log("w1"))
        local = self.mesh.ctys("list", "--local", "-o", "jsonl")
        self.assertEqual([row["label"] for row in local.rows if row["label"] == "web"], ["web"])


if __name__ == "__main__":
    mesh.main()
