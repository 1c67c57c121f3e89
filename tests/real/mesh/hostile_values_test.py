"""Values in configurations that nobody should write: each has one sentence with file and line, wherever it is
looked at, nothing of a configuration is executed by a scan, and nothing is half made."""

import os
import re
import shlex
import subprocess

import mesh

LONG = "x" * 100_000

# Name, line of bash, the key that is named, and what is said of it.
WRONG = [
    ("quotes", "UUID='91d2\"4b1a'", "UUID", r'"91d2"4b1a" is not a UUID'),
    ("semicolon", "LABEL='a;b'", "LABEL", r'"a;b" is not a label'),
    ("newline", "MAC0='52:54:00\n:00:00:01'", "MAC0", r'"52:54:00.:00:00:01" is not a MAC address'),
    ("command", "MEMSIZE='$(touch MARKER)'", "MEMSIZE", r'"\$\(touch .*\)" is not a size in MB'),
    ("commas", "SMP=2,cores=2", "SMP", r'"2,cores=2" is not 1 to 1024 CPUs'),
    ("large", f"MEMSIZE={LONG}", "MEMSIZE", r'"x+.*" is not a size in MB'),
    ("nothing", "MEMSIZE=0", "MEMSIZE", r'"0" is not a size in MB'),
    ("uuid", "UUID=91d24b1a-7c1f-4c0e-9a35", "UUID", r"is not a UUID"),
    ("mac", "MAC0=52:54:00:00:00", "MAC0", r"is not a MAC address"),
    ("network", "NETWORK=tokenring", "NETWORK", r'"tokenring" is not user, vde or none'),
    ("switch", f"QEMUSOCK=/{'s' * 120}", "QEMUSOCK", r"has 121 bytes, at most 91 fit"),
    ("quote", "ARGSADD='-name \"open'", "ARGSADD", r'a quote " is not closed'),
    ("image", "HDDBOOTIMAGE=/nowhere/web.img", "HDDBOOTIMAGE", r"/nowhere/web.img does not exist"),
    ("kernel", "KERNELIMAGE=vmlinuz.none", "KERNELIMAGE", r"vmlinuz.none does not exist"),
    ("flag", "READONLY=perhaps", "READONLY", r'"perhaps" is not yes or no'),
    ("binary", "STARTERCALL=/nowhere/qemu-system-x", "STARTERCALL", r"/nowhere/qemu-system-x is not an executable"),
    ("accelerator", "ACCELERATOR=turbo", "ACCELERATOR", r'"turbo" is not KVM or QEMU'),
    ("console", "DEFAULTCONSOLE=tty", "CONSOLE", r'"tty" is not a console'),
]


