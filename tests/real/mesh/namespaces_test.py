"""Two workers in network and process namespaces of their own, over tcp with keys, and one pool that both
see at different places: what happens when one of them is cut off."""

import json
import os
import subprocess
import time
import unittest

from mesh import MeshCase, alive, count, figures, main

SPOOLED = 12  # virtual machines that appear on the worker while it is cut off


def possible():
    """Namespaces need root and its capabilities."""
    probe = ["unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc", "true"]
    return os.geteuid() == 0 and subprocess.run(probe, capture_output=True).returncode == 0


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


class Machine:
    """A network namespace with one cable to ours. Commands run in process and mount namespaces too."""

    def __init__(self, number):
        self.name = f"cm{os.getpid()}n{number}"
        self.cable = f"cm{os.getpid() % 100000}v{number}"
        # 198.18.0.0/15 is reserved for tests (RFC 2544); one /30 per cable.
        base = 4 * (os.getpid() % 8000) + 32768 * (number - 1)
        self.here = f"198.18.{base // 256 % 256}.{base % 256 + 1}"
        there = f"198.18.{base // 256 % 256}.{base % 256 + 2}"
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "address", "add", self.here + "/30", "dev", self.cable)
        run("ip", "link", "set", self.cable, "up")
        for words in (f"address add {there}/30 dev eth0", "link set eth0 up", "link set lo up"):
            run("ip", "-n", self.name, *words.split())

    def inside(self, environment, *binds):
        """Words that run what follows them in this machine, with folders bound to others there, as
        the child of a shell that reaps what is left over."""
        script = "".join(f"mount --bind '{what}' '{where}' && " for what, where in binds)
        script += '"$@" & wait'
        return [
            *("ip", "netns", "exec", self.name),
            *("unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"),
            *("env", *(f"{key}={value}" for key, value in environment.items())),
            *("sh", "-c", script, "sh"),
        ]

    def cut(self):
        run("ip", "link", "set", self.cable, "down")

    def mend(self):
        run("ip", "link", "set", self.cable, "up")

    def close(self):
        subprocess.run(["ip", "link", "delete", self.cable], capture_output=True)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True)


