"""Bad input: bytes, keys, configurations, wrappers. Nothing crashes, nothing is lost, and each answer is a
sentence that says what to do."""

import glob
import os
import random
import socket
import subprocess
import struct
import unicodedata

from mesh import MeshCase, ROOT, alive, count, main

SEED = int(os.environ.get("CTYS_SEED", "20261122"))
MB = 1 << 20


def zmtp_frame(body, flags=0, claimed=None):
    """A frame of ZMTP 3 (rfc.zeromq.org/spec/23); `claimed` is a size that need not be true."""
    size = len(body) if claimed is None else claimed
    if size > 255:
        return struct.pack(">BQ", flags | 2, size) + body
    return struct.pack(">BB", flags, size) + body


class RawPeer:
    """A DEALER that speaks ZMTP by hand, so that what it sends need not be ZMTP."""

    GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    READY = zmtp_frame(b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER", flags=4)

    def __init__(self, path, greets=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(5)
        self.socket.connect(path)
        if greets:
            self.send(self.GREETING + self.READY)

    def send(self, data):
        """True while the other side takes it."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def is_cut(self):
        """Whether the other side ends the connection."""
        try:
            while self.socket.recv(MB):
                pass
            return True
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self):
        self.socket.close()


def mutated(data, randomness):
    """A message with a few bytes changed, cut or grown."""
    data = bytearray(data)
    for _ in range(randomness.randint(1, 8)):
        how = randomness.randrange(4)
        at = randomness.randrange(max(1, len(data)))
        if how == 0 and data:
            data[at] ^= 1 << randomness.randrange(8)
        elif how == 1 and data:
            data[at] = randomness.choice((0, 1, 127, 128, 255))
        elif how == 2:
            del data[at:]
        else:
            data[at:at] = randomness.randbytes(randomness.randint(1, 32))
    return bytes(data)


class HostileBytesTest(MeshCase):
    def setUp(self):
        super().setUp()
        print(f"SEED {SEED}", flush=True)
        self.random = random.Random(SEED)
        self.mesh.make_vm("pool", "steady", guest="idle")
        self.start_mesh()
        self.mesh.start_vm("steady")
        self.before = self.dump()
        self.socket = self.mesh.path("run/broker/mesh")

    def dump(self):
        outcome = self.mesh.ctys("events", "--from", "beginning", "--no-follow", "-o", "jsonl")
        self.assertEqual(outcome.status, 0, outcome.err)
        return outcome.out.splitlines()

    def check_unharmed(self):
        self.assertEqual([r["state"] for r in self.mesh.rows() if r["label"] == "steady"], ["running"])
        for role, process in self.mesh.processes.items():
            self.assertIsNone(process.poll(), f"{role} ended:\n" + self.mesh.log(role))
        after = self.dump()
        self.assertEqual(after[: len(self.before)], self.before)
        self.assertNotIn('"kind":"suspect","worker":"w1"', "".join(after))
        return after[len(self.before) :]

    def test_bytes_that_are_no_frames(self):
        attempts = count(100, 2000)
        for number in range(attempts):
            peer = RawPeer(self.socket, greets=number % 2 == 1)
            peer.send(self.random.randbytes(self.random.randint(1, 4096)))
            peer.close()
        half = RawPeer(self.socket, greets=False)
        half.send(RawPeer.GREETING[:20])  # the rest never comes
        promised = RawPeer(self.socket)
        promised.send(zmtp_frame(b"short", claimed=4 * MB))
        self.check_unharmed()
        self.assertTrue(half.is_cut() or half.is_cut(), "an unfinished greeting is kept open")
        half.close()
        promised.close()
        print(f"FIGURE random bytes: {attempts} connections", flush=True)

    def test_frames_beyond_the_limit_end_their_connection(self):
        for claimed in (4 * MB + 1, 1 << 40, (1 << 63) - 1, (1 << 64) - 1):
            peer = RawPeer(self.socket)
            peer.send(zmtp_frame(b"x", claimed=claimed))
            self.assertTrue(peer.is_cut(), f"a frame of {claimed} bytes is taken")
            peer.close()
        many = RawPeer(self.socket)
        for _ in range(1000):
            many.send(zmtp_frame(b"part", flags=1))
        many.send(zmtp_frame(b"end"))
        for _ in range(6):
            many.send(zmtp_frame(bytes(3 * MB), flags=1))
        many.send(zmtp_frame(b"end"))
        many.close()
        self.check_unharmed()

    def test_messages_that_are_nearly_right(self):
        specimens = []
        for path in sorted(glob.glob(os.path.join(ROOT, "tests/data/wire/v1/envelope_*.bin"))):
            with open(path, "rb") as file:
                specimens.append(file.read())
        self.assertGreater(len(specimens), 20)
        attempts = count(3000, 100_000)
        peer = RawPeer(self.socket)
        for number in range(attempts):
            if number % 200 == 0:
                peer.close()
                peer = RawPeer(self.socket)
            body = mutated(self.random.choice(specimens), self.random)
            peer.send(zmtp_frame(body))
        for body in (b"", bytes(8), bytes(4 * MB), self.random.randbytes(4 * MB - 64)):
            peer.send(zmtp_frame(body))
        peer.close()
        new = self.check_unharmed()
        print(f"FIGURE mutated messages: {attempts}, which recorded {len(new)} events", flush=True)


class HostileConfigurationTest(MeshCase):
    def write(self, pool, label, content):
        folder = self.mesh.path(pool, label)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, label + ".ctys"), "wb") as file:
            file.write(content)

    def test_configurations_that_nobody_should_write(self):
        head = b'#@#MAGICID-QEMU\n#@#LABEL = "big"\nLABEL="big"\n'
        self.write("pool", "big", head + b'A="0123456789"\n' * (10 * MB // 15))
        self.write("pool", "line", head.replace(b"big", b"line") + b"A=" + b"x" * (10 * MB))
        self.write("pool", "nuls", bytes(MB))
        self.write("pool", "half", head.replace(b"big", b"half") + bytes(MB) + b"\xff\xfe")
        os.makedirs(self.mesh.path("pool/loop"))
        os.symlink("loop.ctys", self.mesh.path("pool/loop/loop.ctys"))
        os.symlink("..", self.mesh.path("pool/loop/up"))
        os.makedirs(self.mesh.path("pool/pipe"))
        os.mkfifo(self.mesh.path("pool/pipe/pipe.ctys"))
        self.mesh.make_vm("pool", "fine", guest="idle")
        secret = self.mesh.make_vm("closed", "secret")
        self.mesh.make_vm("closed", "open")
        os.chmod(secret, 0o600)
        for folder in (self.mesh.root, self.mesh.path("closed")):
            os.chmod(folder, 0o755)
        with open(self.mesh.path("etc/agent.toml"), "w") as file:
            file.write('[pool.closed]\nas = "nobody"\n')
        self.mesh.start_broker()
        self.mesh.start_agent("w1", "pool", "closed")

        self.mesh.start_vm("fine")
        self.mesh.wait_row("open")
        listed = {row["label"] for row in self.mesh.rows("--all")}
        for line in self.mesh.ctys("list", "--all").out.splitlines():
            print("LIST", line, flush=True)
        print("LOG", self.mesh.log("w1"), flush=True)
        print(self.mesh.ctys("status").out, self.mesh.ctys("worker", "show", "w1").out, flush=True)
        self.assertLessEqual({"fine", "open"}, listed)
        rows = {row["label"]: row for row in self.mesh.rows("--all")}
        doctor = self.mesh.ctys("doctor").out
        for label in ("big", "line", "nuls", "half", "loop", "secret"):
            self.assertEqual(rows[label + ".ctys"]["path_health"], "unreadable")
            refused = self.mesh.ctys("start", label + ".ctys")
            self.assertEqual(refused.status, 5, refused.err)
        self.assertIn("cannot be read", doctor)
        shown = self.mesh.ctys("show", "nuls.ctys", "-o", "json").rows[0]["path_list"][0]
        self.assertEqual(shown["health_reason"], "nuls.ctys contains NUL bytes")
        for role, process in self.mesh.processes.items():
            self.assertIsNone(process.poll(), self.mesh.log(role))

    def test_settings_files_that_nobody_should_write(self):
        cases = {
            "large": b'[mesh]\nlisten = [' + b'"tcp://127.0.0.1:7510",\n' * (10 * MB // 24) + b"]\n",
            "nuls": bytes(10 * MB),
            "unknown": b"[mesh]\nlissten = []\n",
        }
        files = {}
        for name, content in cases.items():
            files[name] = self.mesh.path("etc", name + ".toml")
            with open(files[name], "wb") as file:
                file.write(content)
        files["loop"] = self.mesh.path("etc/loop.toml")
        os.symlink("loop.toml", files["loop"])
        files["folder"] = self.mesh.path("etc")
        files["missing"] = self.mesh.path("etc/missing.toml")
        for name, path in files.items():
            for program in ("ctys-broker", "ctys-agent"):
                self.check_refusal(name, [self.mesh.program(program), "--config", path])
        closed = self.mesh.path("etc/closed.toml")
        with open(closed, "w") as file:
            file.write("")
        os.chmod(closed, 0o600)
        os.chmod(self.mesh.root, 0o755)
        os.chmod(self.mesh.path("etc"), 0o755)
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        self.check_refusal("closed", [*as_nobody, self.mesh.program("ctys-broker"), "--config", closed])

    def check_refusal(self, name, argv):
        done = subprocess.run(
            argv, env=self.mesh.environment, capture_output=True, text=True, errors="replace", timeout=60
        )
        print(f"SETTINGS {name}: {done.returncode} {done.stderr.strip()[:300]!r}", flush=True)
        self.assertIn(done.returncode, (1, 2, 3, 7), f"{name}: {done.stderr}")
        self.assertLess(len(done.stderr), 4000, name)
        self.assertNotIn("Sanitizer", done.stderr)


class HostileWrapperTest(MeshCase):
    def replace_wrapper(self, label, script):
        path = self.mesh.path("pool", label, label + ".sh")
        with open(path, "w") as file:
            file.write(script)
        os.chmod(path, 0o755)

    def test_wrappers_that_fail(self):
        scripts = {
            "hangs": "#!/bin/bash\nexec sleep 1000\n",
            "three": "#!/bin/bash\necho 'the licence has run out' >&2\nexit 3\n",
            "garbage": "#!/bin/bash\nhead -c 3000000 /dev/urandom >&2\nhead -c 3000000 /dev/urandom\nexit 1\n",
            "mute": "#!/bin/bash\nexit 0\n",
            "vanishes": "#!/does/not/exist\n",
        }
        for label, script in scripts.items():
            self.mesh.make_vm("pool", label)
            self.replace_wrapper(label, script)
        self.mesh.make_vm("pool", "good", guest="idle")
        self.start_mesh()
        processes = {label: self.mesh.ctys_begin("start", label) for label in scripts}
        self.mesh.start_vm("good")
        for label, process in processes.items():
            outcome = self.mesh.ctys_end(process)
            print(f"WRAPPER {label}: {outcome.status} {outcome.err.strip()[:200]!r}", flush=True)
            # What it refuses with where that is one of the table of all tools.
            self.assertEqual(outcome.status, 3 if label == "three" else 1, label)
            self.assertIn(label, outcome.err)
            self.assertLess(len(outcome.err), 3000, label)
            # Controls only: random bytes now and then make a letter that is merely not assigned.
            controls = [c for c in outcome.err if unicodedata.category(c) == "Cc" and c != "\n"]
            self.assertEqual(controls, [], label)
            if label == "three":
                self.assertIn("status 3", outcome.err)
                self.assertIn("the licence has run out", outcome.err)
        self.assertEqual(self.mesh.own_processes("hangs", program=None), [])
        self.mesh.wait_row("good", state="running")

    def test_an_address_with_two_matches_lists_them(self):
        for directory in ("a", "b"):
            self.mesh.make_vm("pool", "twin", directory=directory)
        self.start_mesh()
        outcome = self.mesh.ctys("start", "twin")
        print(f"AMBIGUOUS {outcome.status}\n{outcome.err}", flush=True)
        self.assertEqual(outcome.status, 4)
        for directory in ("a", "b"):
            self.assertIn(self.mesh.path("pool", directory, "twin.ctys"), outcome.err)
        self.assertEqual(self.mesh.ctys("show", "nothing").status, 3)


class HostileKeysTest(MeshCase):
    def generate(self, name, role, known=True, secret=None):
        secret = secret or self.mesh.path("etc", name + ".secret")
        made = self.mesh.ctys("keys", "generate", "--file", secret, "--name", name, "--role", role)
        self.assertEqual(made.status, 0, made.err)
        if known:
            with open(self.mesh.path("keys", name + ".pub"), "w") as file:
                file.write(made.out)
        public = self.mesh.path("etc", name + ".public")
        with open(public, "w") as file:
            file.write(made.out)
        return secret, public

    def try_broker(self):
        return subprocess.run(
            [self.mesh.program("ctys-broker")],
            env=self.mesh.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def test_nobody_enters_over_tcp_without_a_known_key(self):
        os.mkdir(self.mesh.path("keys"), 0o700)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            endpoint = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        self.mesh.environment["CTYS_MESH_LISTEN"] = endpoint
        self.mesh.environment["CTYS_KEYS_FOLDER"] = self.mesh.path("keys")
        refused = self.try_broker()
        print(f"KEYS none: {refused.returncode} {refused.stderr.strip()!r}", flush=True)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("ctys keys generate", refused.stderr)
        secret, broker_key = self.generate("x", "admin", False, self.mesh.path("keys/broker.secret"))
        os.chmod(secret, 0o644)
        refused = self.try_broker()
        print(f"KEYS readable by all: {refused.returncode} {refused.stderr.strip()!r}", flush=True)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("chmod", refused.stderr)
        os.chmod(secret, 0o600)
        keys = {role: self.generate(role, role)[0] for role in ("viewer", "operator", "admin")}
        stranger, other_key = self.generate("stranger", "admin", known=False)
        with open(self.mesh.path("keys/broken.pub"), "wb") as file:
            file.write(bytes(100_000))
        self.mesh.make_vm("pool", "steady", guest="idle")
        self.start_mesh()
        self.mesh.wait_row("steady")

        def over_tcp(key, *words, broker=broker_key):
            done = self.mesh.ctys("--broker", endpoint, "--key", key, "--broker-key", broker, *words)
            print(f"TCP {os.path.basename(key)} {words}: {done.status} {done.err.strip()!r}", flush=True)
            return done

        bare = self.mesh.ctys("--broker", endpoint, "list")
        print(f"TCP without a key: {bare.status} {bare.err.strip()!r}", flush=True)
        self.assertNotIn(bare.status, (0, 124))
        self.assertEqual(over_tcp(stranger, "list", "--timeout", "3s").status, 6)
        self.assertEqual(over_tcp(keys["admin"], "list", "--timeout", "3s", broker=other_key).status, 6)
        self.assertEqual(over_tcp(keys["viewer"], "list", "--all").status, 0)
        self.assertEqual(over_tcp(keys["viewer"], "start", "steady").status, 7)
        self.assertEqual(over_tcp(keys["viewer"], "worker", "fence", "w1", "--yes").status, 7)
        self.assertEqual(over_tcp(keys["operator"], "worker", "forget", "w1", "--yes").status, 7)
        self.assertEqual(over_tcp(keys["operator"], "start", "steady").status, 0)
        # Who was refused is in the journal, and only administrators read that.
        refusals = over_tcp(keys["admin"], "events", "--from", "beginning", "--no-follow", "-o", "jsonl",
                            "--filter", "family=audit")
        self.assertTrue(any(row["by"] == "viewer" for row in refusals.rows), refusals.out)
        hidden = over_tcp(keys["viewer"], "events", "--from", "beginning", "--no-follow", "-o", "jsonl",
                          "--filter", "family=audit")
        self.assertEqual(hidden.rows, [])
        # Plain ZMTP and noise at the encrypted port.
        host, port = endpoint[6:].split(":")
        for data in (RawPeer.GREETING + RawPeer.READY + zmtp_frame(b"x"), os.urandom(4096)):
            with socket.create_connection((host, int(port)), 5) as peer:
                peer.sendall(data)
        self.assertTrue(alive(self.mesh.processes["broker"].pid))
        self.assertEqual(over_tcp(keys["viewer"], "list").status, 0)


if __name__ == "__main__":
    main()
