"""Snapshots of a running VM: a guest that counts on its serial port goes back to where it was saved; who was
paused stays so; what cannot be saved is told with the disk that cannot."""

import os
import re
import select
import subprocess

import mesh

# sti; prints A to Z over and over, a letter every four ticks of the clock (0.22 s).
mesh.GUESTS["counting"] = "FBBAF803B041EEB90400F4E2FDFEC03C5B72F3B041EBEF"


def after(letters):
    """The letter that follows."""
    last = letters[-1:]
    return b"A" if last == b"Z" else bytes([last[0] + 1])


def jump(letters):
    """Where the first letter stands that does not follow the one before; None."""
    for i in range(1, len(letters)):
        if letters[i:i + 1] != after(letters[:i]):
            return i
    return None


class Snapshot(mesh.MeshCase):
    def setUp(self):
        super().setUp()
        m = self.mesh
        m.make_vm("pool", "web", "counting", extra="IMAGEFORMAT=qcow2\n")
        self.image = m.path("pool", "web", "web.img")
        raw = m.path("raw.img")
        os.rename(self.image, raw)
        subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, self.image], check=True)
        m.make_vm("pool", "plain")

    def start(self):
        m = self.mesh
        self.start_mesh()
        m.wait_row("web")
        self.assertEqual(m.ctys("start", "web").status, 0)
        row = m.wait_row("web", state="running")
        serial = open(os.path.join(os.path.dirname(row["sport"]), "serial.log"), "rb")
        self.addCleanup(serial.close)
        booted = b""  # the words of the firmware come before the letters, its last ones between
        while len(re.sub(rb"[^A-Z]", b"", booted.partition(b"Hard Disk")[2])) < 4:
            booted += self.read_until(serial, lambda found: len(found) >= 1)
        return serial

    def ask(self, status, *arguments):
        outcome = self.mesh.ctys("snapshot", *arguments)
        self.assertEqual(outcome.status, status, outcome.out + outcome.err)
        return outcome

    def read_until(self, serial, enough):
        deadline = mesh.Deadline(mesh.PATIENCE_S)
        found = b""
        while not enough(found):
            found += serial.read()
            self.assertFalse(deadline.over(), f"the guest has only written {found}")
            select.select([], [], [], 0.02)
        return found

    def names(self):
        return [row["name"] for row in self.ask(0, "list", "web", "-o", "jsonl").rows]

    def test_a_counter_goes_back_to_where_it_was_saved(self):
        m = self.mesh
        serial = self.start()
        stream = m.events()
        self.read_until(serial, lambda found: len(found) >= 3)

        self.ask(0, "save", "web", "one")
        saved = stream.wait(kind="snapshot", label="web")
        self.assertEqual((saved["data"]["what"], saved["data"]["snapshot"]), ("saved", "one"))
        self.assertTrue(saved["data"]["took"])
        m.wait_row("web", state="running")
        self.assertEqual(self.names(), ["one"])
        row = self.ask(0, "list", "web", "-o", "jsonl").rows[0]
        self.assertTrue(row["whole"])
        self.assertGreater(row["state_bytes"], 100000)
        self.ask(5, "save", "web", "one")

        ahead = self.read_until(serial, lambda found: len(found) >= 12)
        self.ask(0, "revert", "web", "one")
        stream.wait(kind="reverted", label="web")
        m.wait_row("web", state="running")
        written = ahead[-1:]
        while jump(written) is None:
            written += self.read_until(serial, lambda found: len(found) >= 1)
        at = jump(written)
        ahead_by = (written[at] - written[at - 1]) % 26
        self.assertNotIn(ahead_by, (1, 2), written)  # no letter that was lost: it went back
        self.read_until(serial, lambda found: len(found) >= 3)  # and it goes on from there

        m.kill9("w1")  # an agent that is restarted finds what the disks hold
        m.start_agent("w1", "pool")
        m.wait_row("web", state="running")
        self.assertEqual(self.names(), ["one"])
        self.ask(0, "delete", "web", "one")
        self.assertEqual(self.names(), [])
        self.ask(3, "revert", "web", "one")
        listed = subprocess.run(
            ["qemu-img", "snapshot", "-U", "-l", self.image], capture_output=True, text=True, check=True
        )
        self.assertNotIn("one", listed.stdout)

    def test_a_vm_that_is_paused_stays_so(self):
        m = self.mesh
        serial = self.start()
        self.read_until(serial, lambda found: len(found) >= 2)
        self.ask(0, "save", "web")  # named after the time
        name = self.names()[0]
        self.assertRegex(name, r"^s-\d{8}-\d{6}$")
        self.assertEqual(m.ctys("pause", "web").status, 0)
        m.wait_row("web", state="paused")
        self.ask(0, "save", "web", "paused")
        m.wait_row("web", state="paused")
        self.ask(0, "revert", "web", name)
        m.wait_row("web", state="paused")
        serial.read()
        self.assertEqual(m.ctys("resume", "web").status, 0)
        self.read_until(serial, lambda found: len(found) >= 2)

    def test_what_cannot_be_saved_is_told_with_its_disk(self):
        m = self.mesh
        self.start_mesh()
        m.wait_row("plain")
        m.start_vm("plain")
        refused = self.ask(5, "save", "plain", "one")
        self.assertRegex(refused.err, r"its disk \S+ \(.*plain\.img\) is raw")
        m.wait_row("plain", state="running")
        for name in ("7", "ctys-suspend", "a b"):
            self.ask(2, "save", "plain", name)
        self.ask(2, "revert", "plain")
        self.ask(3, "delete", "plain", "one")


if __name__ == "__main__":
    mesh.main()
