"""From nothing to a VM that boots: made by ctys-createConfVM, installed and booted from real media, by the
original's command lines and by the wrapper. Each guest proves itself on its serial console."""

import contextlib
import os
import shutil
import subprocess
import unittest

import guest_text
import mesh

RESCUE = "/usr/lib/grub-rescue"  # of grub-rescue-pc
SYSLINUX = "/usr/lib/syslinux"
CD = RESCUE + "/grub-rescue-cdrom.iso"
FLOPPY = RESCUE + "/grub-rescue-floppy.img"
STICK = RESCUE + "/grub-rescue-usb.img"
PXELINUX = ("/usr/lib/PXELINUX/pxelinux.0", SYSLINUX + "/modules/bios/ldlinux.c32")
# A kernel for QEMU as Linux is one: its initial RAM disk is the image it boots, and it prints its arguments.
MEMDISK = SYSLINUX + "/memdisk"
MACHINE = ("MEMSIZE=64", "NETWORK=user", "ACCELERATOR=QEMU")

# Booted from a floppy it puts itself onto the first disk, unless that boots already; it prints "installed",
# "kept", or from that disk "from the stick". Assembled for 0x7c00:
#   ds = es = ss = 0, sp = 0x7c00; dl & 0x80: say the first text
#   int 13h: read sector 1 of disk 0x80 to 0x8000; its end is 0xaa55: say the second
#   int 13h: write sector 1 from 0x7c00; say the third; say is lodsb, out 3f8h
INSTALLER = bytes.fromhex(
    "31c08ed88ec08ed0bc007c" "f6c280be4c7c751d" "b80102e82500be5c7c813efe8155aa740c"
    "b80103bb007ce81400be627c" "baf803ac84c07403eeebf8f4ebfd" "bb0080b90100ba8000cd1372f0c3"
) + b"from the stick\n\0kept\n\0installed\n\0"


def installer_floppy(path):
    with open(path, "wb") as image:
        image.write(INSTALLER.ljust(510, b"\0") + b"\x55\xaa")
        image.truncate(1440 * 1024)
    return path


def head_of(path):
    """What INIT empties."""
    with open(path, "rb") as file:
        return file.read(2880 * 512)


@contextlib.contextmanager
def loop_device(path, size=4 << 20):
    """A stick: a block device over a new file."""
    with open(path, "wb") as image:
        image.truncate(size)
    made = subprocess.run(["losetup", "--find", "--show", path], capture_output=True, text=True)
    if made.returncode != 0:
        raise unittest.SkipTest("no loop device here: " + made.stderr.strip())
    device = made.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


