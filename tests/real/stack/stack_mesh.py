"""A mesh of two levels: broker and agent `host` on this machine, and a Linux guest `l1` that carries an
agent of its own with virtual machines of one boot sector, all of it emulated.

The inner agent enters over tcp with a key of its own; its machine's serial console takes commands, so
that a test can stop it or cut its network where no bus reaches it."""

import os
import re
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "mesh"))

import mesh  # noqa: E402
from guest_image import guest_image  # noqa: E402

# Machines in an emulated machine: slow, and slower beside other tests.
BOOT_S = 240.0
ORDER_S = 120.0
# An emulated kernel without what only costs time there.
KERNEL_OPTIONS = "console=ttyS0 quiet panic=-1 nokaslr mitigations=off"
DISK_BYTES = 128 << 20
# Settings of the inner agent; 10.0.2.2 is this computer, as QEMU's user network shows it.
AGENT = """name = "l1"
broker = "tcp://10.0.2.2:{port}"
pools = ["/disk/pool"]
[keys]
secret = "/disk/etc/agent.secret"
broker = "/disk/etc/broker.pub"
[stop]
deadline = "{stop_deadline}"
"""


TICKS = 18.2  # of a machine's timer, in a second


def ticks(seconds):
    """As the operand of an instruction."""
    return round(seconds * TICKS).to_bytes(2, "little").hex()