class HostileValues(mesh.MeshCase):
    def check(self, label, *options):
        """`--check` as a person calls it. Returns its status and what it says."""
        done = subprocess.run(
            ["sh", self.mesh.path("pool", label, label + ".sh"), "--check", *options],
            env=self.mesh.environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=mesh.PATIENCE_S,
        )
        self.assertNotIn("Sanitizer", done.stderr)
        self.assertEqual(done.stdout, "")
        return done.returncode, done.stderr

    def test_each_wrong_value_is_a_sentence_with_file_and_line(self):
        marker = self.mesh.path("executed")
        for name, line, _, _ in WRONG:
            network = "NETWORK=vde\n" if name == "switch" else ""
            self.mesh.make_vm("pool", name, extra=network + line.replace("MARKER", marker) + "\n")
        for name, line, key, words in WRONG:
            with self.subTest(name):
                path = self.mesh.path("pool", name, name + ".ctys")
                with open(path) as file:
                    last = file.read()[: -len(line) - 1].count("\n") + 1
                status, said = self.check(name)
                self.assertEqual(status, {"console": 2, "image": 3, "kernel": 3}.get(name, 1), said)
                named = [text for text in said.splitlines() if f" {key}: " in text]
                self.assertEqual(len(named), 1, said)
                self.assertRegex(named[0], rf"^ctys-qemu-call: {re.escape(path)}:{last}: {key}: .*({words})")
                self.assertLess(len(said), 2000)
        self.assertFalse(os.path.exists(marker))

    def test_a_start_tells_the_sentence_and_leaves_nothing(self):
        for name in ("quotes", "image", "mac"):
            line = next(row[1] for row in WRONG if row[0] == name)
            self.mesh.make_vm("pool", name, extra=line + "\n")
        self.start_mesh()
        for name in ("quotes", "image", "mac"):
            with self.subTest(name):
                self.mesh.wait_row(name)
                outcome = self.mesh.ctys("start", "f:" + self.mesh.path("pool", name, name + ".ctys"))
                self.assertNotEqual(outcome.status, 0)
                self.assertRegex(outcome.err, rf"{name}\.ctys:\d+: ")
                self.assertLess(len(outcome.err), 3000)
                self.assertEqual(outcome.status == 3, name == "image", outcome.err)
        self.assertEqual(self.mesh.own_processes(), [])

    def test_a_start_from_a_medium_that_is_absent_ends_as_a_change_to_it_does(self):
        self.mesh.make_vm("pool", "web")
        self.start_mesh()
        self.mesh.wait_row("web")
        nowhere = self.mesh.path("nope.iso")
        for option in ("--bootmode=CD%" + nowhere, "--kernelmode=" + nowhere, f"--instmode=CD%{nowhere}%HDD%default%none"):
            with self.subTest(option):
                outcome = self.mesh.ctys("start", "web", option)
                self.assertEqual(outcome.status, 3, outcome.err)
                self.assertIn(nowhere + " does not exist", outcome.err)

    def test_a_scan_executes_nothing(self):
        marker = self.mesh.path("executed")
        tries = f'$(touch {marker}1)', f'`touch {marker}2`', f'"; touch {marker}3; "', f'$((a[$(touch {marker}4)]))'
        self.mesh.make_vm("pool", "calm", extra="".join(f"K{at}={text}\n" for at, text in enumerate(tries))
                          + f"#@#CATEGORY = \"$(touch {marker}5)\"\ntouch {marker}6\n")
        self.start_mesh()
        self.mesh.wait_row("calm")
        self.mesh.ctys("show", "calm")
        self.mesh.ctys("list", "--local")
        self.mesh.ctys("-a", "enumerate")
        self.assertEqual([name for name in os.listdir(self.mesh.root) if name.startswith("executed")], [])

    def test_names_of_images_are_names(self):
        self.mesh.make_vm("pool", "odd")
        folder = self.mesh.path("pool", "odd")
        for name in ("a,readonly=on.img", "quo\"te's.img", "line\nfeed.img", "$(touch x).img", "-snapshot"):
            with self.subTest(name):
                os.link(os.path.join(folder, "odd.img"), os.path.join(folder, name))
                quoted = "'" + name.replace("'", "'\\''") + "'"
                with open(os.path.join(folder, "odd.ctys"), "a") as file:
                    file.write(f"HDDBOOTIMAGE={quoted}\n")
                status, said = self.check("odd")
                self.assertEqual((status, said), (0, ""))
                printed = subprocess.run(["sh", os.path.join(folder, "odd.sh"), "--print"],
                                         env=self.mesh.environment, capture_output=True, text=True,
                                         timeout=mesh.PATIENCE_S)
                wanted = "file=" + os.path.join(folder, name).replace(",", ",,")
                self.assertTrue(any(wanted in word for word in shlex.split(printed.stdout)), printed)
        self.assertFalse(os.path.exists(os.path.join(folder, "x.img")))

    def test_an_instance_directory_too_long_for_a_socket_is_named(self):
        self.mesh.make_vm("pool", "web")
        status, said = self.check("web", "--instance-dir=" + self.mesh.path("d" * 120))
        self.assertEqual(status, 1, said)
        self.assertRegex(said, "a unix socket takes")

    def test_an_image_in_use_is_named_with_who_has_it(self):
        self.mesh.make_vm("pool", "web", "idle")
        image = self.mesh.path("pool/web/web.img")
        self.start_mesh()
        self.mesh.wait_row("web")
        process = self.mesh.start_foreign("-drive", f"file={image},format=raw")
        self.mesh.wait_rows(lambda rows: any(row["pid"] == process.pid for row in rows), "it is seen")
        outcome = self.mesh.ctys("start", "f:" + self.mesh.path("pool/web/web.ctys"))
        self.assertEqual(outcome.status, 5, outcome.err)
        self.assertIn(str(process.pid), outcome.err)


if __name__ == "__main__":
    mesh.main()
