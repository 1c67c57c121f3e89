"""State to disk: a guest that counts on its serial port goes on where it stood, whoever was restarted
meanwhile; what cannot be saved runs on."""

import json
import os
import re
import select
import subprocess

import mesh

# sti; prints A to Z over and over, a letter every four ticks of the clock (0.22 s).
mesh.GUESTS["counting"] = "FBBAF803B041EEB90400F4E2FDFEC03C5B72F3B041EBEF"


def next_letter(letter):
    return b"A" if letter == b"Z" else bytes([letter[0] + 1])


def snapshots(image):
    listed = subprocess.run(
        ["qemu-img", "snapshot", "-U", "-l", image], capture_output=True, text=True, check=True
    )
    return listed.stdout


class Suspend(mesh.MeshCase):
    def setUp(self):
        super().setUp()
        m = self.mesh
        self.config = m.make_vm("pool", "web", "counting", extra="IMAGEFORMAT=qcow2\n")
        self.image = m.path("pool", "web", "web.img")
        raw = m.path("raw.img")
        os.rename(self.image, raw)
        subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, self.image], check=True)
        m.make_vm("pool", "plain")
        self.start_mesh()
        m.wait_row("web")

    def start(self, *options):
        """The row of the running VM, and what its guest writes."""
        outcome = self.mesh.ctys(*(options or ("start", "web")))
        self.assertEqual(outcome.status, 0, outcome.err)
        row = self.mesh.wait_row("web", state="running")
        serial = open(os.path.join(os.path.dirname(row["sport"]), "serial.log"), "rb")
        self.addCleanup(serial.close)
        return row, serial

    def read_some(self, serial, count):
        deadline = mesh.Deadline(mesh.PATIENCE_S)
        found = b""
        while len(found) < count:
            found += serial.read()
            self.assertFalse(deadline.over(), f"the guest has only written {found}")
            select.select([], [], [], 0.02)
        return found

    def read_letters(self, serial, count):
        """The first of a VM that boots; the words of its firmware come before, its last ones between."""
        booted = b""
        while True:
            booted += self.read_some(serial, 1)
            letters = re.sub(rb"[^A-Z]", b"", booted.partition(b"Hard Disk")[2])
            if len(letters) >= count:
                return letters
            self.assertLess(len(booted), 2000, booted)

    def suspend(self):
        outcome = self.mesh.ctys("suspend", "web")
        self.assertEqual(outcome.status, 0, outcome.err)
        row = self.mesh.wait_row("web", state="suspended")
        self.assertEqual((row["pid"], row["reason"]), (0, "suspended"))

    def test_a_counter_goes_on_after_suspend_and_start(self):
        m = self.mesh
        _, serial = self.start()
        self.read_letters(serial, 5)
        self.suspend()
        before = serial.seek(-1, os.SEEK_END) and serial.read()
        self.assertIn("ctys-suspend", snapshots(self.image))
        self.assertTrue(os.path.exists(self.config + ".suspended"))
        for verb in ("kill", "shutdown", "pause"):
            outcome = m.ctys(verb, "web")
            self.assertEqual(outcome.status, 5, outcome.err)
            self.assertIn("suspended", outcome.err)
        by_hand = subprocess.run(
            [m.path("pool", "web", "web.sh")], env=m.environment, capture_output=True, text=True
        )
        self.assertEqual(by_hand.returncode, 5, by_hand.stderr)
        self.assertIn("ctys start web", by_hand.stderr)

        m.stop("w1")
        m.kill9("broker")
        self.start_mesh()
        m.wait_row("web", state="suspended")
        for again in (("start", "web"), ("resume", "web")):
            _, serial = self.start(*again)
            after = self.read_some(serial, 3)
            self.assertEqual(after[:1], next_letter(before), (before, after))
            self.assertNotIn("ctys-suspend", snapshots(self.image))
            self.assertFalse(os.path.exists(self.config + ".suspended"))
            self.suspend()
            before = serial.seek(-1, os.SEEK_END) and serial.read()

        _, serial = self.start("start", "web", "--discard-state")
        self.assertEqual(self.read_letters(serial, 3)[:3], b"ABC")
        self.assertNotIn("ctys-suspend", snapshots(self.image))

    def test_what_cannot_be_saved_runs_on(self):
        m = self.mesh
        m.start_vm("plain")
        outcome = m.ctys("suspend", "plain")
        self.assertEqual(outcome.status, 5, outcome.err)
        self.assertRegex(outcome.err, r"its disk \S+ \(.*plain\.img\) is raw")
        m.wait_row("plain", state="running")

    def test_a_rehearsal_refuses_what_cannot_be_saved(self):
        m = self.mesh
        m.start_vm("plain")
        for words in (("suspend", "plain", "--dry-run"), ("plan", "suspend", "plain")):
            outcome = m.ctys(*words)
            self.assertEqual(outcome.status, 5, outcome.out)
            self.assertIn("plain.img is raw", outcome.err)

    def test_resume_of_everything_starts_what_is_suspended(self):
        m = self.mesh
        self.start()
        m.start_vm("plain")
        self.suspend()
        self.assertEqual(m.ctys("pause", "plain").status, 0)

        alone = m.ctys("plan", "resume", "web")
        self.assertEqual(alone.status, 0, alone.err)
        self.assertIn("goes on from its saved state", alone.out)
        plan = m.ctys("plan", "resume", "--all", "--exit-code", "-o", "json")
        self.assertEqual(plan.status, 10, plan.err)
        steps = {step["label"]: step["verb"] for step in json.loads(plan.out)["steps"]}
        self.assertEqual(steps, {"web": "start", "plain": "resume"})

        resumed = m.ctys("resume", "--all", "--yes")
        self.assertEqual(resumed.status, 0, resumed.err)
        m.wait_row("web", state="running")
        m.wait_row("plain", state="running")
        self.assertNotIn("ctys-suspend", snapshots(self.image))
        for words in (("resume", "--all"), ("resume", "w:w1"), ("resume", "web")):
            again = m.ctys("plan", *words, "--exit-code")
            self.assertEqual(again.status, 0, again.out + again.err)

    def test_a_state_that_cannot_be_loaded_is_kept(self):
        m = self.mesh
        self.start()
        self.suspend()
        subprocess.run(["qemu-img", "snapshot", "-d", "ctys-suspend", self.image], check=True)
        outcome = m.ctys("start", "web")
        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertIn("ctys-suspend", outcome.err)  # QEMU's own words
        self.assertIn("--discard-state", outcome.err)
        m.wait_row("web", state="suspended")
        self.start("start", "web", "--discard-state")


if __name__ == "__main__":
    mesh.main()
