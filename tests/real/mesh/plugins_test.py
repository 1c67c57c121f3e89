"""What a machine has to run VMs with: surveys of its emulators, `ctys-plugins`, and `ctys -a info`."""

import json
import os
import socket
import subprocess
import sys

import mesh

FAKE = os.path.join(mesh.ROOT, "tests/support/fake_emulator.py")
VERIFY = ("-T", "QEMU,VNC,X11,CLI", "-E")


class SurveyCase(mesh.MeshCase):
    def setUp(self):
        super().setUp()
        self.builds = self.mesh.path("opt", "bin")
        os.makedirs(self.builds)
        os.makedirs(self.mesh.path("tmp"))
        self.mesh.environment.update(
            CTYS_EMULATORS_PROBE="true", CTYS_EMULATORS_FOLDERS=self.builds, TMPDIR=self.mesh.path("tmp")
        )

    def add_build(self, name, mode):
        """A second build of QEMU, as /opt/qemu-X/bin holds one, that behaves as told."""
        return self.add_program(self.builds, name, f'exec {sys.executable} -B {FAKE} {mode} "$@"')

    @staticmethod
    def add_program(folder, name, line=":"):
        path = os.path.join(folder, name)
        with open(path, "w") as program:
            program.write(f"#!/bin/sh\n{line}\n")
        os.chmod(path, 0o755)
        return path

    def run_program(self, name, *arguments, seconds=mesh.PATIENCE_S * 5, **environment):
        return subprocess.run(
            [self.mesh.program(name), *arguments],
            env=dict(self.mesh.environment, **environment),
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def left_over(self):
        """QEMUs and fakes of surveys that still run."""
        return self.mesh.own_processes("/ctys-survey-", program=None)


class Probe(SurveyCase):
    def probe(self, *options):
        done = self.run_program("ctys-agent", "--probe", "-o", "jsonl", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_every_build_is_asked_and_says_what_it_is(self):
        second = self.add_build("qemu-system-x86_64", "answers")

        facts = self.probe()

        builds = {fact["path"]: fact for fact in facts if fact["kind"] == "emulator"}
        self.assertEqual(list(builds)[0], second)
        self.assertEqual((builds[second]["version"], builds[second]["problem"]), ("8.1.3", ""))
        self.assertEqual(builds[second]["accelerators"], ["kvm", "tcg"])
        real = [each for each in builds.values() if each["version"].startswith("7.") and "pc" in each["machines"]]
        self.assertTrue(real, builds)
        self.assertIn("qemu64", real[0]["cpus"])
        self.assertIn("device", real[0]["options"])
        machine = facts[0]
        self.assertEqual(machine["kind"], "machine")
        self.assertGreater(machine["memory_mb"], 0)
        self.assertTrue(machine["cpu_flags"])
        accelerators = {fact["name"]: fact for fact in facts if fact["kind"] == "accelerator"}
        self.assertTrue(accelerators["tcg"]["usable"])
        self.assertTrue(accelerators["kvm"]["why"])
        self.assertEqual(self.left_over(), [])

    def test_one_that_hangs_or_talks_nonsense_costs_its_own_time_only(self):
        hanging = self.add_build("qemu-system-hangs", "hangs")
        ending = self.add_build("qemu-system-ends", "ends")
        garbage = self.add_build("qemu-system-garbage", "garbage")

        facts = self.probe()

        problems = {fact["path"]: fact["problem"] for fact in facts if fact["kind"] == "emulator"}
        self.assertRegex(problems[hanging], "did not answer over QMP within .* and was killed")
        self.assertIn("qemu: -chardev: invalid option", problems[ending])
        self.assertIn("does not speak QMP", problems[garbage])
        self.assertIn("", problems.values())
        self.assertEqual(self.left_over(), [])

    def test_what_is_known_is_not_asked_again(self):
        log = self.mesh.path("calls")
        self.mesh.environment["FAKE_EMULATOR_LOG"] = log
        self.add_build("qemu-system-arm", "answers")
        first = self.probe()

        with open(log) as calls:
            asked = calls.read()
        self.assertTrue(asked)
        self.assertEqual(self.probe(), first)
        with open(log) as calls:
            self.assertEqual(calls.read(), asked)
        self.probe("--fresh")
        with open(log) as calls:
            self.assertNotEqual(calls.read(), asked)


class Plugins(SurveyCase):
    def setUp(self):
        super().setUp()
        # A PATH that holds what the test puts there; QEMU is found beside it.
        self.programs = self.mesh.path("programs")
        os.makedirs(self.programs)
        for name in ("bash", "xterm", "vncserver", "vncviewer", "vde_switch"):
            self.add_program(self.programs, name)
        os.makedirs(self.mesh.path("switch"))
        self.data = self.listen(self.mesh.path("switch", "ctl"))
        self.management = self.listen(self.mesh.path("management"))
        self.mesh.environment.update(
            PATH=self.programs, QEMUSOCK=self.mesh.path("switch"), QEMUMGMT=self.mesh.path("management")
        )

    def listen(self, path):
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(50)
        self.addCleanup(server.close)
        return server

    def plugins(self, *arguments, **environment):
        return self.run_program("ctys-plugins", *arguments, **environment)

    def test_all_green_is_status_0_and_the_first_thing_missing_1_with_its_command(self):
        done = self.plugins(*VERIFY)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("ENABLED (2)    CLI X11 VNC QEMU\n", done.stdout)

        self.management.close()
        done = self.plugins(*VERIFY)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("DISABLED (1)   QEMU\n", done.stdout)
        self.assertIn(f"missing   QEMUMGMT: {self.mesh.path('management')} nobody listens at it", done.stdout)
        self.assertIn(f"vde_switch -d -s {self.mesh.path('switch')} -M {self.mesh.path('management')}", done.stdout)
        # Of those that are asked for only.
        self.assertEqual(self.plugins("-T", "VNC,X11,CLI", "-E").returncode, 0)

    def test_it_takes_the_calls_of_the_original(self):
        done = self.plugins("-d", "64,p", "-T", "qemu", "-E")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"ctys-plugins: QEMU: vde_switch: there: {self.programs}/vde_switch\n", done.stderr)
        self.assertEqual(self.plugins("-T", "qemu", "-E").stderr, "")

        done = self.plugins("-T", "ALL", "-E", "--quick-list")
        self.assertRegex(done.stdout, r"(?m)^\S+ +\| QEMU +\| (KVM|QEMU) +\| 7\.\S+ +\| MAGICID-QEMU \| ENABLED \(2\)$")
        done = self.plugins("-t", "qemu", "-T", "CLI", "-E", "--quick-list")
        self.assertRegex(done.stdout, r"(?m) CLI .* IDLE \(3\)$")
        self.assertRegex(done.stdout, r"(?m) QEMU .* BUSY \(4\)$")
        done = self.plugins("-E", "--quick-tab")
        self.assertEqual(len(done.stdout.splitlines()), 2, done.stdout)

    def test_what_is_switched_off_is_ignored(self):
        done = self.plugins("-T", "X11", "-E", CTYS_PLUGINS_IGNORE="x11")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("IGNORED (-)    X11\n", done.stdout)

    def test_wrong_words_are_status_2_and_name_a_command(self):
        for wrong in (("-T", "QEMU,foo"), ("-d", "everything"), ("--timeout", "soon"), ("--no-such",)):
            done = self.plugins(*wrong)
            self.assertEqual(done.returncode, 2, (wrong, done.stdout, done.stderr))
            self.assertEqual(done.stdout, "")
        self.assertIn("try: ctys-plugins", self.plugins("-T", "foo").stderr)

    def test_patience_that_ends_leaves_nothing_behind(self):
        self.add_build("qemu-system-hangs", "hangs")

        done = self.plugins("--timeout", "1s", *VERIFY)

        self.assertEqual(done.returncode, 124, done.stdout + done.stderr)
        self.assertIn("was not surveyed within", done.stderr)
        self.assertEqual(self.left_over(), [])


class Info(SurveyCase):
    def surveyed(self):
        """The worker, once its survey has been told."""
        stream = self.mesh.events()
        deadline = mesh.Deadline(mesh.PATIENCE_S)
        while True:
            worker = self.mesh.ctys("worker", "show", "w1", "-o", "jsonl").rows[0]
            if worker["emulators"]:
                return worker
            self.assertFalse(deadline.over(), "no survey was told")
            stream.read(0.5)

    def test_info_shows_per_worker_what_it_has(self):
        second = self.add_build("qemu-system-arm", "answers")
        broken = self.add_build("qemu-system-ppc", "ends")
        self.start_mesh()
        worker = self.surveyed()

        outcome = self.mesh.ctys("-a", "info", "w1")

        self.assertEqual(outcome.status, 0, outcome.err)
        for part in (f"{second}  8.1.3 (fake), emulates x86_64, has kvm tcg", f"{broken}  0.12.2", "machines", "qemu64",
                     "accel     tcg    usable", "          kvm    ", " flags ", "QEMU  ", "CLI   "):
            self.assertIn(part, outcome.out)
        self.assertIn(second, worker["binaries"])
        self.assertNotIn(broken, worker["binaries"])
        self.assertEqual({plugin["name"] for plugin in worker["plugins"]}, {"CLI", "X11", "VNC", "QEMU"})
        self.assertEqual(self.mesh.ctys("list", "--all", "-o", "jsonl").rows, [])
        with open(self.mesh.path("run", "kvm")) as note:
            self.assertIn(note.readline(), ("usable\n", "unusable\n"))
            # With what it was, so that a wrapper need not ask it.
            self.assertRegex(note.read(), r"(?m)^build \d+\.\d+ \d+ \d+ \d+ \d+ /\S*/qemu-system-x86_64$")

    def test_a_vm_that_asks_for_kvm_runs_by_emulation_where_kvm_runs_no_guest(self):
        # It says that it has KVM, and its guest hangs under it: no real one is tried behind it.
        self.add_build("qemu-system-hung", "answers")
        configuration = self.mesh.make_vm("pool", "asks", extra="ACCELERATOR=KVM\n")
        self.start_mesh()
        told = {each["name"]: each for each in self.surveyed()["accelerators"]}
        self.assertFalse(told["kvm"]["usable"])
        self.assertRegex(told["kvm"]["why"], "/dev/kvm")

        self.mesh.start_vm("asks")

        (pid,) = self.mesh.own_processes(program="qemu-system-x86_64")
        with open(f"/proc/{pid}/cmdline") as words:
            self.assertRegex(words.read(), r",accel=tcg[,\0]")
        self.assertEqual(self.mesh.ctys("kill", "asks").status, 0)
        by_hand = subprocess.run(
            ["bash", configuration.removesuffix(".ctys") + ".sh", "--check"],
            env=self.mesh.environment, capture_output=True, text=True, timeout=mesh.PATIENCE_S,
        )
        self.assertEqual(by_hand.returncode, 0, by_hand.stderr)
        self.assertIn("KVM cannot be used on this machine", by_hand.stdout + by_hand.stderr)

    def test_an_agent_that_ends_takes_its_survey_along(self):
        log = self.mesh.path("calls")
        self.mesh.environment["FAKE_EMULATOR_LOG"] = log
        self.add_build("qemu-system-hangs", "hangs")
        self.start_mesh()
        deadline = mesh.Deadline(mesh.PATIENCE_S)
        while not os.path.exists(log):
            self.assertFalse(deadline.over(), "no survey has begun")
            self.mesh.ctys("workers")

        self.assertEqual(self.mesh.stop("w1"), 0)

        while self.left_over():
            self.assertFalse(deadline.over(), self.left_over())


if __name__ == "__main__":
    mesh.main()
