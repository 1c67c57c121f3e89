"""A Debian, debootstrapped into the image of a VM that ctys-createConfVM has made: it boots to its login on the
serial console and on the screen, where its picture is read; a CD is changed while it runs; a snapshot takes
back what was done behind it; it is suspended to disk and goes on; and its guest agent ends it, where its power
button would not."""

import os
import re
import shutil
import subprocess
import unittest

import debian_image
import mesh
import screen
from guest_text import plain
from verbs_test import Terminal

BOOT_S = 300.0
ORDER_S = 120.0
CD = "/usr/lib/grub-rescue/grub-rescue-cdrom.iso"
APPEND = "root=/dev/vda rw console=tty0 console=ttyS0 quiet nokaslr mitigations=off"


class Console(Terminal):
    """`ctys console` with a person who reads and types."""

    def read_until(self, text, seconds=ORDER_S):
        """What has come up to the text and with it; the moves of the cursor are left out."""
        deadline = mesh.Deadline(seconds)
        while text not in (shown := plain(self.seen)):
            ready = mesh.select.select([self.fd], [], [], deadline.left())[0]
            assert ready, f"not {text!r} on the console, but {shown[-1500:]!r}"
            self.seen += os.read(self.fd, 4096)
        self.seen = b""
        return shown

    def run(self, command):
        """A line of shell; what it prints, between words that the echo of the line does not have."""
        self.type(f"echo be''gin; {command}; echo en''d-of-it $?\n".encode())
        shown = self.read_until("end-of-it ")
        while not re.search(r"end-of-it \d+\n", shown):
            shown += self.read_until("\n")
        printed, status = re.search(r"begin\n(.*)end-of-it (\d+)\n", shown, re.S).groups()
        assert status == "0", f"{command}: {shown}"
        return printed.strip()