@unittest.skipUnless(possible(), "needs root and namespaces")
class NamespacesTest(MeshCase):
    def setUp(self):
        super().setUp()
        self.machines = {}
        for number in (1, 2):
            machine = Machine(number)
            self.machines[f"w{number}"] = machine
            self.addCleanup(machine.close)
        os.makedirs(self.mesh.path("keys"), 0o700)
        os.makedirs(self.mesh.path("secrets"), 0o700)
        self.mesh.make_vm("shared", "ro", guest="idle", extra="READONLY=on\n")
        self.mesh.make_vm("shared", "rw", guest="idle")

    def generate(self, name, *options, secret=None, known=True):
        """A key pair by the tool; returns the file with the secret half."""
        secret = secret or self.mesh.path("secrets", name)
        made = self.mesh.ctys("keys", "generate", "--file", secret, "--name", name, *options)
        self.assertEqual(made.status, 0, made.err)
        if known:
            with open(self.mesh.path("keys", name + ".pub"), "w") as file:
                file.write(made.out)
        return secret, made.out

    def begin(self):
        """The broker on both cables; w1 sees the pool as mount1, w2 as mount2."""
        _, public = self.generate("broker", secret=self.mesh.path("keys/broker.secret"), known=False)
        broker_key = next(line.split('"')[1] for line in public.splitlines() if line.startswith("key"))
        endpoints = {name: f"tcp://{machine.here}:7510" for name, machine in self.machines.items()}
        for name in self.machines:
            self.generate(name, "--role", "agent", "--worker", name)
        self.mesh.environment["CTYS_MESH_LISTEN"] = ",".join(endpoints.values())
        self.mesh.environment["CTYS_KEYS_FOLDER"] = self.mesh.path("keys")
        self.mesh.start_broker()
        self.events = self.mesh.events()
        for number, (name, machine) in enumerate(self.machines.items(), 1):
            mount, local = self.mesh.path(f"mount{number}"), self.mesh.path(f"local{number}")
            os.makedirs(mount)
            environment = {
                "CTYS_BROKER": endpoints[name],
                "CTYS_KEYS_SECRET": self.mesh.path("secrets", name),
                "CTYS_KEYS_BROKER": broker_key,
            }
            inside = machine.inside(environment, (self.mesh.path("shared"), mount))
            self.mesh.start_agent(name, mount, local, inside=inside)

    def paths(self, label):
        shown = self.mesh.ctys("show", label, "-o", "json")
        self.assertEqual(shown.status, 0, shown.err)
        return {path["worker"].split()[0]: path for path in json.loads(shown.out)["path_list"]}

    def wait_proven(self, label):
        begun = time.monotonic()
        while time.monotonic() - begun < 30:
            paths = self.paths(label)
            if len(paths) == 2 and all(path["health"] == "good" for path in paths.values()):
                return time.monotonic() - begun, paths
            self.events.read(0.2)
        raise AssertionError(f"two good paths do not come: {paths}")

    def test_a_qemu_that_dies_at_once_ends_its_start(self):
        # In a process namespace no kernel message tells of exits: QEMU dials in and is gone before
        # the next look at the processes. The second drive cannot have the image of the first.
        drive = '"-drive file=$CTYSWRAPPERPATH/dies.img,format=raw,if=ide,readonly=on"'
        self.mesh.make_vm("shared", "dies", extra=f"ARGSADD={drive}\n")
        self.begin()
        self.wait_proven("dies")
        spent = []
        for _ in range(count(10, 50)):
            outcome = self.mesh.ctys("start", "dies", "--on", "w1")
            self.assertEqual(outcome.status, 1, outcome.err)
            # Its end and that of its wrapper are told by different parts of the kernel, in any order.
            self.assertRegex(
                outcome.err, "(QEMU ended before it ran|its wrapper ended with status 1): qemu-system"
            )
            spent.append(outcome.seconds * 1000)
        figures("start of a QEMU that dies", spent)
        self.assertLess(max(spent), 10_000)
        self.assertEqual(self.mesh.wait_row("dies")["state"], "stopped")

    def test_a_cut_off_worker_keeps_its_lease_until_it_is_fenced(self):
        self.begin()
        seconds, paths = self.wait_proven("ro")
        print(f"FIGURE storage of two workers proven: {seconds:.1f} s after both were there", flush=True)
        self.assertNotEqual(paths["w1"]["config"], paths["w2"]["config"])
        self.assertEqual(paths["w1"]["pool"], paths["w2"]["pool"])
        shown = self.mesh.ctys("show", "ro").out
        self.assertRegex(shown, r"w1 +good +\S+/mount1/ro/ro.ctys")
        self.assertRegex(shown, r"w2 +good +\S+/mount2/ro/ro.ctys")
        self.assertNotIn("unproven", shown)

        for label in ("ro", "rw"):
            row = self.mesh.start_vm(label, "--on", "w1")
            self.assertEqual(row["worker"], "w1")
            second = self.mesh.ctys("start", label, "--on", "w2")
            print(f"START on w2 while it runs: {second.status} {second.err.strip()!r}", flush=True)
            self.assertEqual(second.status, 5)
            self.assertIn("w1", second.err)
        before = self.mesh.own_processes("ro.img") + self.mesh.own_processes("rw.img")
        self.assertEqual(len(before), 2)

        after = self.events.mark()
        self.machines["w1"].cut()
        begun = time.monotonic()
        self.events.wait(after=after, kind="suspect", worker="w1")
        suspect = time.monotonic() - begun
        for number in range(SPOOLED):
            self.mesh.make_vm("local1", f"late{number}")
            time.sleep(0.3)
        self.events.wait(after=after, kind="lost", worker="w1")
        print(f"FIGURE cut off: suspect after {suspect:.1f} s, lost after "
              f"{time.monotonic() - begun:.1f} s", flush=True)
        self.assertEqual(self.events.find(after=after, kind="suspect", worker="w2"), [])
        held = self.mesh.ctys("start", "ro", "--on", "w2")
        print(f"START on w2 while w1 is lost: {held.status} {held.err.strip()!r}", flush=True)
        self.assertEqual(held.status, 5)
        self.assertIn("w1", held.err)

        fenced = self.mesh.ctys("worker", "fence", "w1", "--reason", "cut off by a test", "--yes")
        self.assertEqual(fenced.status, 0, fenced.err)
        self.events.wait(after=after, kind="fenced", worker="w1")
        row = self.mesh.start_vm("ro", "--on", "w2")
        self.assertEqual(row["worker"], "w2")
        # The image of this one is open for writing in the QEMU that still runs: its lock holds.
        locked = self.mesh.ctys("start", "rw", "--on", "w2")
        print(f"START of a writable image: {locked.status} {locked.err.strip()!r}", flush=True)
        self.assertNotEqual(locked.status, 0)
        self.assertIn("lock", locked.err)

        back = self.events.mark()
        self.machines["w1"].mend()
        conflict = self.events.wait(after=back, kind="conflict", label="ro")
        self.assertIn("w1", conflict["text"])
        self.assertIn("w2", conflict["text"])
        last = f"late{SPOOLED - 1}"
        self.events.wait(after=back, kind="seen", label=last)
        self.mesh.wait_rows(
            lambda rows: any("conflict" in json.dumps(row) for row in rows if row["label"] == "ro"),
            "the conflict is on the row",
        )
        listed = self.mesh.ctys("list").out
        print("\n".join("LIST " + line for line in listed.splitlines() if line.startswith("r")), flush=True)
        # Nothing was killed, and nothing of what happened meanwhile is lost or out of order.
        self.assertTrue(all(alive(pid) for pid in before))
        self.assertEqual(len(self.mesh.own_processes("ro.img")), 2)
        late = [event["label"] for event in self.events.find(after=back, kind="seen", worker="w1")]
        self.assertEqual(late, [f"late{number}" for number in range(SPOOLED)])
        self.assertEqual(self.events.find(kind="gap"), [])
        self.assertEqual(self.mesh.ctys("start", "ro", "--on", "w1").status, 5)
        running = self.mesh.ctys("show", "rw").out
        self.assertIn("running", running)


if __name__ == "__main__":
    main()
