"""A mesh of two levels whose inner machine `l1` is a Debian under systemd, with the units of
deploy/systemd: what happens inside when it goes down is what happens to anybody's host."""

import os
import re
import socket
import subprocess
import uuid

import stack_mesh
from stack_mesh import mesh
from systemd_image import systemd_image

DRIVE = "-drive file={path},format={format},if=virtio"
NETWORK = "-netdev user,id=net0 -device virtio-net-pci,netdev=net0,romfile="
# Its steps are told by its journal, not twice.
KERNEL_OPTIONS = stack_mesh.KERNEL_OPTIONS + " systemd.show_status=0 systemd.log_color=0"
CPU = "qemu64,+rdrand"
MEMORY_MB = 1024
ASK_AGAIN = 5


class SystemdMesh(stack_mesh.StackMesh):
    def make_l1(self, extra="", stop_deadline="60s"):
        """As the other l1, with two disks: the system, and what is of this machine alone."""
        self.kernel, self.initramfs, system = systemd_image(self.binaries)
        self.make_keys()
        with open(self.path("inside/etc/agent.toml"), "w") as file:
            file.write(stack_mesh.AGENT.format(port=self.port, stop_deadline=stop_deadline))
        folder = self.path("pool/l1")
        os.makedirs(folder)
        self.disks = (self.copy_of(system, os.path.join(folder, "system.qcow2")), os.path.join(folder, "l1.disk"))
        with open(self.disks[1], "wb") as file:
            file.truncate(stack_mesh.DISK_BYTES)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", self.path("inside"), self.disks[1]], check=True)
        settings = (
            f"MEMSIZE={MEMORY_MB}",
            f"CPU={CPU}",  # else its first random number is long in coming
            "ACCELERATOR=QEMU",
            f"KERNELIMAGE={self.kernel}",
            f"INITRDIMAGE={self.initramfs}",
            f'APPEND="{KERNEL_OPTIONS}"',
            f'ARGSADD="{self.devices()}"',
            # Whatever else this computer does comes first.
            "renice -n 5 -p $$ >/dev/null",
        )
        return self.write_vm(folder, "l1", "l1", "\n".join(settings) + "\n" + extra)

    @staticmethod
    def copy_of(system, path):
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", system, "-F", "raw", path], check=True)
        return path

    def devices(self):
        system, own = self.disks
        return " ".join(
            (DRIVE.format(path=system, format="qcow2"), DRIVE.format(path=own, format="raw"), NETWORK)
        )

    def boot_l1_by_hand(self):
        """The same machine as anybody would start it: not by its wrapper, and without its UUID."""
        folder = self.path("hand")
        os.mkdir(folder)
        self.serial = os.path.join(folder, "serial.log")
        stream = self.events("--from", self.head(), "--filter", "family=worker")
        process = self.start_foreign(
            "-m", str(MEMORY_MB), "-cpu", CPU, "-name", "byhand", "-nodefaults",
            "-kernel", self.kernel, "-initrd", self.initramfs, "-append", KERNEL_OPTIONS,
            "-chardev", f"socket,id=c,path={folder}/console.sock,server=on,wait=off,logfile={self.serial}",
            "-serial", "chardev:c", *self.devices().split(),
        )  # fmt: skip
        stream.wait(stack_mesh.BOOT_S, kind="registered", worker="l1")
        return process

    def answer(self, command):
        """What a line of shell in l1 prints, as lines."""
        told = re.findall(r"l1: told \d+ (.*)", self.inside(command))
        return [line for line in told if line]

    def firmware_uuid(self):
        """Of l1, as its firmware tells it: SMBIOS, structure of type 1, behind the four strings' numbers."""
        for _ in range(ASK_AGAIN):
            told = self.answer("od -An -v -tx1 -w32 /sys/firmware/dmi/tables/DMI")
            if told and all(re.fullmatch(r"([0-9a-f]{2} ?)+", line) for line in told):
                break
            # The kernel and systemd speak on the same console, in the middle of a line, too.
        else:
            raise AssertionError(f"the console garbles the tables: {told}")
        table = bytes.fromhex("".join(told))
        at = 0
        while table[at] != 1:
            at = table.index(b"\0\0", at + table[at + 1]) + 2
        return uuid.UUID(bytes_le=table[at + 8 : at + 24])

    def await_guest(self, label):
        """Of an inner machine that was started by whomever, until it is up."""
        row = self.wait_row(label, stack_mesh.ORDER_S, state="running", worker="l1")
        serial = os.path.join(os.path.dirname(row["sport"]), "serial.log")
        self.inside(f"until grep -q up {serial}; do sleep 0.1; done")

    def power_off_inside(self):
        """Its console ends with it: no answer is awaited."""
        with socket.socket(socket.AF_UNIX) as console:
            console.connect(os.path.join(os.path.dirname(self.serial), "console.sock"))
            console.sendall(b"run 0 systemctl poweroff\n")


class SystemdCase(stack_mesh.StackCase):
    MESH = SystemdMesh