# Powers off by itself, 15 s after it was up.
mesh.GUESTS["ending"] = "FB" + mesh._SAY_UP + "B9" + ticks(15) + "F44975FC" + mesh._POWER_OFF
# Ignores its button and counts: each second a line with a number of four hexadecimal digits, written
# with the characters 0123456789:;<=>? to save instructions.
mesh.GUESTS["counting"] = (
    "FB" + mesh._SAY_UP + "31DB"  # from zero
    "B9" + ticks(1) + "F44975FC"  # wait
    "43B90400C1C30488D8240F0430EEE2F4"  # one more; its digits
    "B00AEEEBE4"
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class StackMesh(mesh.Mesh):
    """Inner machines are made in the pool `inside/pool` before l1 is."""

    def __init__(self, binaries, folder="/tmp"):
        super().__init__(binaries, folder)
        self.port = free_port()  # of the broker
        self.orders = 0
        self.inner = []  # labels of what it carries
        self.serial = ""  # of l1, once it runs
        self.log, self.log_of = None, ""  # the open log, and its path
        os.makedirs(self.path("inside/etc"))
        os.makedirs(self.path("inside/pool"))
        os.makedirs(self.path("etc/keys"), 0o700)

    # --- the outer machine ---------------------------------------------------------------------

    def generate_key(self, secret, name, *role):
        done = self.ctys("keys", "generate", "--file", secret, "--name", name, *role)
        assert done.status == 0, done.err
        return done.out

    def make_keys(self):
        broker = self.generate_key(self.path("etc/keys/broker.secret"), "broker", "--role", "viewer")
        inner = self.generate_key(
            self.path("inside/etc/agent.secret"), "l1", "--role", "agent", "--worker", "l1"
        )
        for path, key in (("inside/etc/broker.pub", broker), ("etc/keys/l1.pub", inner)):
            with open(self.path(path), "w") as file:
                file.write(key)

    def start_stack_broker(self):
        """Behind make_l1(), which makes the keys. Also again, after it was killed: with the same keys at the same port."""
        options = ("--keys", self.path("etc/keys"), "--mesh", f"tcp://127.0.0.1:{self.port}")
        return self.start_broker(*options)

    def make_inner(self, label, guest="polite", extra=""):
        self.inner.append(label)
        return self.make_vm("inside/pool", label, guest, extra=extra)

    def make_l1(self, extra="", stop_deadline="60s", disk_format="raw"):
        """The VM directory of l1, with the inner machines made so far on its disk. Within the deadline
        its own agent ends them when its power button is pressed."""
        kernel, initramfs = guest_image(self.binaries)
        self.make_keys()
        folder = self.path("pool/l1")
        os.makedirs(folder)
        with open(self.path("inside/etc/agent.toml"), "w") as file:
            file.write(AGENT.format(port=self.port, stop_deadline=stop_deadline))
        disk = os.path.join(folder, "l1.disk")
        with open(disk, "wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", self.path("inside"), disk], check=True)
        if disk_format != "raw":
            made = disk + ".made"
            subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", disk_format, disk, made], check=True)
            os.rename(made, disk)
        settings = (
            "MEMSIZE=1024",
            "CPU=qemu64,+rdrand",  # else its first random number is long in coming
            "ACCELERATOR=QEMU",
            f"KERNELIMAGE={kernel}",
            f"INITRDIMAGE={initramfs}",
            f'APPEND="{KERNEL_OPTIONS}"',
            f'ARGSADD="-drive file={disk},format={disk_format},if=virtio -netdev user,id=net0'
            ' -device virtio-net-pci,netdev=net0,romfile='
            # A monitor beside the agent's.
            f' -qmp unix:{self.path("qmp.sock")},server=on,wait=off"',
            # Whatever else this computer does comes first.
            "renice -n 5 -p $$ >/dev/null",
        )
        return self.write_vm(folder, "l1", "l1", "\n".join(settings) + "\n" + extra)

    def start_outer(self):
        self.start_stack_broker()
        self.start_agent("host", "pool")

    def boot_l1(self, *options):
        """Starts l1; returns its row once its agent has said hello."""
        stream = self.events("--from", self.head(), "--filter", "family=worker")
        outcome = self.ctys("start", "l1", *options, seconds=BOOT_S)
        assert outcome.status == 0, f"{outcome.status} {outcome.out}{outcome.err}"
        row = self.find_console()
        try:
            stream.wait(BOOT_S, kind=lambda kind: kind in ("registered", "alive"), worker="l1")
        except AssertionError as fault:
            raise AssertionError(f"{fault}\n{self.said()[-3000:]}") from None
        self.streams.remove(stream)
        stream.close()
        # Its hello comes first, what its pool holds behind it.
        for label in self.inner:
            self.wait_row(label)
        return row

    def find_console(self):
        """Of l1, which runs; its row."""
        row = self.wait_row("l1", state="running")
        self.serial = os.path.join(os.path.dirname(row["sport"]), "serial.log")
        self.said()
        return row

    def start_inner(self, *labels):
        """Starts them through the bus, one after the other: together they would be slower than an agent
        waits for a QEMU. Returns when the guest of each is up."""
        for label in labels:
            outcome = self.ctys("start", label, "--timeout", f"{ORDER_S:.0f}s", seconds=2 * ORDER_S)
            assert outcome.status == 0, f"{outcome.status} {outcome.out}{outcome.err}"
            self.wait_inner(label)

    def start_all(self, *labels):
        """From nothing that runs: `--stack` starts l1 for the first of them."""
        outcome = self.ctys("start", labels[0], "--stack", "--timeout", f"{BOOT_S:.0f}s", seconds=2 * BOOT_S)
        assert outcome.status == 0, f"{outcome.status} {outcome.out}{outcome.err}"
        self.find_console()
        self.wait_inner(labels[0])
        self.start_inner(*labels[1:])

    def wait_inner(self, label):
        """Until its guest is up; its serial log, by its name in l1."""
        row = self.wait_row(label, state="running", worker="l1")
        serial = os.path.join(os.path.dirname(row["sport"]), "serial.log")
        self.inside(f"until grep -q up {serial}; do usleep 50000; done")
        return serial

    def qmp_of_l1(self):
        return mesh.Qmp(self.path("qmp.sock"))

    # --- its serial console --------------------------------------------------------------------

    def close(self):
        if self.log:
            self.log.close()
        super().close()

    def said(self):
        """All that l1 has printed on its serial console; its log goes with its process, and is kept open."""
        if self.log_of != self.serial:
            try:
                log = open(self.serial, errors="replace")
            except FileNotFoundError:
                return ""
            if self.log:
                self.log.close()
            self.log, self.log_of = log, self.serial
        self.log.seek(0)
        return self.log.read()

    def inside(self, command, status=0, seconds=ORDER_S):
        """Runs a line of shell in l1, over its serial console; what was said meanwhile."""
        self.orders += 1
        before = len(self.said())
        ended = re.compile(rf"^l1: ran {self.orders} with (\d+)\n", re.M)
        deadline = mesh.Deadline(seconds)
        with socket.socket(socket.AF_UNIX) as console:
            console.connect(os.path.join(os.path.dirname(self.serial), "console.sock"))
            console.sendall(f"run {self.orders} {command}\n".encode())
            while True:
                told = self.said()[before:].replace("\r", "")
                if found := ended.search(told):
                    break
                assert not deadline.over(), f"l1 does not end {command!r}:\n{self.said()[-3000:]}"
                # Its log has it too. But of a port's single bytes a socket of QEMU's own takes some
                # 280; then the guest would stand until they are read.
                if mesh.select.select([console], [], [], 0.05)[0]:
                    console.recv(1 << 16)
        assert int(found[1]) == status, f"{command}:\n{told[-3000:]}"
        return told


class StackCase(mesh.MeshCase):
    """Each test has a mesh of its own; l1 is not yet made."""

    MESH = StackMesh

    def setUp(self):
        self.mesh = self.MESH(mesh.BINARIES)
        self.addCleanup(self.mesh.close)
        self.addCleanup(self._show_logs)
        self.addCleanup(self._show_serial)
        self.addCleanup(self._show_journal)

    def _show_journal(self):
        if self.shows():
            lines = [mesh.brief(event) for event in self.mesh.journal()]
            print("\n".join(("--- journal", *lines)), file=sys.stderr)

    def _show_serial(self):
        if self.shows():
            print(f"--- serial console of l1\n{self.mesh.said()[-6000:]}", file=sys.stderr)


main = mesh.main
