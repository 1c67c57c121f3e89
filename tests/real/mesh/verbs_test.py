"""What people look with: wait, logs, console, watches, keys. Each says what it found, or why not, and ends
with the status of the table."""

import os
import pty
import select
import socket
import subprocess
import tty

import mesh
from mesh import PATIENCE_S


class Terminal:
    """A program with a terminal of its own for both directions."""

    def __init__(self, argv, environment):
        self.fd, inner = pty.openpty()
        tty.setraw(inner)  # nothing is echoed: what is read, the program wrote
        self.process = subprocess.Popen(
            argv, env=environment, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)
        self.seen = b""

    def type(self, text):
        os.write(self.fd, text)

    def wait(self, text):
        """Reads until the text has come; what was read before it counts no more."""
        deadline = mesh.Deadline(PATIENCE_S)
        while text not in self.seen:
            ready = select.select([self.fd], [], [], deadline.left())[0]
            assert ready, f"no {text!r} on the terminal: {self.seen!r}"
            self.seen += os.read(self.fd, 4096)
        self.seen = self.seen.partition(text)[2]

    def end(self):
        """Its exit status."""
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Verbs(mesh.MeshCase):
    def setUp(self):
        super().setUp()
        self.mesh.make_vm("pool", "web")
        self.start_mesh()
        self.mesh.wait_row("web")

    def refused(self, status, *arguments, names=""):
        outcome = self.mesh.ctys(*arguments)
        self.assertEqual(outcome.status, status, outcome.out + outcome.err)
        self.assertEqual(outcome.out, "")
        self.assertIn(f"ctys: {arguments[0]}", outcome.err)
        self.assertIn(names, outcome.err)
        return outcome.err

    def test_wait_ends_when_the_state_is_there(self):
        first = self.mesh.ctys_begin("wait", "web")
        deadline = mesh.Deadline(PATIENCE_S)
        while "vm=" + self.mesh.uuids["web"] not in self.mesh.ctys("watches").out:
            self.assertFalse(deadline.over(), "it does not watch")
        self.assertIsNone(first.poll())
        self.mesh.start_vm("web")

        outcome = self.mesh.ctys_end(first)

        self.assertEqual((outcome.status, outcome.out, outcome.err), (0, "web  running\n", ""))
        self.assertEqual(self.mesh.ctys("shutdown", "web", "--deadline", "40s").status, 0)
        stopped = self.mesh.ctys("wait", "web", "--state", "stopped")
        self.assertEqual((stopped.status, stopped.out), (0, "web  stopped\n"))

    def test_wait_refuses_what_it_cannot_wait_for_and_has_an_end(self):
        late = self.refused(124, "wait", "web", "--timeout", "1s", names="not running")
        self.assertIn("is stopped after", late)
        self.refused(2, "wait", "web", "--state", "bogus", names="--state stopped")
        self.refused(3, "wait", "nosuch")

    def test_logs_show_the_tail_of_the_console_and_how_it_ended(self):
        self.mesh.start_vm("web")

        running = self.mesh.ctys("logs", "web")

        self.assertEqual(running.status, 0, running.err)
        title, *lines = running.out.splitlines()
        self.assertRegex(title, r"^serial console \(/.*/serial\.log\)$")
        self.assertTrue(any(line.endswith("up") for line in lines), lines)  # behind the firmware's words
        self.assertEqual(self.mesh.ctys("kill", "web").status, 0)
        self.mesh.wait_row("web", state="stopped")
        stopped = self.mesh.ctys("logs", "web")
        self.assertEqual(stopped.status, 0, stopped.err)
        self.assertIn("ended by host", stopped.out)

    def test_logs_that_are_not_there_are_told(self):
        self.refused(3, "logs", "web", names="ctys events")
        self.refused(3, "logs", "nosuch")
        self.refused(2, "logs", "web", "--lines", "some")

    def console(self, label):
        terminal = Terminal([self.mesh.program("ctys"), "console", label], self.mesh.environment)
        self.addCleanup(terminal.close)
        terminal.wait(b"attached to " + label.encode())
        return terminal

    def test_console_carries_both_ways_and_is_left_without_harm(self):
        pid = self.mesh.start_vm("web")["pid"]
        terminal = self.console("web")
        terminal.type(b"\x01c")  # Ctrl-A C: QEMU's monitor on the same line
        terminal.wait(b"(qemu)")
        terminal.type(b"info status\r")
        terminal.wait(b"VM status: running")
        terminal.type(b"\x01c\x1d")

        self.assertEqual(terminal.end(), 0)
        self.assertEqual(self.mesh.wait_row("web", state="running")["pid"], pid)

        ended = self.console("web")
        self.assertEqual(self.mesh.ctys("kill", "web").status, 0)
        self.assertEqual(ended.end(), 0)

    def test_console_says_why_there_is_none(self):
        self.refused(5, "console", "web", names="try: ctys start web")
        self.refused(3, "console", "nosuch")
        self.mesh.start_vm("web")
        untold = self.refused(2, "console", "web", names="needs a terminal")
        self.assertNotIn("attached", untold)

    def test_console_of_a_foreign_machine_names_its_display(self):
        os.mkdir(self.mesh.path("elsewhere"))
        image = mesh.boot_image(self.mesh.path("elsewhere", "disk"), "idle")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        display = f"127.0.0.1:{port - 5900}"
        foreign = self.mesh.start_foreign("-name", "byhand", "-vnc", display, image=image)
        self.mesh.wait_row("byhand", pid=foreign.pid)

        said = self.refused(5, "console", "byhand", names="started by somebody else")

        self.assertIn(f"      its display is VNC {display}\n", said)
        self.assertIn("      try: ctys show byhand\n", said)
        self.assertEqual(self.mesh.ctys("show", "byhand").status, 0)

    def test_watches_tell_who_follows(self):
        stream = self.mesh.events("--from", "beginning", "--filter", "kind=registered")
        stream.wait(kind="registered")

        outcome = self.mesh.ctys("watches", "-o", "jsonl")

        self.assertEqual(outcome.status, 0, outcome.err)
        # Those of the harness, which were killed, are still among them for half a minute.
        rows = [row for row in outcome.rows if row["filter"] == "kind=registered"]
        self.assertEqual([row["role"] for row in rows], ["admin"], outcome.out)
        title, *lines = self.mesh.ctys("watches").out.splitlines()
        self.assertEqual(title.split(), ["ID", "PRINCIPAL", "AT", "LAG", "CREDIT", "SINCE", "FILTER"])
        ids = [line.split()[0] for line in lines if line.endswith("kind=registered")]
        self.assertEqual(ids, [str(rows[0]["id"])], lines)
        self.refused(2, "watches", "more", names="one word too many")

    def test_keys_list_counts_those_that_may_enter_and_names_what_is_broken(self):
        folder = self.mesh.path("keys")
        os.mkdir(folder, 0o700)
        secret = self.mesh.path("etc", "me.secret")
        made = self.mesh.ctys("keys", "generate", "--file", secret, "--name", "me", "--role", "viewer")
        self.assertEqual(made.status, 0, made.err)
        with open(os.path.join(folder, "me.pub"), "w") as file:
            file.write(made.out)
        with open(os.path.join(folder, "broken.pub"), "w") as file:
            file.write("key = 7\n")

        outcome = self.mesh.ctys("keys", "list", "--dir", folder)

        self.assertEqual(outcome.status, 0, outcome.err)
        self.assertRegex(outcome.out, r"(?m)^me +viewer ")
        self.assertIn("broken.pub", outcome.err)
        self.refused(2, "keys", "lsit", names="ctys keys generate|list")
        self.refused(5, "keys", "generate", "--file", secret)


class BrokerKeys(mesh.MeshCase):
    def test_the_command_a_broker_without_keys_proposes_is_the_one_that_helps(self):
        folder = self.mesh.path("state", "broker", "keys")
        argv = [self.mesh.program("ctys-broker"), "--mesh", "tcp://127.0.0.1:*"]
        refused = subprocess.run(
            argv, env=self.mesh.environment, capture_output=True, text=True, timeout=PATIENCE_S
        )
        self.assertEqual(refused.returncode, 3, refused.stderr)
        command = refused.stderr.rpartition("try: ")[2].strip()

        path = self.mesh.binaries + ":" + self.mesh.environment["PATH"]
        made = subprocess.run(
            ["sh", "-c", command],
            env=dict(self.mesh.environment, PATH=path),
            cwd=self.mesh.path("etc"),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

        self.assertEqual(made.returncode, 0, command + "\n" + made.stderr)
        self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)
        with open(self.mesh.path("etc", "broker.pub")) as file:
            self.assertIn("key = ", file.read())
        self.mesh.environment["CTYS_MESH_LISTEN"] = "tcp://127.0.0.1:*"
        self.mesh.start_broker()


if __name__ == "__main__":
    mesh.main()