class InstallCase(mesh.MeshCase):
    def setUp(self):
        super().setUp()
        for path in (CD, FLOPPY, STICK, MEMDISK, *PXELINUX):
            self.assertTrue(os.path.exists(path), f"{path}: deploy/packages-test.txt names its package")
        self.mesh.environment.update(HOME=self.mesh.root, USER="tester")

    def make(self, label, *settings):
        """A VM whose disk is blank; returns its folder."""
        folder = self.mesh.path("pool", label)
        os.makedirs(folder)
        lines = (*MACHINE, 'HDDBOOTIMAGE="$CTYSWRAPPERPATH/hda.img"', "IMAGEFORMAT=raw", *settings)
        self.mesh.write_vm(folder, label, label, "\n".join(lines) + "\n")
        with open(os.path.join(folder, "hda.img"), "wb") as image:
            image.truncate(4 << 20)
        return folder

    def shell(self, folder, script, status=0, answers=""):
        """A command line as a person types it in that folder; its output."""
        done = subprocess.run(
            ["sh", "-c", script], cwd=folder, env=self.mesh.environment, input=answers, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=mesh.PATIENCE_S * 2,
        )  # fmt: skip
        self.assertEqual(done.returncode, status, f"{script}: {done.stdout}")
        return done.stdout

    def create(self, label, modes, status=0):
        outcome = self.mesh.ctys("-b", "sync", "-t", "QEMU", "-a", f"create=l:{label},{modes}")
        self.assertEqual(outcome.status, status, f"{modes}: {outcome.out}{outcome.err}")
        return outcome

    def await_guest(self, label, *texts, seconds=mesh.PATIENCE_S):
        """Until the VM has printed them; returns its row."""
        row = self.mesh.wait_row(label, state="running")
        for text in texts:
            guest_text.await_text(guest_text.log_of(row), text, seconds, gone=lambda: not mesh.alive(row["pid"]))
        return row

    def kill(self, label):
        outcome = self.mesh.ctys("kill", label)
        self.assertEqual(outcome.status, 0, outcome.err)
        self.mesh.wait_row(label, state="stopped")

    def by_hand(self, label, *options):
        process = subprocess.Popen(
            ["bash", self.mesh.path("pool", label, label + ".sh"), *options],
            env=self.mesh.environment, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.mesh.foreign.append(process)
        return process


class FromNothing(InstallCase):
    def check(self, *arguments, answers=""):
        """The lines of the guide, as they are written there."""
        folder = self.mesh.path("pool", "tst253")
        os.makedirs(folder)
        self.mesh.environment.update(
            INSTSRCCDROM=CD, ACCELERATOR="QEMU", MEMSIZE="64", HDDBOOTIMAGE_INST_SIZE="8M"
        )
        said = self.shell(
            folder, " ".join(("ctys-createConfVM -t QEMU --label=tst253", *arguments)), answers=answers
        )
        self.assertEqual(
            {"tst253.ctys", "tst253.sh", "hda.img"} - set(os.listdir(folder)), set(), said
        )
        for name in ("INSTSRCCDROM", "ACCELERATOR", "MEMSIZE", "HDDBOOTIMAGE_INST_SIZE"):
            del self.mesh.environment[name]
        printed = self.shell(folder, "sh tst253.sh --print --check")
        self.assertIn("qemu-system-x86_64 ", printed)
        self.assertIn(f"file={folder}/hda.img,format=raw", printed)

        self.start_mesh()
        self.mesh.wait_row("tst253")
        self.shell(
            folder, "ctys -t qemu -a create=ID:$PWD/tst253.ctys,INSTMODE:CD%default%VHDD%default%INIT"
        )
        row = self.await_guest("tst253", "Booting from DVD/CD", "Welcome to GRUB!")
        self.shell(folder, "ctys -t qemu -a cancel=id:$PWD/tst253.ctys,poweroff:0,force")
        self.mesh.wait_row("tst253", state="stopped")
        self.assertFalse(mesh.alive(row["pid"]))
        return folder

    def test_by_auto_all(self):
        self.check("--auto-all")

    def test_by_dialogue(self):
        # Its label is given. Somebody else makes it; what follows, and then the whole, is fine.
        folder = self.check(answers="n\nsomebody\ny\nC\ny\n")
        with open(os.path.join(folder, "tst253.ctys")) as file:
            self.assertIn('#@#INST_EDITOR = "somebody"', file.read())


class Boot(InstallCase):
    def check(self, label, mode, option, *texts):
        """By the original's create, and by the wrapper."""
        self.start_mesh()
        self.mesh.wait_row(label)
        self.create(label, mode)
        self.await_guest(label, *texts)
        self.kill(label)
        self.by_hand(label, option)
        self.await_guest(label, *texts)
        self.kill(label)

    def test_a_cd(self):
        self.make("cd", f"INSTSRCCDROM={CD}")
        self.check("cd", "bootmode:CD", "--bootmode=CD", "Booting from DVD/CD", "Welcome to GRUB!")

    def test_a_floppy(self):
        folder = self.make("fd")
        image = shutil.copy(FLOPPY, folder)  # a floppy is written
        self.check(
            "fd", f"bootmode:fdd%{image}", f"--bootmode=FDD%{image}", "Booting from Floppy", "Welcome to GRUB!"
        )

    def test_a_stick(self):
        folder = self.make("usb")
        image = shutil.copy(STICK, folder)
        self.check(
            "usb", f"BOOTMODE:USB%{image}", f"--bootmode=usb%{image}", "Booting from Hard Disk", "Welcome to GRUB!"
        )

    def test_a_kernel_with_its_ram_disk_and_arguments(self):
        folder = self.make("kernel")
        ram_disk = shutil.copy(FLOPPY, folder)
        parts = (MEMDISK, ram_disk, "floppy mark=of-this-test")
        self.check(
            "kernel",
            "kernel:" + ",".join(parts),
            "--kernelmode=" + "%".join(parts).replace(" ", "%"),
            "MEMDISK",
            "command line: floppy mark=of-this-test",
            "Welcome to GRUB!",
        )

    def test_a_network(self):
        self.make("pxe")
        folder = self.mesh.path("tftp")
        os.makedirs(folder + "/pxelinux.cfg")
        for path in PXELINUX:
            shutil.copy(path, folder)
        with open(folder + "/pxelinux.cfg/default", "w") as file:
            file.write("SAY served by the TFTP of this test\n")
        boot = f"PXE%{folder}/pxelinux.0"
        self.check("pxe", "bootmode:" + boot, "--bootmode=" + boot, "served by the TFTP of this test")


class Stick(InstallCase):
    def test_a_floppy_installs_onto_a_stick_in_two_phases(self):
        floppy = installer_floppy(self.mesh.path("installer.img"))
        self.make("dos", f"FDDIMAGE={floppy}")
        with loop_device(self.mesh.path("stick")) as device:
            self.start_mesh()
            self.mesh.wait_row("dos")
            with open(device, "wb") as stick:
                stick.write(b"an old content".ljust(4096, b"\xff"))
            old = head_of(device)
            first = f"instmode:FDD%none%USB%{device}%init"
            refused = self.create("dos", first, status=5)
            self.assertIn(f"INIT would destroy what {device} holds", refused.err)
            self.assertEqual(head_of(device), old)

            by_force = self.mesh.ctys("start", "dos", "--instmode=" + first.partition(":")[2], "--force")
            self.assertEqual(by_force.status, 0, by_force.err)
            self.await_guest("dos", "installed")
            self.kill("dos")
            installed = head_of(device)
            self.assertEqual(installed[:len(INSTALLER)], INSTALLER)
            self.assertEqual(installed[512:].strip(b"\0"), b"")

            self.create("dos", f"instmode:FDD%none%USB%{device}%none")
            self.await_guest("dos", "kept")
            self.kill("dos")
            self.assertEqual(head_of(device), installed)

            self.create("dos", f"bootmode:USB%{device}")
            self.await_guest("dos", "from the stick")
            self.kill("dos")


class Init(InstallCase):
    MODE = "CD%default%VHDD%default%INIT"

    def test_it_makes_a_target_keeps_a_blank_one_and_destroys_none_unless_forced(self):
        folder = self.make("web", f"INSTSRCCDROM={CD}", "HDDBOOTIMAGE_INST_SIZE=4M")
        target = folder + "/hda.img"
        os.unlink(target)
        wrapper = "sh web.sh --initmodeonly --instmode=" + self.MODE

        self.shell(folder, wrapper)
        self.assertEqual(os.path.getsize(target), 4 << 20)
        made = os.stat(target)
        self.shell(folder, wrapper)
        self.assertEqual((os.stat(target).st_ino, os.stat(target).st_mtime_ns), (made.st_ino, made.st_mtime_ns))

        with open(target, "r+b") as image:
            image.write(b"a guest")
        self.assertIn("INIT would destroy", self.shell(folder, wrapper, status=5, answers="y\n"))
        for stage in ("none", "default"):
            self.shell(folder, wrapper.replace("--initmodeonly", "--check").replace("INIT", stage))
        self.start_mesh()
        self.mesh.wait_row("web")
        refused = self.create("web", "instmode:" + self.MODE, status=5)
        self.assertIn("refuses it with status 5", refused.err)
        self.assertEqual(head_of(target)[:7], b"a guest")
        self.shell(folder, wrapper + " --force")
        self.assertEqual(head_of(target).strip(b"\0"), b"")

    def test_a_stage_of_ones_own_calls_the_hook_of_the_configuration(self):
        hook = (
            'inst_stage() {\n'
            '    [ "$1" = setup ] || { echo "no stage $1"; return 7; }\n'
            '    printf "%s %s %s" "$@" >of-the-hook\n'
            '    printf configured | dd of="$2" conv=notrunc status=none\n'
            '}'
        )
        folder = self.make("web", f"INSTSRCCDROM={CD}", hook)
        target = folder + "/hda.img"
        self.make("plain", f"INSTSRCCDROM={CD}")
        self.start_mesh()
        self.mesh.wait_row("web")

        refused = self.create("web", "instmode:CD%default%VHDD%default%other", status=1)
        self.assertIn("inst_stage other of the configuration ended with 7: no stage other", refused.err)
        self.assertEqual(self.mesh.own_processes("web/hda.img"), [])
        # A look does nothing.
        self.assertIn("does its stage setup", self.shell(folder, "sh web.sh --check --instmode=CD%default%VHDD%default%setup"))
        self.assertFalse(os.path.exists(folder + "/of-the-hook"))

        self.create("web", "instmode:CD%default%VHDD%default%setup")
        row = self.mesh.wait_row("web", state="running")
        with open(folder + "/of-the-hook") as file:
            self.assertEqual(file.read(), f"setup {target} raw")
        self.assertEqual(head_of(target).rstrip(b"\0"), b"configured")
        self.assertTrue(mesh.alive(row["pid"]))
        self.kill("web")

        # What somebody has exported elsewhere is no hook of this VM.
        self.mesh.environment["BASH_FUNC_inst_stage%%"] = "() { touch of-the-hook; }"
        folder = self.mesh.path("pool", "plain")
        said = self.shell(folder, "sh plain.sh --check --instmode=CD%default%VHDD%default%setup")
        self.assertIn("has no inst_stage for the stage setup", said)


if __name__ == "__main__":
    mesh.main()