class Debian(mesh.MeshCase):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("the files of a system belong to many; that needs root")
        for path in (CD, screen.FIRMWARE):
            self.assertTrue(os.path.exists(path), f"{path}: deploy/packages-test.txt names its package")

    def make_vm(self):
        """By the tools, from an empty folder; then the system is put into its image."""
        m = self.mesh
        kernel, initramfs, system = debian_image.debian_image(m.binaries)
        folder = m.path("pool", "debian")
        os.makedirs(folder)
        shutil.copy(kernel, os.path.join(folder, "vmlinuz"))
        shutil.copy(initramfs, os.path.join(folder, "initrd"))
        with open(os.path.join(folder, "first.iso"), "wb") as image:
            image.write(b"the first CD".ljust(1 << 20, b"\0"))
        variables = {
            "HOME": m.root, "USER": "tester", "DIST": "debian", "DISTREL": "12", "IMAGEFORMAT": "qcow2",
            "HDDBOOTIMAGE_INST_SIZE": "1G", "IMAGEINTERFACE": "virtio", "MACHINE": "pc", "MEMSIZE": "256",
            "ACCELERATOR": "QEMU", "CPU": "qemu64,+rdrand", "NETWORK": "none", "KBD_LAYOUT": "en-us",
            "KERNELIMAGE": "vmlinuz", "INITRDIMAGE": "initrd", "APPEND": APPEND, "GUESTAGENT": "yes",
            "ARGSADD": f"-drive media=cdrom,index=2,readonly=on,format=raw,file={folder}/first.iso",
        }  # fmt: skip
        made = subprocess.run(
            [m.program("ctys-createConfVM"), "-t", "QEMU", "--label=debian", "--auto-all"],
            cwd=folder, env={**m.environment, **variables}, capture_output=True, text=True,
        )  # fmt: skip
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        image = os.path.join(folder, "hda.qcow2")
        subprocess.run(["qemu-img", "convert", "-n", "-O", "qcow2", system, image], check=True)
        return folder

    def order(self, *words):
        outcome = self.mesh.ctys(*words)
        self.assertEqual(outcome.status, 0, f"{words}: {outcome.out}{outcome.err}")
        return outcome

    def start(self):
        self.order("start", "debian")
        return self.mesh.wait_row("debian", state="running")

    def console(self):
        terminal = Console([self.mesh.program("ctys"), "console", "debian"], self.mesh.environment)
        self.addCleanup(terminal.close)
        terminal.wait(b"attached to debian")
        return terminal

    def enter(self, console):
        """Through the login that stands there."""
        console.type(b"\n")
        console.read_until("login: ", BOOT_S)
        console.type(b"root\n")
        console.read_until("Password: ")
        console.type(debian_image.PASSWORD.encode() + b"\n")
        console.read_until("root@debian:~#")

    def check_screen(self, row):
        """The login is on the picture; who types there gets in."""
        display = screen.Screen(screen.socket_of(row))
        self.addCleanup(display.close)
        lines = display.await_text("debian login:", BOOT_S)
        before = display.picture()
        self.assertEqual((display.width // screen.COLUMNS, display.height), (9, 400))
        self.assertTrue(any(line.startswith("Debian GNU/Linux 12 debian tty1") for line in lines), lines)
        # A picture that is black, or of nothing but question marks, is none.
        self.assertFalse(any("?" * 8 in line for line in lines), lines)
        display.type("root\n")
        display.await_text("Password:", ORDER_S)
        display.type(debian_image.PASSWORD + "\n")
        display.await_text("root@debian:~#", ORDER_S)
        display.type("tty\n")
        display.await_text("/dev/tty1", ORDER_S)
        self.assertNotEqual(display.picture(), before)

    def check_cd(self, console):
        self.assertEqual(console.run("head -c 12 /dev/sr0"), "the first CD")
        drive = self.order("media", "list", "debian", "-o", "jsonl").rows[0]
        stream = self.mesh.events()
        # Its udev locks the tray of every disc that it finds, and opens it when it is asked.
        self.order("media", "change", "debian", drive["drive"], CD)
        changed = stream.wait(kind="medium-changed", label="debian")
        self.assertEqual(changed["data"]["image"], CD)
        # The first reads after a change are answered by the change.
        console.run("until mount -r -t iso9660 /dev/sr0 /mnt 2>/dev/null; do sleep 0.2; done")
        self.assertIn("i386-pc", console.run("ls /mnt/boot/grub"))
        console.run("umount /mnt")
        # A disc that was there when its state is saved has to be there when it is loaded.
        self.order("media", "change", "debian", drive["drive"], "first.iso")
        console.run("until head -c 12 /dev/sr0 2>/dev/null | grep -q first; do sleep 0.2; done")

    def check_snapshot(self, console):
        console.run("echo before >state; sync; word=before")
        self.order("snapshot", "save", "debian", "clean")
        console.run("echo after >state; sync; word=after; touch more")
        self.assertEqual(console.run("echo $word; cat state; ls"), "after\nafter\nmore  state")
        self.order("snapshot", "revert", "debian", "clean")
        self.mesh.wait_row("debian", state="running")
        console.type(b"\n")
        console.read_until("root@debian:~#")
        # The memory, what the kernel keeps of the disk, and the disk behind that.
        self.assertEqual(console.run("echo $word; cat state; ls"), "before\nbefore\nstate")
        console.run("sync; echo 3 >/proc/sys/vm/drop_caches")
        self.assertEqual(console.run("cat state; ls"), "before\nstate")

    def check_suspend(self, console):
        boot = console.run("cat /proc/sys/kernel/random/boot_id")
        uptime = float(console.run("cut -d' ' -f1 /proc/uptime"))
        for again in ("start", "resume"):
            self.order("suspend", "debian")
            self.mesh.wait_row("debian", state="suspended")
            self.assertEqual(console.end(), 0)
            self.order(again, "debian")
            self.mesh.wait_row("debian", state="running")
            console = self.console()
            console.type(b"\n")
            console.read_until("root@debian:~#")
            self.assertEqual(console.run("cat /proc/sys/kernel/random/boot_id; echo $word"), boot + "\nbefore")
            later = float(console.run("cut -d' ' -f1 /proc/uptime"))
            self.assertGreater(later, uptime)
            uptime = later
        return console

    def check_guest_agent(self, console):
        row = self.mesh.wait_row("debian", state="running")
        socket = os.path.join(os.path.dirname(screen.socket_of(row)), "ga.sock")
        talked = subprocess.run([self.mesh.program("guest_talks"), socket], capture_output=True, text=True)
        self.assertEqual(talked.returncode, 0, talked.stdout + talked.stderr)
        self.order("init", "3", "debian")
        self.assertEqual(console.run("systemctl is-active multi-user.target"), "active")
        stream = self.mesh.events()
        ended = self.order("shutdown", "debian")
        stopped = stream.wait(kind="stopped", label="debian")
        self.assertEqual((stopped["by"], stopped["data"]["rung"]), ("guest", "guest agent"), stopped)
        self.assertIn("through its guest agent", ended.out + ended.err)
        self.assertEqual([each["by"] for each in stream.find(kind="asked", label="debian")], ["guest agent"])

    @mesh.long_only
    def test_it_boots_changes_its_cd_goes_back_and_goes_on(self):
        self.make_vm()
        self.start_mesh()
        self.mesh.wait_row("debian")
        row = self.start()
        console = self.console()
        self.enter(console)
        console.run("dmesg -n 1")  # the kernel would speak in the middle of a line
        self.check_screen(row)
        self.assertIn("VERSION_CODENAME=bookworm", console.run("cat /etc/os-release"))
        self.check_cd(console)
        self.check_snapshot(console)
        console = self.check_suspend(console)
        self.check_guest_agent(console)
        self.mesh.wait_row("debian", seconds=ORDER_S, state="stopped")


if __name__ == "__main__":
    mesh.main()
