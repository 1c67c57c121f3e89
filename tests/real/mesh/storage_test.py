"""A state directory in trouble: two brokers, a full or read-only disk, another schema, a damaged journal.
Each is a sentence that says what to do, and nothing that was recorded is lost."""

import datetime
import json
import os
import subprocess
import unittest

from mesh import Deadline, MeshCase, PATIENCE_S, main

PUMPED = 3000


def mount(*words):
    return subprocess.run(["mount", *words], capture_output=True, text=True)


def sequence(row):
    return int(row["cursor"].split("-")[1])


class StorageTest(MeshCase):
    def dump(self):
        outcome = self.mesh.ctys("events", "--from", "beginning", "--no-follow", "-o", "jsonl")
        self.assertEqual(outcome.status, 0, outcome.err)
        return outcome.out.splitlines()

    def pump(self, worker, count):
        """An agent that publishes so many events until all are acknowledged."""
        return subprocess.Popen(
            [
                self.mesh.program("event_pump"),
                "ipc://" + self.mesh.path("run/broker/mesh"),
                *(worker, str(count), "0"),
            ],
            env=self.mesh.environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    def record(self):
        """A journal of some length; the broker is gone as in a crash. Returns its dump."""
        self.mesh.start_broker()
        pump = self.pump("pump", PUMPED)
        pump.communicate(timeout=PATIENCE_S)
        self.assertEqual(pump.returncode, 0)
        # Recorded alone, seconds after all others.
        self.mesh.events().wait(kind="suspect", worker="pump")
        dump = self.dump()
        self.mesh.kill9("broker")
        return dump

    def refused(self, what):
        """A broker that is started now ends at once. Returns what it says."""
        done = subprocess.run(
            [self.mesh.program("ctys-broker")],
            env=self.mesh.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        print(f"BROKER {what}: {done.returncode} {done.stderr.strip()!r}", flush=True)
        self.assertGreater(done.returncode, 0, "it was not refused in order")
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def mount_on_state(self, *words):
        folder = self.mesh.path("state/broker")
        os.makedirs(folder, 0o700, exist_ok=True)
        done = mount(*words, folder)
        if done.returncode != 0:
            self.skipTest("may not mount: " + done.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", folder], capture_output=True)
        return folder

    def test_a_second_broker_names_the_first(self):
        first = self.mesh.start_broker()
        done = self.refused("second")
        self.assertEqual(done.returncode, 5)
        self.assertIn(str(first.pid), done.stderr)
        elsewhere = dict(self.mesh.environment, CTYS_RUNTIME_DIR=self.mesh.path("run2"))
        os.mkdir(self.mesh.path("run2"), 0o700)
        done = subprocess.run([self.mesh.program("ctys-broker")], env=elsewhere, capture_output=True, text=True)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn(str(first.pid), done.stderr)
        self.assertEqual(self.mesh.ctys("list").status, 0)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount")
    def test_a_full_disk_stops_recording_and_loses_nothing(self):
        folder = self.mount_on_state("-t", "tmpfs", "-o", "size=8m,mode=700", "state")
        self.mesh.make_vm("pool", "steadfast", guest="idle")
        self.start_mesh()
        self.mesh.wait_row("steadfast")
        before = self.dump()
        pump = self.pump("pump", 20 * PUMPED)
        self.addCleanup(pump.stdout.close)
        self.addCleanup(pump.kill)
        deadline = Deadline(PATIENCE_S)
        while True:
            status = self.mesh.ctys("status")
            if "no space is left" in status.out + status.err or deadline.over():
                break
        self.assertIn("degraded", status.out)
        print("STATUS when full:\n" + status.out + status.err, flush=True)
        self.assertIn("no space is left", status.out + status.err)
        full = self.dump()
        self.assertEqual(full[: len(before)], before)
        self.assertEqual(self.mesh.ctys("list").status, 0)
        start = self.mesh.ctys("start", "steadfast")
        print(f"START when full: {start.status} {start.err.strip()!r}", flush=True)
        self.assertEqual(start.status, 6)
        self.assertIn("no space is left", start.err)
        self.assertIsNone(pump.poll(), "all was acknowledged though nothing could be recorded")

        self.assertEqual(mount("-o", "remount,size=128m", folder).returncode, 0)
        report = json.loads(pump.communicate(timeout=2 * PATIENCE_S)[0])
        self.assertEqual(report["acknowledged"], 20 * PUMPED)
        since = self.mesh.events("--from", json.loads(full[-1])["cursor"])
        since.wait(kind=lambda kind: kind in ("alive", "registered"), worker="w1")
        self.mesh.start_vm("steadfast")
        self.assertEqual(self.mesh.log("broker", 1000).count("recording works again"), 1)
        after = self.dump()
        self.assertEqual(after[: len(full)], full)
        numbers = [
            int(event["data"]["number"])
            for event in map(json.loads, after)
            if event["kind"] == "fact" and event["worker"] == "pump"
        ]
        self.assertEqual(numbers, list(range(1, 20 * PUMPED + 1)))
        print(f"FIGURE full disk: {len(full)} events before, {len(after)} after, pump {report}", flush=True)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount")
    def test_a_read_only_disk_is_refused(self):
        dump = self.record()
        folder = self.mount_on_state("--bind", self.mesh.path("state/broker"))
        self.assertEqual(mount("-o", "remount,bind,ro", folder).returncode, 0)
        done = self.refused("read-only")
        self.assertRegex(done.stderr, "(?i)read-only")
        self.assertIn("state/broker", done.stderr)
        self.assertEqual(mount("-o", "remount,bind,rw", folder).returncode, 0)
        self.mesh.start_broker()
        self.assertEqual(self.dump()[: len(dump)], dump)

    def patch(self, find, change):
        """Changes each place of the store where these bytes are. Returns how many."""
        path = self.mesh.path("state/broker/db/data.mdb")
        with open(path, "r+b") as file:
            data = file.read()
            places = []
            at = data.find(find)
            while at >= 0:
                places.append(at)
                at = data.find(find, at + 1)
            for at in places:
                file.seek(at)
                file.write(change(data[at : at + len(find) + 64]))
        return len(places)

    def test_a_newer_schema_is_refused(self):
        dump = self.record()
        row, newer = b"ctysl\0\0\0", b"\xfe"
        with open(self.mesh.path("state/broker/db/data.mdb"), "rb") as file:
            data = file.read()
        version = data[data.find(row) + len(row) :][:1]
        self.assertGreater(self.patch(row + version, lambda _: row + newer), 0)
        done = self.refused("newer schema")
        self.assertIn("newer", done.stderr)
        self.assertRegex(done.stderr, "install|restore")
        self.patch(row + newer, lambda _: row + version)
        self.mesh.start_broker()
        self.assertEqual(self.dump()[: len(dump)], dump)

    def test_a_damaged_tail_is_a_gap_and_nothing_else(self):
        dump = self.record()
        last = json.loads(dump[-1])
        self.assertEqual(last["kind"], "suspect")
        moment = datetime.datetime.fromisoformat(last["recorded"].replace("Z", "+00:00"))
        recorded = round(moment.timestamp() * 1_000_000).to_bytes(8, "big")

        def damage(found):
            return found[:24] + bytes(byte ^ 0x55 for byte in found[24:32]) + found[32:]

        self.assertGreater(self.patch(recorded, damage), 0)
        self.mesh.start_broker()
        after = self.dump()
        print(f"LOG {self.mesh.log('broker')}", flush=True)
        print("EVENTS " + "\n".join(after[len(dump) - 2 : len(dump) + 2]), flush=True)
        self.assertEqual(after[: len(dump) - 1], dump[:-1])
        gap = json.loads(after[len(dump) - 1])
        self.assertIn("gap", after[len(dump) - 1])
        self.assertIn("damaged", json.dumps(gap))
        status = self.mesh.ctys("status").out
        print(status, flush=True)
        self.assertIn("damaged", status)
        # Recording goes on behind it.
        pump = self.pump("again", 10)
        pump.communicate(timeout=PATIENCE_S)
        self.assertEqual(pump.returncode, 0)
        self.assertEqual(self.dump()[: len(after)], after)


if __name__ == "__main__":
    main()
