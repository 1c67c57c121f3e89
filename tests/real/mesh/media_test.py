"""Media change while the VM runs: what QEMU's drives hold is listed from the inventory, changed and ejected,
and told as events; a guest that has locked its tray is asked first."""

import os

import mesh

# Three times, since the first command after a change is answered by that change: select the drive at the
# second IDE channel, PACKET, PREVENT MEDIUM REMOVAL. Then it is up and stands.
mesh.GUESTS["locking"] = (
    "FAB90300"
    "BA7601B0A0EE" "BA7701B0A0EE" "ECA80874FB"
    "BA7001B81E00EF31C0EFB80100EF31C0EFEFEF" "BA7701ECA88075FB" "E2D2"
    + mesh._SAY_UP + "F4EBFD"
)
DRIVE = "-drive media=cdrom,index=2,readonly=on,format=raw,file=$CTYSWRAPPERPATH/a.iso"


class Media(mesh.MeshCase):
    def make(self, label, guest="polite", extra=""):
        self.mesh.make_vm("pool", label, guest, extra=f'ARGSADD="{DRIVE}"\n{extra}')
        for name in ("a.iso", "b.iso"):
            with open(self.mesh.path("pool", label, name), "wb") as image:
                image.truncate(1 << 20)
        return self.mesh.path("pool", label)

    def start(self, label):
        self.start_mesh()
        self.mesh.wait_row(label)
        self.mesh.start_vm(label)

    def ask(self, status, *arguments):
        outcome = self.mesh.ctys("media", *arguments)
        self.assertEqual(outcome.status, status, outcome.out + outcome.err)
        return outcome

    def drive(self, label):
        rows = self.ask(0, "list", label, "-o", "jsonl").rows
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def test_a_cd_is_changed_and_ejected_while_its_vm_runs(self):
        m = self.mesh
        folder = self.make("web")
        self.start("web")
        row = self.drive("web")
        self.assertEqual(
            (row["drive"], row["tray"], row["locked"], row["image"]),
            ("ide2-cd0", "closed", False, f"{folder}/a.iso"),
        )
        stream = m.events()
        stream.wait(kind="running", label="web")

        self.ask(0, "change", "web", "ide2-cd0", f"{folder}/b.iso")
        opened = stream.wait(kind="tray-moved", label="web")
        self.assertEqual((opened["text"], opened["data"]["tray"]), ("ide2-cd0 is open", "open"))
        changed = stream.wait(kind="medium-changed", label="web")
        self.assertEqual(changed["data"], {
            "drive": "ide2-cd0", "image": f"{folder}/b.iso", "was": f"{folder}/a.iso"})
        stream.wait(kind="ended", label="web", action=changed["action"])
        self.assertEqual(self.drive("web")["image"], f"{folder}/b.iso")
        self.assertEqual(self.drive("web")["tray"], "closed")

        self.ask(0, "eject", "web")
        self.assertEqual((self.drive("web")["image"], self.drive("web")["tray"]), (None, "open"))
        self.ask(0, "change", "web", "a.iso")  # beside its configuration, into its only drive
        self.assertEqual(self.drive("web")["image"], f"{folder}/a.iso")
        table = self.ask(0, "list", "web").out
        self.assertRegex(table, r"ide2-cd0 +closed +no +/\S+/a\.iso\n")

        # An agent that is restarted finds what the drive holds.
        m.kill9("w1")
        m.start_agent("w1", "pool")
        m.wait_row("web", state="running")
        self.assertEqual(self.drive("web")["image"], f"{folder}/a.iso")
        self.ask(0, "eject", "web")
        m.wait_row("web", state="running")

    def test_what_cannot_go_in_is_refused_in_words(self):
        m = self.mesh
        folder = self.make("web")
        self.mesh.make_vm("pool", "plain")
        os.mkdir(f"{folder}/directory.iso")
        self.start("web")

        missing = self.ask(3, "change", "web", f"{folder}/none.iso")
        self.assertIn(f"{folder}/none.iso", missing.err)
        other = self.ask(1, "change", "web", "directory.iso")
        self.assertIn("neither a regular file nor a block device", other.err)
        drive = self.ask(3, "eject", "web", "floppy0")
        self.assertIn("it has no drive floppy0; it has ide2-cd0", drive.err)
        self.ask(2, "change", "web")
        self.ask(2, "burn", "web")
        self.ask(5, "list", "plain")
        m.start_vm("plain")
        self.assertIn("no drive", self.ask(5, "eject", "plain").err)
        # Whatever an image says it is: no other file of the host is opened for it.
        with open(f"{folder}/b.iso", "wb") as image:
            image.write(b"QFI\xfb\0\0\0\3".ljust(1 << 16, b"\0"))
        self.ask(0, "change", "web", "b.iso")
        self.assertEqual(self.drive("web")["image"], f"{folder}/b.iso")

    def test_a_guest_that_keeps_its_tray_locked_is_asked_and_opens_by_force_only(self):
        self.make("web", "locking", "MACHINE=pc\n")
        self.start("web")
        name = self.drive("web")["drive"]

        locked = self.ask(5, "eject", "web")
        self.assertIn(f"its guest has locked the tray of {name}", locked.err)
        self.assertIn("--force", locked.err)
        self.assertTrue(self.drive("web")["locked"])
        self.assertIsNotNone(self.drive("web")["image"])
        self.ask(0, "eject", "web", "--force")
        self.assertIsNone(self.drive("web")["image"])


if __name__ == "__main__":
    mesh.main()
