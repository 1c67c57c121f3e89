"""What every row of the bench needs: processes, a broker of its own, VM directories, a clock."""

import json
import os
import pathlib
import select
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
IDLE_GUEST = bytes.fromhex("FAF4EBFD")  # cli; hlt: costs no CPU, hears nothing


class Broken(Exception):
    """A program did not do its part: the row has no figure."""


class Program:
    """A child that speaks in lines. Ended, by its own id, when the block that holds it ends."""

    def __init__(self, argv, env=None, errors=None):
        self.argv = [str(word) for word in argv]
        self.child = subprocess.Popen(
            self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=env)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def line(self, begin="", patience=60.0):
        """The next line that begins with `begin`, as words."""
        until = time.monotonic() + patience
        while True:
            while b"\n" in self.rest:
                line, self.rest = self.rest.split(b"\n", 1)
                if line.startswith(begin.encode()):
                    return line.decode().split()
            ready, _, _ = select.select([self.child.stdout], [], [], max(0, until - time.monotonic()))
            chunk = os.read(self.child.stdout.fileno(), 1 << 16) if ready else b""
            if not chunk:
                raise Broken(f"{' '.join(self.argv[:4])}: no line {begin!r}")
            self.rest += chunk

    def say(self, line):
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()

    def end(self, patience=20.0):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(patience)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            stream.close()


class Bench:
    """One run: where programs and files are, and how large everything is."""

    def __init__(self, build, folder, quick):
        self.bin = pathlib.Path(build).resolve() / "bin"
        self.quick = quick
        self.times = 1 if quick else 5
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ctys-bench-", dir=folder))
        self.number = 0

    def size(self, full, small):
        return small if self.quick else full

    def program(self, name):
        path = self.bin / name
        if not path.exists():
            raise Broken(f"{path} is not built")
        return path

    def fresh(self):
        self.number += 1
        made = self.folder / str(self.number)
        made.mkdir()
        return made

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Mesh:
    """A broker with state and runtime folders of its own."""

    def __init__(self, bench, keep=None):
        self.bench = bench
        self.folder = keep or bench.fresh()
        self.env = dict(os.environ, CTYS_STATE_DIR=str(self.folder / "state"),
                        CTYS_RUNTIME_DIR=str(self.folder / "run"),
                        CTYS_EMULATORS_PROBE="false")
        self.state = self.folder / "state" / "broker"
        self.endpoint = f"ipc://{self.folder}/run/broker/mesh"
        self.log = open(self.folder / "log", "ab")
        self.programs = []

    def __enter__(self):
        self.broker = self.start("ctys-broker")
        until = time.monotonic() + 20
        while not accepts(self.folder / "run" / "broker" / "mesh"):
            if time.monotonic() > until:
                raise Broken("the broker did not come up: " + self.errors())
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        for program in reversed(self.programs):
            program.end()
        self.log.close()

    def start(self, name, *words):
        program = Program([self.bench.program(name), *words], self.env, self.log)
        self.programs.append(program)
        return program

    def errors(self):
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def pump(self, vms, live, name="pump"):
        pump = self.start("bench_pump", self.endpoint, name, vms, live)
        pump.line("ready", 600)
        return pump

    def ctys(self, *words, patience=120):
        done = subprocess.run([self.bench.program("ctys"), *words], env=self.env, text=True,
                              capture_output=True, timeout=patience, check=False)
        if done.returncode != 0:
            raise Broken(f"ctys {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def transactions(self):
        with Program([self.bench.program("bench_bare_puts"), "count", self.state / "db"]) as count:
            return int(count.line("transactions")[1])

    def agent(self, pool, name="w1"):
        agent = self.start("ctys-agent", "--name", name, "--pool", pool)
        wait_for("the worker", lambda: f'"{name}"' in self.ctys("workers", "-o", "jsonl"))
        return agent

    def rows(self):
        return [json.loads(line) for line in self.ctys("list", "-o", "jsonl").splitlines()]


def accepts(path):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
            return True
        except OSError:
            return False


def wait_for(what, holds, patience=120.0):
    until = time.monotonic() + patience
    while not holds():
        if time.monotonic() > until:
            raise Broken(f"{what} did not come within {patience:.0f} s")
        time.sleep(0.05)


def make_vm(pool, label, number):
    """A VM directory with a guest of one boot sector."""
    folder = pool / label
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "templates" / "vm.sh", folder / f"{label}.sh")
    (folder / f"{label}.sh").chmod(0o755)
    uuid = f"b0000000-0000-4000-8000-{number:012x}"
    (folder / f"{label}.ctys").write_text(
        f'#@#MAGICID-QEMU\n#@#LABEL = "{label}"\nLABEL="{label}"\n#@#UUID = "{uuid}"\nUUID="{uuid}"\n'
        'MEMSIZE=16\nHDDBOOTIMAGE="$CTYSWRAPPERPATH/' + label + '.img"\n'
        "IMAGEFORMAT=raw\nSNAPSHOT=on\nNETWORK=none\n")
    sector = IDLE_GUEST.ljust(510, b"\0") + b"\x55\xaa"
    with open(folder / f"{label}.img", "wb") as image:
        image.write(sector)
        image.truncate(1 << 20)
    return folder


def alternate(times, ours, baseline):
    """Both in turn, so that a busy moment of the machine meets both."""
    first, second = [], []
    for _ in range(times):
        first.append(ours())
        second.append(baseline())
    return statistics.median(first), statistics.median(second)
