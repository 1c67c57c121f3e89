"""A running mesh for acceptance tests: broker, agents, pools, and guests of one boot sector.

Everything lives below one temporary folder. Waiting is reading `ctys events` up to a deadline. When a
Mesh is closed it ends the processes it started and whatever names its own folder, and nothing else.
"""

import collections
import json
import os
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
QEMU = "qemu-system-x86_64"
# Generous: the sanitizers and a busy machine slow everything; nothing waits longer than it must.
PATIENCE_S = 60.0
SETTLED_S = 2.0  # an exchange follows its hello within milliseconds

# Boot sectors for q35: PM1 event block at 0x600, control register at 0x604 (0x2000 is power off).
# QEMU drops a press of the button while it is not armed; who reads "up" may press it.
_SAY_UP = "BAF803B075EEB070EEB00AEE"
_ARM_BUTTON = "FBBA0206B80001EF"
_AWAIT_BUTTON = "F4BA0006EDF6C40174F6"
_POWER_OFF = "BA0406B80020EFF4EBFD"
GUESTS = {
    "polite": _ARM_BUTTON + _SAY_UP + _AWAIT_BUTTON + _POWER_OFF,  # powers off at the button
    "stubborn": "FB" + _SAY_UP + "F4EBFD",  # ignores the button
    "idle": "FA" + _SAY_UP + "F4EBFD",  # interrupts off: costs no processor time
    "ending": "FBB91200F44975FC" + _POWER_OFF,  # powers off by itself after 1 s
}

Outcome = collections.namedtuple("Outcome", "status rows out err seconds")


def boot_image(path, guest):
    """Writes a sparse raw disk of 1 MiB that boots the guest."""
    code = bytes.fromhex(GUESTS[guest])
    with open(path, "wb") as image:
        image.write(code.ljust(510, b"\0") + b"\x55\xaa")
        image.truncate(1 << 20)
    return path


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def figures(name, values, unit="ms"):
    """Prints one line of figures, so that a run can be compared with another."""
    print(
        f"FIGURE {name}: n={len(values)} min={min(values):.2f} median={percentile(values, 0.5):.2f} "
        f"p99={percentile(values, 0.99):.2f} max={max(values):.2f} {unit}",
        flush=True,
    )


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def parent_of(pid):
    """0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return int(stat.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def matching(wanted, event):
    """Each wanted field equals the event's; a callable decides by itself."""
    return all(
        value(event.get(key)) if callable(value) else event.get(key) == value
        for key, value in wanted.items()
    )


class Deadline:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(0.0, self.end - time.monotonic())

    def over(self):
        return time.monotonic() >= self.end


class EventStream:
    """One long-running `ctys events -o jsonl`. Each event gets `arrived`: the monotonic time in
    seconds at which its line was read from the pipe, and `arrived_wall`."""

    def __init__(self, mesh, *arguments):
        self.mesh = mesh
        self.seen = []
        self._rest = b""
        with open(mesh.path("events.err"), "ab") as errors:
            self.process = subprocess.Popen(
                [mesh.program("ctys"), "events", "-o", "jsonl", *arguments],
                env=mesh.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.process.stdout, selectors.EVENT_READ)

    def read(self, seconds):
        """Reads what comes within that time; returns after the first block. False at the end."""
        if not self._selector.select(seconds):
            return True
        block = os.read(self.process.stdout.fileno(), 1 << 16)
        now, wall = time.monotonic(), time.time()
        lines = (self._rest + block).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            event = json.loads(line)
            event["arrived"], event["arrived_wall"] = now, wall
            self.seen.append(event)
        return bool(block)

    def drain(self):
        while self._selector.select(0) and self.read(0):
            pass
        return self.seen

    def mark(self):
        """A place in the stream; events after it have not been read yet."""
        self.drain()
        return len(self.seen)

    def find(self, after=0, **wanted):
        return [event for event in self.seen[after:] if matching(wanted, event)]

    def wait(self, seconds=PATIENCE_S, after=0, **wanted):
        """The first event at or behind `after` that matches; AssertionError at the deadline."""
        deadline = Deadline(seconds)
        at = after
        while True:
            while at < len(self.seen):
                if matching(wanted, self.seen[at]):
                    return self.seen[at]
                at += 1
            if deadline.over() or not self.read(deadline.left()):
                raise AssertionError(
                    f"no event {wanted} within {seconds} s; the last were:\n"
                    + "\n".join(brief(event) for event in self.seen[-25:])
                )

    def close(self):
        self._selector.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def brief(event):
    keys = ("time", "kind", "worker", "label", "action", "old_state", "new_state", "by", "evidence", "text")
    return " ".join(f"{key}={event[key]}" for key in keys if event.get(key)) or json.dumps(event)


