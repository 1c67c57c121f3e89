"""What a person changes in a wrapper of ours, or lets QEMU choose, holds for `ctys start` too."""

import socket

import mesh


class Changed(mesh.MeshCase):
    def change(self, label, old, new):
        """Replaces a text that stands once in the wrapper."""
        path = self.mesh.path("pool", label, label + ".sh")
        with open(path) as file:
            text = file.read()
        self.assertEqual(text.count(old), 1, old)
        with open(path, "w") as file:
            file.write(text.replace(old, new))

    def test_a_changed_wrapper_of_ours_that_keeps_its_structure_starts(self):
        self.mesh.make_vm("pool", "web", "polite", extra='LAB=${LAB:-none}\n')
        told = self.mesh.path("told")
        # A variable before the configuration, a step before the call, one more argument in it.
        self.change("web", "unset -f inst_stage\n", "unset -f inst_stage\nexport LAB=blue\n")
        self.change("web", "\nMEDIA=()\n", f'\necho "$LABEL ${{MODE:-check}} $LAB" >> {told}\nMEDIA=()\n')
        self.change("web", 'ARGSADD="$ARGSADD" "${MEDIA[@]}"',
                    'ARGSADD="$ARGSADD -smbios type=11,value=$LAB" "${MEDIA[@]}"')
        self.start_mesh()

        row = self.mesh.start_vm("web")

        with open(f"/proc/{row['pid']}/cmdline") as file:
            self.assertIn("type=11,value=blue", file.read().split("\0"))
        with open(f"/proc/{row['pid']}/environ") as file:
            self.assertIn("LAB=blue", file.read().split("\0"))
        with open(told) as file:
            self.assertEqual(file.read().splitlines(), ["web check blue", "web --run blue"])
        self.assertEqual(self.mesh.ctys("shutdown", "web").status, 0)
        self.mesh.wait_row("web", state="stopped")

    def test_a_changed_wrapper_that_says_no_keeps_the_vm_from_starting(self):
        self.mesh.make_vm("pool", "web", "polite")
        self.change("web", "\nMEDIA=()\n", '\necho "the lab is closed" >&2\nexit 9\nMEDIA=()\n')
        self.start_mesh()

        started = self.mesh.ctys("start", "web")

        self.assertNotEqual(started.status, 0)
        self.assertIn("the lab is closed", started.err)
        self.assertEqual(self.mesh.own_processes("web.img"), [])


class FreeDisplay(mesh.MeshCase):
    def test_each_vm_gets_a_display_of_its_own_and_it_is_shown(self):
        self.mesh.make_vm("pool", "one", "idle", extra="VNCACCESSDISPLAY=free\n")
        self.mesh.make_vm("pool", "two", "idle")
        self.start_mesh()
        calls = [self.mesh.ctys_begin("start", "one"),
                 self.mesh.ctys_begin("start", "two", "--vncaccessdisplay", "free")]
        for call in calls:
            ended = self.mesh.ctys_end(call)
            self.assertEqual(ended.status, 0, ended.err)

        displays = {}
        for label in ("one", "two"):
            row = self.mesh.wait_row(label, state="running")
            self.assertTrue(row["display"].startswith("127.0.0.1:"), row)
            displays[label] = int(row["display"].rpartition(":")[2])
            port = 5900 + displays[label]
            self.assertIn(f"127.0.0.1:{displays[label]} ({port})", self.mesh.ctys("show", label).out)
            with socket.create_connection(("127.0.0.1", port), mesh.PATIENCE_S) as viewer:
                self.assertEqual(viewer.recv(4), b"RFB ")
        self.assertNotEqual(displays["one"], displays["two"])


if __name__ == "__main__":
    mesh.main()
