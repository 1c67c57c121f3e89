"""Lists, look-ups and scans of large inventories; what QEMU does and how soon it is told."""

import json
import os
import pathlib
import select
import signal
import socket
import statistics
import subprocess
import threading
import time

from harness import Broken, Mesh, Program, alternate, make_vm, wait_for


def list_ms(mesh, expected):
    with open(mesh.folder / "list", "wb") as out:
        begin = time.monotonic()
        child = subprocess.Popen([mesh.bench.program("ctys"), "list", "-o", "jsonl"],
                                 env=mesh.env, stdout=out)
        # A wait with a timeout looks at growing intervals, up to 50 ms: it would measure those.
        watchdog = threading.Timer(120, child.kill)
        watchdog.start()
        status = child.wait()
        spent = time.monotonic() - begin
        watchdog.cancel()
    if status != 0:
        raise Broken(f"ctys list ended with status {status}")
    lines = (mesh.folder / "list").read_bytes().count(b"\n")
    if lines != expected:
        raise Broken(f"{lines} rows of {expected}")
    return spent * 1000


def listing(bench):
    small, large = bench.size(20000, 200), bench.size(100000, 1000)
    folder = bench.fresh()
    with Mesh(bench) as few, Mesh(bench, folder) as many:
        for mesh, vms in ((few, small), (many, large)):
            mesh.pump(vms, vms // 2)
        medians = alternate(bench.times, lambda: list_ms(few, small), lambda: list_ms(many, large))
        yield (f"ctys list -o jsonl of {small} VMs, ms", medians[0], 100.0, 1.0)
        yield (f"the same of {large} VMs, ms", medians[1], medians[0], 5.5)
    with Program([bench.program("bench_lookup"), folder / "state" / "broker",
                  bench.size(50000, 1000)]) as probe:
        probe.line("lookup", 120)  # the cache is warm from here on
    found = []
    for _ in range(bench.times):
        with Program([bench.program("bench_lookup"), folder / "state" / "broker",
                      bench.size(50000, 1000)]) as probe:
            found.append([float(word) for word in probe.line("lookup", 120)[1:3]])
    yield (f"lookup by label among {large} VMs, us",
           *(statistics.median(column) for column in zip(*found)), 3.0)


def scan(bench):
    count = bench.size(100000, 500)
    pool = bench.fresh()
    for i in range(count):
        folder = pool / f"group-{i // 1000:03}" / f"vm-{i:06}"
        folder.mkdir(parents=True)
        (folder / f"vm-{i:06}.ctys").write_text(
            f'#@#MAGICID-QEMU\n#@#LABEL = "vm-{i:06}"\n#@#UUID = '
            f'"c0000000-0000-4000-8000-{i:012x}"\nMEMSIZE=16\n')

    def timed(argv, expected):
        begin = time.monotonic()
        done = subprocess.run(argv, capture_output=True, check=True, timeout=600)
        spent = (time.monotonic() - begin) * 1000
        if expected(done.stdout) != count:
            raise Broken(f"{argv[0]} found {expected(done.stdout)} of {count}")
        return spent

    ours = lambda: timed([bench.program("bench_scan_pool"), bench.program("ctys-scan-helper"), pool],
                         lambda out: int(out.split()[1]))
    find = lambda: timed(["find", pool, "-name", "*.ctys"], lambda out: out.count(b"\n"))
    ours(), find()  # a warm cache
    yield (f"scan of {count} directories, ms", *alternate(bench.times, ours, find), 1.5)



def start_all(mesh, labels):
    for label in labels:
        mesh.ctys("start", label, "--no-wait")
    wait_for("all VMs", lambda: sum(row["state"] == "running" for row in mesh.rows()) == len(labels))
    return {row["label"]: row["pid"] for row in mesh.rows()}


def kill_all(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def told_after(bench):
    """SIGKILL of a QEMU until a running `ctys events` has printed it."""
    labels = [f"kill-{i:03}" for i in range(bench.size(100, 3))]
    pool = bench.fresh()
    for number, label in enumerate(labels):
        make_vm(pool, label, number)
    with Mesh(bench) as mesh:
        mesh.agent(pool)
        wait_for("the VMs", lambda: len(mesh.rows()) == len(labels))
        pids = start_all(mesh, labels)
        spent, dying = [], []
        try:
            events = mesh.start("ctys", "events", "-o", "jsonl", "--filter", "kind=stopped")
            time.sleep(1)
            for label in labels:
                gone = os.pidfd_open(pids[label])
                begin = time.monotonic()
                os.kill(pids[label], signal.SIGKILL)
                select.select([gone], [], [], 10)
                dying.append((time.monotonic() - begin) * 1000)
                os.close(gone)
                events.line("{", 10)
                spent.append((time.monotonic() - begin) * 1000)
        finally:
            kill_all(pids.values())
    share, kernel = (sorted(all_)[max(0, len(all_) * 99 // 100 - 1)] for all_ in (spent, dying))
    yield (f"SIGKILL of a QEMU until told, 99 of 100, ms (median {statistics.median(spent):.1f})",
           share, 10.0, 1.0)
    # Whoever watches it cannot know before: what is torn down is the guest's memory.
    yield (f"of that until the kernel says so, ms (median {statistics.median(dying):.1f})",
           kernel, 10.0, None)


def by_hand_ms(argv, folder):
    """The same command, without -S, until QMP says running."""
    theirs = next(word.split("path=")[1].split("/qmp.sock")[0] for word in argv if "/qmp.sock" in word)
    words = [word.replace(theirs, str(folder)) for word in argv if word != "-S"]
    with socket.socket(socket.AF_UNIX) as door, socket.socket(socket.AF_UNIX) as console:
        for listener, name in ((door, "qmp.sock"), (console, "serial.sock")):
            listener.bind(str(folder / name))
            listener.listen(1)
        door.settimeout(20)
        begin = time.monotonic()
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            talk, _ = door.accept()
            with talk, talk.makefile("rwb") as lines:
                talk.settimeout(20)
                lines.readline()  # the greeting
                ask_qmp(lines, "qmp_capabilities")
                while ask_qmp(lines, "query-status").get("status") != "running":
                    pass
            return (time.monotonic() - begin) * 1000
        finally:
            child.kill()
            child.wait()


def ask_qmp(lines, command):
    lines.write(json.dumps({"execute": command}).encode() + b"\n")
    lines.flush()
    answer = json.loads(lines.readline())
    while "event" in answer:
        answer = json.loads(lines.readline())
    return answer["return"]


def start(bench):
    pool = bench.fresh()
    make_vm(pool, "one", 1)
    with Mesh(bench) as mesh:
        # As an agent begins unless told otherwise: a start finds the version of its QEMU noted.
        mesh.env["CTYS_EMULATORS_PROBE"] = "true"
        mesh.agent(pool)
        wait_for("the VM", lambda: len(mesh.rows()) == 1)
        wait_for("the survey", (mesh.folder / "run" / "kvm").exists)
        argv = []

        def ours():
            # The one that was started by hand before may not have been told as ended yet.
            wait_for("the end", lambda: mesh.rows()[0]["state"] == "stopped")
            begin = time.monotonic()
            mesh.ctys("start", "one")
            spent = (time.monotonic() - begin) * 1000
            pid = mesh.rows()[0]["pid"]
            argv[:] = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
            os.kill(pid, signal.SIGKILL)
            wait_for("the end", lambda: mesh.rows()[0]["state"] == "stopped")
            return spent

        medians = alternate(bench.times, ours, lambda: by_hand_ms(argv, bench.fresh()))
        allowed = 1.2 * medians[1] + 30
        yield (f"ctys start until running, ms (by hand {medians[1]:.0f}; target 1.2x + 30)",
               medians[0], allowed, 1.0)


def agent(bench):
    count = bench.size(200, 3)
    pool = bench.fresh()
    labels = [f"vm-{i:03}" for i in range(count)]
    for number, label in enumerate(labels):
        make_vm(pool, label, number)
    with Mesh(bench) as mesh:
        program = mesh.agent(pool)
        wait_for("the VMs", lambda: len(mesh.rows()) == count)
        pids = start_all(mesh, labels)
        try:
            time.sleep(bench.size(5, 1))
            before, begin = cpu_s(program.child.pid), time.monotonic()
            time.sleep(bench.size(30, 2))
            share = (cpu_s(program.child.pid) - before) / (time.monotonic() - begin) * 100
            status = pathlib.Path(f"/proc/{program.child.pid}/status").read_text()
            anonymous = int(status.split("RssAnon:")[1].split()[0]) / 1024
        finally:
            kill_all(pids.values())
        yield (f"agent with {count} VMs: RssAnon, MiB", anonymous, 16.0, 1.0)
        yield (f"agent with {count} idle VMs: CPU, % of one core", share, 0.5, 1.0)


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


ROWS = {"list": listing, "kill": told_after, "start": start, "agent": agent, "scan": scan}
