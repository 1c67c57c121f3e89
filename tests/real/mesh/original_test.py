"""A directory as ctys-createConfVM of 2010 left it is listed, checked and booted as it is; the wrapper in it is
never executed, and where somebody has edited it the start is refused with the lines."""

import os
import shutil
import subprocess
import unittest

import mesh

SAMPLES = os.path.join(mesh.ROOT, "tests/support/original")
UUID = "f1b2e9a0-7c5d-4e53-9a57-2f5b41c9d253"


def sample(name):
    with open(os.path.join(SAMPLES, name)) as file:
        return file.read()


class Original(mesh.MeshCase):
    def make_original(self, edit=""):
        """Configuration, wrapper and image, as the original names them. The framework that the wrapper asks
        for is there, and tells when it is loaded."""
        folder = self.mesh.path("pool", "tst253")
        os.makedirs(folder)
        mesh.boot_image(os.path.join(folder, "hda.img"), "polite")
        for name, text in (("tst253.ctys", sample("configuration.txt")),
                           ("tst253.sh", sample("wrapper.txt") + edit)):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        os.chmod(os.path.join(folder, "tst253.sh"), 0o755)
        os.makedirs(self.mesh.path("framework/lib"))
        with open(self.mesh.path("framework/lib/base.sh"), "w") as file:
            file.write(f"touch {self.mesh.path('executed')}\n")
        return folder

    def make_switch(self):
        """What the configuration's WRAPPERCALL=vdeq attaches the VM to; the system's qemu.conf names it."""
        if not shutil.which("vde_switch"):
            print("vde_switch is not installed: the VM gets NETWORK=none from qemu.conf")
            settings = "NETWORK=none\n"
        else:
            data = self.mesh.path("switch")
            # Its socket is there when its parent ends; it ends with whatever names the mesh's folder.
            subprocess.run(["vde_switch", "-s", data, "-d"], check=True, stdin=subprocess.DEVNULL,
                           timeout=mesh.PATIENCE_S)
            settings = f"QEMUSOCK={data}\n"
        with open(self.mesh.path("etc", "qemu.conf"), "w") as file:
            file.write(settings)

    def by_hand(self, *options):
        return subprocess.run(
            [self.mesh.program("ctys-qemu-call"), "--wrapper", self.mesh.path("pool/tst253/tst253.ctys"), *options],
            env={**self.mesh.environment, "CTYS_LIBPATH": self.mesh.path("framework")},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=mesh.PATIENCE_S)

    def nothing_was_executed(self):
        self.assertFalse(os.path.exists(self.mesh.path("executed")))

    def test_it_is_listed_checked_and_booted_as_it_is(self):
        self.make_original()
        self.make_switch()
        self.start_mesh()
        listed = self.mesh.wait_row("tst253", state="stopped")
        self.assertEqual((listed["uuid"], listed["mac"]), (UUID, "00:50:56:13:12:53"))
        self.assertEqual(listed["id"], self.mesh.path("pool/tst253/tst253.ctys"))

        checked = self.by_hand("--print", "--check")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn("-localtime is gone", checked.stderr)
        self.assertTrue(checked.stdout.strip().endswith("hda.img,format=raw,if=ide"), checked.stdout)

        row = self.mesh.start_vm("tst253")
        with open(f"/proc/{row['pid']}/cmdline") as file:
            line = file.read().replace("\0", " ")
        self.assertIn("guest=tst253,", line)
        self.assertEqual("-device rtl8139" in line, bool(shutil.which("vde_switch")))
        self.assertEqual(row["uuid"], UUID)
        # It runs: its guest hears the power button.
        ended = self.mesh.ctys("shutdown", "tst253")
        self.assertEqual(ended.status, 0, ended.err)
        self.mesh.wait_row("tst253", state="stopped")
        self.nothing_was_executed()

    def test_an_edited_wrapper_is_refused_with_the_lines_that_differ(self):
        self.make_original(edit="modprobe tun\n")
        self.make_switch()
        self.start_mesh()
        self.mesh.wait_row("tst253", state="stopped")

        started = self.mesh.ctys("start", "tst253")

        self.assertNotEqual(started.status, 0)
        self.assertIn("that was edited", started.err)
        self.assertIn(f"line {sample('wrapper.txt').count(chr(10)) + 1}: modprobe tun", started.err)
        self.assertIn("ctys-createConfVM --adopt", started.err)
        self.assertEqual(self.mesh.own_processes("hda.img"), [])

        # The way out that it names leads out; further disks are there then.
        mesh.boot_image(self.mesh.path("pool/tst253/hdb.img"), "idle")
        folder = self.mesh.path("pool/tst253")
        adopted = subprocess.run(
            [self.mesh.program("ctys-createConfVM"), "--adopt", os.path.join(folder, "tst253.ctys"),
             "--no-create-image"],
            env={**self.mesh.environment, "NETWORK": "none"}, cwd=folder, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=mesh.PATIENCE_S)
        self.assertEqual(adopted.returncode, 0, adopted.stderr)
        self.mesh.start_vm("tst253")
        self.nothing_was_executed()

    def test_a_second_active_master_is_told_and_not_started(self):
        folder = self.make_original()
        self.make_switch()
        shutil.copy(os.path.join(folder, "tst253.ctys"), os.path.join(folder, "copy.ctys"))
        self.start_mesh()
        row = self.mesh.wait_row("tst253", state="stopped")

        told = "copy.ctys and tst253.ctys are both its active master"
        self.assertIn(told, row["remarks"][0])
        self.assertIn(told, self.mesh.ctys("doctor").out)
        started = self.mesh.ctys("start", "tst253")
        self.assertNotEqual(started.status, 0)
        self.assertIn("active master of this VM", started.err)

        os.remove(os.path.join(folder, "copy.ctys"))
        self.mesh.ctys("scan")
        self.mesh.start_vm("tst253")


if __name__ == "__main__":
    mesh.main()
