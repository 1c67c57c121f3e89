"""VMs that libvirt has started are asked by libvirt's own command: virsh. Its monitor stays its own.

The machine is a process and mount namespace with a libvirtd of its own, whose files lie in memory: one
that runs on this machine is neither seen nor touched."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import uuid

import mesh

# Its probe of KVM hangs where /dev/kvm opens and no guest comes up under it: there is none here.
HOLD = """
set -e
if [ -e /dev/kvm ]; then mount --bind /dev/null /dev/kvm; fi
for folder in /run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /etc/libvirt; do
    mkdir -p "$folder"
    mount -t tmpfs -o mode=0755 libvirt-test "$folder"
done
cp "$1"/*.conf /etc/libvirt/
# libvirtd begins with its account alone, which the package of the whole system makes.
for table in passwd group; do
    if ! getent "$table" libvirt-qemu >/dev/null; then
        cp "/etc/$table" "$1/$table"
        case $table in
        passwd) echo "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin" >>"$1/$table" ;;
        group) echo "libvirt-qemu:x:64055:" >>"$1/$table" ;;
        esac
        mount --bind "$1/$table" "/etc/$table"
    fi
done
/usr/sbin/libvirtd --config /etc/libvirt/libvirtd.conf --pid-file /run/libvirt/libvirtd.pid >"$1/libvirtd.log" 2>&1 &
while :; do sleep 1000 & wait $!; done
"""
LIBVIRTD = """
unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
"""
QEMU = """
user = "root"
group = "root"
security_driver = "none"
remember_owner = 0
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
"""
DOMAIN = """
<domain type="qemu">
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit="MiB">16</memory>
  <vcpu>1</vcpu>
  <os><type arch="x86_64" machine="q35">hvm</type></os>
  <features><acpi/></features>
  <on_poweroff>{again}</on_poweroff>
  <on_crash>{again}</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type="file" device="disk">
      <driver name="qemu" type="raw"/>
      <source file="{image}"/>
      <target dev="sda" bus="sata"/>
    </disk>
    <serial type="file"><source path="{serial}"/></serial>
    <memballoon model="none"/>
  </devices>
</domain>
"""


def possible():
    probe = ["unshare", "--pid", "--mount", "--fork", "--mount-proc", "true"]
    return (
        os.geteuid() == 0
        and os.path.exists("/usr/sbin/libvirtd")
        and shutil.which("virsh") is not None
        and subprocess.run(probe, capture_output=True).returncode == 0
    )


class Machine:
    """A machine on which libvirtd runs."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="cl", dir="/tmp")
        for name, text in (("libvirtd.conf", LIBVIRTD), ("qemu.conf", QEMU)):
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(text)
        self.holder = subprocess.Popen(
            ["unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", HOLD, "sh", self.folder],
            stdin=subprocess.DEVNULL,
        )
        deadline = mesh.Deadline(mesh.PATIENCE_S)
        while not self.first() or self.virsh("uri").returncode != 0:
            if deadline.over() or self.holder.poll() is not None or self.has_failed():
                said = self.log()
                self.close()
                raise AssertionError("no libvirtd:\n" + said)

    def log(self):
        try:
            with open(os.path.join(self.folder, "libvirtd.log"), errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def has_failed(self):
        return "Driver state initialization failed" in self.log()

    def first(self):
        with open(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children") as file:
            return (file.read().split() or [None])[0]

    def inside(self, *argv):
        return ["nsenter", "-t", self.first(), "--pid", "--mount", *argv]

    def run(self, *argv):
        return subprocess.run(self.inside(*argv), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=mesh.PATIENCE_S)

    def virsh(self, *words):
        return self.run("virsh", "--connect", "qemu:///system", *words)

    def close(self):
        self.holder.kill()
        self.holder.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@unittest.skipUnless(possible(), "needs root, namespaces, libvirtd and virsh")
class Libvirt(mesh.MeshCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.addClassCleanup(cls.machine.close)

    def setUp(self):
        super().setUp()
        self.mesh.start_broker()
        self.mesh.start_agent("w1", "pool", inside=self.machine.inside())
        self.stream = self.mesh.events()

    def said(self, *words):
        """What virsh says, which has to succeed."""
        outcome = self.machine.virsh(*words)
        self.assertEqual(outcome.returncode, 0, outcome.stderr + self.machine.log())
        return outcome.stdout.strip()

    def assert_off(self, name, reason=""):
        """libvirtd sees the end of the process by itself: perhaps a moment after the agent."""
        end = time.monotonic() + mesh.PATIENCE_S
        while not (state := self.said("domstate", "--reason", name)).startswith("shut off"):
            self.assertLess(time.monotonic(), end, state)
        self.assertIn(reason, state)

    def start_domain(self, name, guest, again="destroy"):
        """Defines and starts it by virsh; returns its row once its guest is up."""
        image = mesh.boot_image(self.mesh.path(name + ".img"), guest)
        serial = self.mesh.path(name + ".serial")
        domain = str(uuid.uuid4())
        xml = self.mesh.path(name + ".xml")
        with open(xml, "w") as file:
            file.write(DOMAIN.format(name=name, uuid=domain, image=image, serial=serial,
                                     again=again))
        self.said("define", xml)
        self.addCleanup(self.machine.virsh, "undefine", name)
        self.addCleanup(self.machine.virsh, "destroy", name)
        self.said("start", name)
        row = self.mesh.wait_row(name, state="running", owner="libvirt")
        self.assertEqual(row["uuid"], domain)
        self.mesh.wait_up(serial)
        return row

    def agent_pid(self):
        pids = self.mesh.own_processes("--name", "w1", program="ctys-agent")
        self.assertEqual(len(pids), 1, self.mesh.log("w1"))
        return pids[0]

    def configure(self, text):
        """The agent reads its settings anew."""
        with open(self.mesh.path("etc/agent.toml"), "w") as file:
            file.write(text)
        os.kill(self.agent_pid(), signal.SIGHUP)

    def test_a_shutdown_goes_through_virsh_and_libvirt_knows_of_it(self):
        row = self.start_domain("web", "polite")
        self.assertEqual(row["note"], "stops through virsh")
        shown = self.mesh.ctys("show", "web").out
        self.assertIn("asked to end by its owner: stops through virsh", shown)
        planned = self.mesh.ctys("plan", "shutdown", "web")
        self.assertEqual(planned.status, 0, planned.err)
        self.assertIn("by its owner", planned.out)
        # Its monitor is free for libvirt all the while.
        self.assertIn("running", self.said("qemu-monitor-command", "--hmp", "web", "info status"))

        ended = self.mesh.ctys("shutdown", "web")

        self.assertEqual(ended.status, 0, ended.err)
        asked = self.stream.wait(kind="asked", label="web")
        self.assertEqual(asked["by"], "owner command")
        self.assertEqual(asked["data"]["command"],
                         f"virsh --connect qemu:///system shutdown {row['uuid']}")
        gone = self.stream.wait(kind="gone", label="web")
        self.assertEqual((gone["by"], gone["data"]["rung"]), ("guest", "owner command"), gone)
        self.assert_off("web", "(shutdown)")

    def test_what_ignores_virsh_is_cut_at_a_deadline_only(self):
        self.start_domain("deaf", "stubborn")

        left = self.mesh.ctys("shutdown", "deaf", "--timeout", "2s")
        self.assertEqual(left.status, 124, left.err)
        self.assertEqual(self.said("domstate", "deaf"), "running")
        cut = self.mesh.ctys("shutdown", "deaf", "--deadline", "2s")

        self.assertEqual(cut.status, 0, cut.err)
        announced = self.stream.wait(kind="cut-announced", label="deaf")
        gone = self.stream.wait(kind="gone", label="deaf")
        number = {each["kind"]: int(each["cursor"].rpartition("-")[2]) for each in (announced, gone)}
        self.assertGreater(number["gone"], number["cut-announced"])
        self.assertEqual((gone["by"], gone["text"]),
                         ("host", "power cut at its 2.0 s deadline by SIGTERM"))
        self.assert_off("deaf")

    def test_without_its_command_a_shutdown_is_refused_and_a_kill_works(self):
        self.start_domain("web", "polite", again="restart")
        self.configure('[owner.libvirt]\nshutdown = []\n')
        row = self.mesh.wait_row("web", note=lambda note: note.startswith("cannot be asked"))
        self.assertIn("[owner.libvirt] shutdown of agent.toml names no command", row["note"])
        self.assertIn("agent.toml:2", row["note"])

        refused = self.mesh.ctys("shutdown", "web")

        self.assertEqual(refused.status, 5, refused.out + refused.err)
        self.assertIn("[owner.libvirt] shutdown of agent.toml names no command", refused.err)
        self.assertIn("ctys kill web", refused.err)
        self.assertEqual(self.said("domstate", "web"), "running")
        killed = self.mesh.ctys("kill", "web")
        self.assertEqual(killed.status, 0, killed.err)
        gone = self.stream.wait(kind="gone", label="web")
        self.assertEqual((gone["by"], gone["text"]), ("host", "SIGTERM"), gone)
        self.assert_off("web")

    def test_a_missing_virsh_is_told_and_found_again(self):
        self.start_domain("web", "polite")
        virsh = shutil.which("virsh")
        hidden = self.machine.run("mount", "--bind", "/dev/null", virsh)
        self.assertEqual(hidden.returncode, 0, hidden.stderr)
        self.addCleanup(self.machine.run, "umount", virsh)

        refused = self.mesh.ctys("shutdown", "web")

        self.assertEqual(refused.status, 5, refused.out + refused.err)
        self.assertIn("virsh, which [owner.libvirt] shutdown names (default), is not on this worker",
                      refused.err)
        doctor = self.mesh.ctys("doctor").out
        self.assertIn("web (libvirt) on w1: cannot be asked: virsh", doctor)
        self.assertIn("apt install libvirt-clients   (on w1)", doctor)
        self.machine.run("umount", virsh)
        self.assertEqual(self.mesh.ctys("shutdown", "web").status, 0)
        self.assert_off("web", "(shutdown)")

    def test_a_process_that_only_calls_itself_so_moves_nothing(self):
        row = self.start_domain("web", "polite")
        image = mesh.boot_image(self.mesh.path("liar.img"), "polite")
        os.makedirs(self.mesh.path("libvirt/qemu/run"))
        liar = subprocess.Popen(
            self.machine.inside(mesh.QEMU, "-machine", "q35,accel=tcg", "-m", "16", "-display", "none",
                                "-name", "guest=liar", "-uuid", str(uuid.uuid4()), "-pidfile",
                                self.mesh.path("libvirt/qemu/run/liar.pid"), image),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.mesh.foreign.append(liar)
        self.mesh.wait_row("liar", state="running", owner="libvirt")

        outcome = self.mesh.ctys("shutdown", "liar")

        self.assertEqual(outcome.status, 1, outcome.out + outcome.err)
        self.assertIn("/run/libvirt/qemu/liar.pid does not name process", outcome.err)
        # Nothing was run for it at all.
        self.assertNotIn("liar: its owner is told to ask it", self.mesh.log("w1", lines=1000))
        self.assertEqual(self.said("domstate", row["label"]), "running")

    def test_a_machine_that_goes_down_asks_them_through_virsh(self):
        self.start_domain("web", "polite")

        said = subprocess.run(
            self.machine.inside(self.mesh.program("ctys-agent"), "--stop-guests", "--name", "w1",
                                "--pool", self.mesh.path("pool")),
            env=self.mesh.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=mesh.PATIENCE_S * 3)

        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertIn("web: asked to end", said.stdout + said.stderr)
        self.assert_off("web", "(shutdown)")


if __name__ == "__main__":
    mesh.main()
