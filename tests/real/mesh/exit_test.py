"""How a machine ended is told at once, with the evidence, and nothing is claimed that nobody saw."""

import os
import signal
import subprocess
import sys
import unittest

import mesh

# Takes memory in steps until that process has gone.
HOG = """
import os, sys
held = []
while os.path.exists("/proc/" + sys.argv[1]) and len(held) < 512:
    state = open("/proc/" + sys.argv[1] + "/stat").read().rpartition(")")[2].split()[0]
    if state in "ZX":
        break
    held.append(bytearray(os.urandom(1 << 20)))
"""


def memory_groups():
    """The folder of this process's memory control group, where it can have children (version 1)."""
    try:
        with open("/proc/self/cgroup") as groups:
            for line in groups:
                _, controllers, path = line.strip().split(":", 2)
                if "memory" in controllers.split(","):
                    for folder in ("/sys/fs/cgroup/memory" + path, "/sys/fs/cgroup/memory"):
                        if os.access(os.path.join(folder, "cgroup.procs"), os.W_OK):
                            return folder
    except OSError:
        pass
    return None


def leave_group(group):
    """Whoever is still in it moves up, so that the group can go."""
    with open(os.path.join(group, "cgroup.procs")) as file:
        for pid in file.read().split():
            try:
                with open(os.path.join(os.path.dirname(group), "cgroup.procs"), "w") as parent:
                    parent.write(pid)
            except OSError:
                pass
    os.rmdir(group)


class Exits(mesh.MeshCase):
    def test_a_killed_qemu_is_told_at_once_by_signal(self):
        kills = mesh.count(short=10, long=100)
        labels = [f"k{number}" for number in range(10)]
        for label in labels:
            self.mesh.make_vm("pool", label, "idle", memory_mb=8)
        self.start_mesh()
        stream = self.mesh.events()
        took = []
        while len(took) < kills:
            begun = stream.mark()
            outcome = self.mesh.ctys("start", *labels)
            self.assertEqual(outcome.status, 0, outcome.err)
            for label in labels:
                stream.wait(after=begun, kind="running", label=label)
            pids = {row["label"]: row["pid"] for row in self.mesh.rows() if row["label"] in labels}
            for label in labels:
                after = stream.mark()
                at = mesh.time.monotonic()
                os.kill(pids[label], signal.SIGKILL)
                event = stream.wait(after=after, kind="stopped", label=label)
                took.append((event["arrived"] - at) * 1000)
                self.assertEqual(event["by"], "signal", event)
                self.assertIn(event["evidence"], ("exit-status", "proc-connector"), event)
                self.assertIn("SIGKILL", event["text"] + str(event["data"]))

        mesh.figures("kill -9 to the line of ctys events", took)
        late = [value for value in took if value > 10]
        print(f"FIGURE over 10 ms: {len(late)} of {len(took)}", flush=True)
        if mesh.measuring():
            self.assertLessEqual(len(late) * 100, len(took))

    def test_a_wrapper_that_starts_nothing_is_told_with_its_words(self):
        self.mesh.make_vm("pool", "empty", "idle")
        with open(self.mesh.path("pool", "empty", "empty.sh"), "w") as wrapper:
            wrapper.write('#!/bin/bash\ncase $* in *--check*) ;; *) echo nothing to do today ;; esac\n')
        self.start_mesh()

        outcome = self.mesh.ctys("start", "empty")

        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertIn("its wrapper ended without starting QEMU: nothing to do today", outcome.err)

    @unittest.skipUnless(memory_groups(), "no memory control groups can be made here")
    def test_a_kill_for_lack_of_memory_is_told_as_that(self):
        group = os.path.join(memory_groups(), f"ctys-test-{os.getpid()}")
        os.mkdir(group)
        self.addCleanup(leave_group, group)
        self.mesh.make_vm("pool", "starved", "idle")
        self.mesh.start_broker()
        enter = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
        self.mesh.start_agent("w1", "pool", inside=enter)
        pid = self.mesh.start_vm("starved")["pid"]
        stream = self.mesh.events()
        # Nothing else of the group is to be chosen; next would be whoever takes the memory, which goes
        # on for a moment after the kill.
        with open(f"/proc/{pid}/oom_score_adj", "w") as score:
            score.write("1000")
        with open(f"{group}/memory.usage_in_bytes") as usage:
            limit = int(usage.read()) + (8 << 20)
        with open(f"{group}/memory.limit_in_bytes", "w") as file:
            file.write(str(limit))
        next_one = ["sh", "-c", 'echo 900 > /proc/self/oom_score_adj && exec "$@"', "sh"]
        hog = subprocess.Popen([*enter, *next_one, sys.executable, "-c", HOG, str(pid)])
        self.addCleanup(hog.wait, mesh.PATIENCE_S)
        self.addCleanup(hog.kill)

        event = stream.wait(kind="stopped", label="starved")

        self.assertEqual((event["by"], event["evidence"]), ("oom", "cgroup"), event)

    def test_a_guest_that_powers_off_is_told_by_guest(self):
        self.mesh.make_vm("pool", "ending", "ending")
        self.start_mesh()
        stream = self.mesh.events()
        outcome = self.mesh.ctys("start", "ending")
        self.assertEqual(outcome.status, 0, outcome.err)

        event = stream.wait(kind="stopped", label="ending")

        self.assertEqual(event["by"], "guest", event)
        self.assertIn(event["evidence"], ("qmp", "trace"), event)

    def test_a_foreign_exit_that_nobody_saw_is_unknown(self):
        self.start_mesh()
        stream = self.mesh.events()
        os.mkdir(self.mesh.path("elsewhere"))
        for label, guest in (("quits", "idle"), ("ends", "ending")):
            image = mesh.boot_image(self.mesh.path("elsewhere", label), guest)
            foreign = self.mesh.start_foreign("-name", label, "-monitor", "stdio", image=image)
            stream.wait(kind="running", label=label)
            # Both end with code 0; only who sees inside could tell them apart.
            if label == "quits":
                foreign.stdin.write(b"quit\n")
                foreign.stdin.flush()

            event = stream.wait(kind="gone", label=label)

            self.assertEqual(event["by"], "unknown", event)
            self.assertEqual(foreign.wait(mesh.PATIENCE_S), 0)

    def test_a_foreign_kill_is_told_by_signal_where_the_kernel_tells(self):
        self.start_mesh()
        stream = self.mesh.events()
        os.mkdir(self.mesh.path("elsewhere"))
        image = mesh.boot_image(self.mesh.path("elsewhere", "disk"), "idle")
        foreign = self.mesh.start_foreign("-name", "byhand", image=image)
        self.mesh.wait_row("byhand", pid=foreign.pid)

        foreign.kill()
        event = stream.wait(kind="gone", label="byhand")

        blind = str(self.mesh.ctys("workers", "-o", "jsonl").rows[0])
        if "exit codes of VMs of others" in blind:
            self.assertEqual(event["by"], "unknown", event)
        else:
            self.assertEqual((event["by"], event["evidence"]), ("signal", "proc-connector"), event)


if __name__ == "__main__":
    mesh.main()