class Mesh:
    """Broker and agents with state below `root`. Not started until asked."""

    def __init__(self, binaries, folder="/tmp"):
        self.binaries = os.path.realpath(binaries)
        # Socket paths end at 107 bytes: as short as it goes.
        self.root = tempfile.mkdtemp(prefix="cm", dir=folder)
        self.environment = {
            key: value for key, value in os.environ.items() if not key.startswith("CTYS_")
        }
        self.environment.update(
            CTYS_STATE_DIR=self.path("state"),
            CTYS_RUNTIME_DIR=self.path("run"),
            CTYS_CONFIG_DIR=self.path("etc"),
            CTYS_QEMU_CALL=self.program("ctys-qemu-call"),
            # A survey asks every QEMU of the machine; plugins_test.py shows what it finds.
            CTYS_EMULATORS_PROBE="false",
            PATH=self.binaries + ":" + os.environ["PATH"],
            ASAN_OPTIONS="abort_on_error=1:detect_leaks=0",
            UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1",
        )
        self.processes = {}  # role -> Popen, as long as it should be running
        self.foreign = []
        self.streams = []
        self.tools = []  # calls of ctys under way
        self.uuids = {}  # label -> UUID of its configuration
        for folder in ("state", "run", "etc"):
            os.mkdir(self.path(folder), 0o700)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def program(self, name):
        return os.path.join(self.binaries, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- broker and agents ---------------------------------------------------------------------

    def _start(self, role, argv):
        assert role not in self.processes, f"{role} runs already"
        with open(self.path(role + ".log"), "ab") as log:
            self.processes[role] = subprocess.Popen(
                argv, env=self.environment, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self.processes[role]

    def start_broker(self, *options):
        """Returns when its lock is answered by a socket that takes requests."""
        process = self._start("broker", [self.program("ctys-broker"), *options])
        deadline = Deadline(PATIENCE_S)
        # --timeout bounds each question; an unreachable broker is status 6.
        while self.ctys("list", "-o", "name", "--timeout", "1s").status != 0:
            assert process.poll() is None, "the broker ended:\n" + self.log("broker")
            assert not deadline.over(), "the broker does not answer:\n" + self.log("broker")
        return process

    def start_agent(self, name, *pools, wait=True, inside=()):
        """Pools are folders below the root, made when they are missing. Waits until it has said hello,
        which comes after its first walk of the pools. `inside` is a command that runs its
        arguments, in a namespace for example."""
        argv = [*inside, self.program("ctys-agent"), "--name", name]
        for pool in pools:
            os.makedirs(self.path(pool), exist_ok=True)
            argv += ["--pool", self.path(pool)]
        stream = self.events("--from", self.head(), "--filter", "family=worker") if wait else None
        process = self._start(name, argv)
        if wait:
            stream.wait(kind=lambda kind: kind in ("registered", "alive", "fact"), worker=name)
            try:
                # What it says of itself is published behind what it found; but where nothing changed
                # since its hello, nothing is published.
                stream.wait(SETTLED_S, kind="fact", worker=name)
            except AssertionError:
                pass
            self.streams.remove(stream)
            stream.close()
        return process

    def journal(self):
        """All events so far."""
        return self.ctys("events", "--from", "beginning", "--no-follow", "-o", "jsonl").rows

    def head(self):
        """The cursor of the newest event, for `--from`."""
        rows = self.journal()
        return rows[-1]["cursor"] if rows else "beginning"

    def kill9(self, role):
        """kill -9 of a broker or an agent; returns when it is gone."""
        process = self.processes.pop(role)
        process.kill()
        process.wait(PATIENCE_S)

    def stop(self, role):
        """Asks it to end; returns its exit status."""
        process = self.processes.pop(role)
        process.terminate()
        try:
            return process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{role} does not end:\n" + self.log(role)) from None

    def log(self, role, lines=40):
        try:
            with open(self.path(role + ".log"), errors="replace") as log:
                return "".join(log.readlines()[-lines:])
        except OSError:
            return ""

    # --- virtual machines ----------------------------------------------------------------------

    def make_vm(self, pool, label, guest="polite", memory_mb=16, directory=None, name=None, extra=""):
        """A VM directory as the template makes one: `directory` and `name` (of the three files)
        default to the label. Returns the configuration's path."""
        name = name or label
        folder = self.path(pool, directory or label)
        os.makedirs(folder, exist_ok=True)
        boot_image(os.path.join(folder, name + ".img"), guest)
        settings = (
            f"MEMSIZE={memory_mb}",
            f'HDDBOOTIMAGE="$CTYSWRAPPERPATH/{name}.img"',
            "IMAGEFORMAT=raw",
            "NETWORK=none",
            "ACCELERATOR=QEMU",
        )
        return self.write_vm(folder, label, name, "\n".join(settings) + "\n" + extra)

    def write_vm(self, folder, label, name, settings):
        """Wrapper and configuration with a UUID of its own. Returns the configuration's path."""
        wrapper = os.path.join(folder, name + ".sh")
        shutil.copy(os.path.join(ROOT, "deploy/templates/vm.sh"), wrapper)
        os.chmod(wrapper, 0o755)
        self.uuids[label] = str(uuid.uuid4())
        mac = "52:54:00:" + ":".join(f"{byte:02x}" for byte in os.urandom(3))
        lines = ["#@#MAGICID-QEMU", '#@#SESSIONTYPE = "QEMU"', '#@#VMSTATE = "ACTIVE"']
        for key, value in (("LABEL", label), ("UUID", self.uuids[label]), ("MAC0", mac)):
            lines += [f'#@#{key} = "{value}"', f'{key}="{value}"']
        # Renamed into place: a scan never sees half a file.
        configuration = os.path.join(folder, name + ".ctys")
        with open(configuration + ".new", "w") as file:
            file.write("\n".join(lines) + "\n" + settings)
        os.rename(configuration + ".new", configuration)
        return configuration

    def start_foreign(self, *options, image=None):
        """A QEMU that nobody of the mesh started; its image is its last argument, as people and the
        original's wrappers write it. Returns its Popen."""
        argv = [QEMU, "-machine", "q35,accel=tcg", "-m", "16", "-display", "none", *options]
        process = subprocess.Popen(
            argv + ([image] if image else []),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.foreign.append(process)
        return process

    def own_processes(self, *texts, program=QEMU):
        """Pids of a program whose command line names this mesh's folder and each of the texts."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().decode(errors="replace").split("\0")
            except OSError:
                continue
            line = " ".join(words)
            if self.root + "/" in line and all(text in line for text in texts):
                if not program or os.path.basename(words[0]) == program:
                    if alive(int(entry)):
                        found.append(int(entry))
        return found

    # --- asking ----------------------------------------------------------------------------------

    def ctys(self, *arguments, seconds=PATIENCE_S * 5):
        """Runs ctys to its end. Rows are the objects of its output when that is JSON lines."""
        process = self.ctys_begin(*arguments)
        return self.ctys_end(process, seconds)

    def ctys_begin(self, *arguments):
        process = subprocess.Popen(
            [self.program("ctys"), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        process.begun = time.monotonic()
        self.tools.append(process)
        return process

    def ctys_end(self, process, seconds=PATIENCE_S * 5):
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise AssertionError(f"{process.args} does not end within {seconds} s") from None
        finally:
            self.tools.remove(process)
        spent = time.monotonic() - process.begun
        rows = []
        for line in out.splitlines():
            if line.startswith("{"):
                rows.append(json.loads(line))
        return Outcome(process.returncode, rows, out, err, spent)

    def events(self, *arguments):
        """A stream of events, from the beginning of the journal unless told otherwise."""
        stream = EventStream(self, *(arguments or ("--from", "beginning")))
        self.streams.append(stream)
        return stream

    def rows(self, *arguments):
        """Rows of `ctys list`, of this mesh's own VMs: others' QEMUs on the machine are left out."""
        outcome = self.ctys("list", "-o", "jsonl", *arguments)
        assert outcome.status == 0, outcome.err
        return outcome.rows

    def wait_rows(self, condition, what, *arguments, seconds=PATIENCE_S):
        """Lists again after every event until the condition holds for the rows."""
        stream = self.events()
        deadline = Deadline(seconds)
        try:
            while True:
                rows = self.rows(*arguments)
                if condition(rows):
                    return rows
                if deadline.over():
                    stream.drain()
                    raise AssertionError(
                        f"not within {seconds} s: {what}; the rows are\n"
                        + "\n".join(str({k: v for k, v in row.items() if v}) for row in rows)
                        + "\nand the last events\n"
                        + "\n".join(brief(event) for event in stream.seen[-25:])
                    )
                # Not every change of a row has an event (ages): ask again after a while.
                stream.read(min(0.5, deadline.left()))
        finally:
            self.streams.remove(stream)
            stream.close()

    def wait_row(self, label, seconds=PATIENCE_S, **wanted):
        """The one row with that label, once it has the wanted fields."""
        def chosen(rows):
            return [row for row in rows if row["label"] == label and matching(wanted, row)]

        return chosen(self.wait_rows(chosen, f"{label} with {wanted}", "--all", seconds=seconds))[0]

    def start_vm(self, label, *options):
        """Starts it and returns the row of the running VM, once its guest listens."""
        outcome = self.ctys("start", label, *options)
        assert outcome.status == 0, f"start {label}: {outcome.status} {outcome.out}{outcome.err}"
        row = self.wait_row(label, state="running")
        self.wait_up(os.path.join(os.path.dirname(row["sport"]), "serial.log"))
        return row

    def wait_up(self, serial, seconds=PATIENCE_S):
        """Until the guest has said that it is up; a file is all that a serial port leaves."""
        deadline = Deadline(seconds)
        while True:
            try:
                with open(serial, "rb") as file:
                    if b"up" in file.read():
                        return
            except FileNotFoundError:
                pass
            assert not deadline.over(), f"no guest is up in {serial}"
            select.select([], [], [], 0.02)

    # --- the end -----------------------------------------------------------------------------------

    def close(self):
        for stream in self.streams:
            stream.close()
        self.streams.clear()
        for process in self.tools:
            process.kill()
            process.communicate()
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.processes.clear()
        for process in self.foreign:
            process.kill()
            process.wait()
            if process.stdin:
                process.stdin.close()
        # VMs outlive agents by design; wrappers and helpers name the folder as well.
        deadline = Deadline(PATIENCE_S)
        while pids := [pid for pid in self.own_processes(program=None) if pid != os.getpid()]:
            assert not deadline.over(), f"still there: {pids}"
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        if os.environ.get("CTYS_KEEP"):
            print("kept:", self.root)
        else:
            shutil.rmtree(self.root, ignore_errors=True)


class Qmp:
    """A few commands over a monitor socket, one conversation per call, as the socket takes one."""

    def __init__(self, path):
        self.path = path

    def execute(self, command, seconds=10.0, **arguments):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(self.path)
            with connection.makefile("rw") as file:
                file.readline()  # greeting
                for request in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                    file.write(json.dumps(request) + "\n")
                    file.flush()
                    answer = json.loads(file.readline())
                    while "event" in answer:
                        answer = json.loads(file.readline())
        return answer


class MeshCase(unittest.TestCase):
    """Each test has a mesh of its own, not yet started, ended also when the test fails."""

    def setUp(self):
        self.mesh = Mesh(BINARIES)
        self.addCleanup(self.mesh.close)
        self.addCleanup(self._show_logs)

    def shows(self):
        """Whether what happened is printed: the test has failed, or CTYS_SHOW is set. What unittest keeps
        as its outcome is, while it cleans up, that of each clean-up."""
        result = self._outcome.result if self._outcome else None
        failed = result is not None and any(test is self for test, _ in result.failures + result.errors)
        return failed or bool(os.environ.get("CTYS_SHOW"))

    def _show_logs(self):
        if not self.shows():
            return
        for entry in sorted(os.listdir(self.mesh.root)):
            if entry.endswith((".log", ".err")):
                with open(self.mesh.path(entry), errors="replace") as log:
                    print(f"--- {entry}\n" + "".join(log.readlines()[-30:]), file=sys.stderr)

    def start_mesh(self, *pools):
        self.mesh.start_broker()
        self.mesh.start_agent("w1", *(pools or ("pool",)))


BINARIES = ""
long_only = unittest.skipUnless(os.environ.get("CTYS_LONG"), "CTYS_LONG is not set")


def measuring():
    """Durations are asserted, not only printed: for programs without sanitizers on a quiet machine."""
    return bool(os.environ.get("CTYS_MEASURE"))


def count(short, long):
    """How often something is repeated in a usual run and in a long one."""
    return int(os.environ.get("CTYS_MESH_COUNT", long if os.environ.get("CTYS_LONG") else short))


def main():
    """python3 thing_test.py BINARIES [unittest's arguments]"""
    global BINARIES
    if len(sys.argv) < 2 or not os.path.exists(os.path.join(sys.argv[1], "ctys")):
        sys.exit(f"usage: {sys.argv[0]} FOLDER-OF-PROGRAMS [TEST...]")
    # A test that is told to end cleans up as one that fails; the default would leave its machines.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # The tests import this file as a module of its own name.
    sys.modules["mesh"].BINARIES = BINARIES = sys.argv.pop(1)
    unittest.main(module="__main__", verbosity=2, failfast=False)
