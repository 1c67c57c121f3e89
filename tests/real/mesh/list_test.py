"""`ctys list` and `ctys show` tell what runs, what could run, and by which ways."""

import fcntl
import os
import subprocess

import mesh


class List(mesh.MeshCase):
    def by_hand(self, label, folder, image, guest="idle"):
        path = mesh.boot_image(self.mesh.path("pool", folder, image), guest)
        return self.mesh.start_foreign("-name", label, image=path)

    def test_it_shows_running_and_stopped_and_foreign_machines(self):
        self.mesh.make_vm("pool", "runs", "idle")
        self.mesh.make_vm("pool", "rests", "idle")
        self.start_mesh()
        self.mesh.start_vm("runs")
        os.mkdir(self.mesh.path("elsewhere"))
        image = mesh.boot_image(self.mesh.path("elsewhere", "disk.img"), "idle")
        foreign = self.mesh.start_foreign("-name", "byhand", image=image)

        row = self.mesh.wait_row("byhand", pid=foreign.pid)

        self.assertEqual(row["state"], "running")
        self.assertEqual((row["owner"], row["managed"], row["paths"]), ("by hand", False, 0))
        rows = {row["label"]: row for row in self.mesh.rows()}
        self.assertEqual((rows["runs"]["state"], rows["runs"]["owner"]), ("running", "ctys"))
        self.assertTrue(rows["runs"]["managed"])
        self.assertEqual([rows["runs"]["pid"]], self.mesh.own_processes("runs.img"))
        self.assertEqual((rows["rests"]["state"], rows["rests"]["pid"]), ("stopped", 0))

    def test_a_qemu_that_only_prints_is_no_machine(self):
        self.mesh.make_vm("pool", "rests", "idle")
        self.start_mesh()
        self.mesh.wait_row("rests")
        out, into = os.pipe()
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 4096)  # it stands there: nobody reads
        asking = subprocess.Popen(
            [mesh.QEMU, "-device", "help"], cwd=self.mesh.path("pool", "rests"), stdout=into
        )
        self.mesh.foreign.append(asking)
        os.close(into)
        os.read(out, 1)

        events = self.mesh.events()
        later = self.by_hand("later", "rests", "other.img")
        events.wait(kind="running", text=f"pid {later.pid}")

        self.assertIsNone(asking.poll())
        self.assertEqual(len(events.find(kind="running")), 1)
        here = self.mesh.ctys("list", "--local", "-o", "jsonl").rows
        self.assertNotIn(asking.pid, [row["pid"] for row in here])
        os.close(out)

    def test_each_naming_convention_leads_to_the_configuration(self):
        self.mesh.make_vm("pool", "by-directory", "idle")
        self.mesh.make_vm("pool", "by-image", "idle", directory="second")
        self.mesh.make_vm("pool", "by-label", "idle", directory="third")
        self.start_mesh()

        pids = {
            "by-directory": self.by_hand("some-name", "by-directory", "any.img").pid,
            "by-image": self.by_hand("other-name", "second", "by-image.img").pid,
            "by-label": self.by_hand("by-label", "third", "data.img").pid,
        }

        for label, pid in pids.items():
            row = self.mesh.wait_row(label, pid=pid)
            self.assertEqual((row["state"], row["owner"], row["paths"]), ("running", "by hand", 1))
            self.assertEqual(row["uuid"], self.mesh.uuids[label])
            self.assertEqual(os.path.basename(row["id"]), label + ".ctys")

    def assert_once_with_two_paths(self, again):
        rows = self.mesh.wait_rows(
            lambda rows: [row for row in rows if row["label"] == "shared" and row["paths"] == 2],
            "two paths",
        )
        self.assertEqual([row["label"] for row in rows].count("shared"), 1)
        shown = self.mesh.ctys("show", "shared", "-o", "jsonl").rows[0]
        paths = {path["config"]: path for path in shown["path_list"]}
        first = self.mesh.path("pool/shared/shared.ctys")
        second = self.mesh.path(again, "shared/shared.ctys")
        self.assertEqual(set(paths), {first, second})
        for path in paths.values():
            self.assertEqual((path["worker"], path["health"]), ("w1", "good"))
        text = self.mesh.ctys("show", "shared").out
        for path in (first, second):
            line = next(line for line in text.splitlines() if f" {path} " in line + " ")
            self.assertIn("w1", line)
            self.assertIn("good", line)

    def test_one_machine_is_shown_with_its_settings_disks_lease_and_last_events(self):
        self.mesh.make_vm("pool", "settled", "idle")
        self.start_mesh()
        self.mesh.start_vm("settled")
        self.assertEqual(self.mesh.ctys("kill", "settled").status, 0)

        text = self.mesh.ctys("show", "settled").out
        shown = self.mesh.ctys("show", "settled", "-o", "json").rows[0]

        lines = [" ".join(line.split()) for line in text.splitlines()]
        self.assertTrue(any(line.startswith("settings memory 16 MB line") for line in lines), text)
        self.assertTrue(any("settled.img HDDBOOTIMAGE (raw, line" in line for line in lines), text)
        self.assertIn("lease nobody holds it", lines)
        self.assertTrue(any(line.startswith("events ") and "-> stopped" in line for line in lines), text)
        self.assertEqual(shown["events"][0]["kind"], "stopped")
        self.assertIn("running", [event["kind"] for event in shown["events"]])
        self.assertEqual(shown["path_list"][0]["worker_state"], "alive")

    def test_a_machine_in_a_pool_reached_by_a_link_is_shown_once(self):
        self.mesh.make_vm("pool", "shared", "idle")
        os.symlink("pool", self.mesh.path("again"))
        self.start_mesh("pool", "again")

        self.assert_once_with_two_paths("again")

        self.mesh.start_vm("shared")
        self.assertEqual(len(self.mesh.own_processes("shared.img")), 1)
        refused = self.mesh.ctys("start", "id:" + self.mesh.path("again/shared/shared.ctys"))
        self.assertEqual(refused.status, 5, refused.err)

    def test_a_machine_in_a_pool_mounted_twice_is_shown_once(self):
        self.mesh.make_vm("pool", "shared", "idle")
        os.mkdir(self.mesh.path("again"))
        # The mount lives in a namespace of the agent's own and ends with it.
        mount = f'mount --bind "{self.mesh.path("pool")}" "{self.mesh.path("again")}"'
        inside = ["unshare", "--mount", "sh", "-c", mount + ' && exec "$@"', "sh"]
        if subprocess.run([*inside, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("mounts are not permitted here")
        self.mesh.start_broker()
        self.mesh.start_agent("w1", "pool", "again", inside=inside)

        self.assert_once_with_two_paths("again")

    def test_without_broker_and_agent_it_shows_what_runs_here(self):
        self.mesh.make_vm("pool", "ours", "idle")
        self.start_mesh()
        pid = self.mesh.start_vm("ours")["pid"]
        os.mkdir(self.mesh.path("elsewhere"))
        image = mesh.boot_image(self.mesh.path("elsewhere", "disk.img"), "idle")
        foreign = self.mesh.start_foreign("-name", "byhand", image=image)
        self.mesh.wait_row("byhand", pid=foreign.pid)
        self.assertEqual(self.mesh.stop("w1"), 0)
        self.assertEqual(self.mesh.stop("broker"), 0)

        self.assertEqual(self.mesh.ctys("list").status, 6)
        local = self.mesh.ctys("list", "--local", "-o", "jsonl")

        self.assertEqual(local.status, 0, local.err)
        rows = {row["pid"]: row for row in local.rows}
        self.assertEqual((rows[pid]["label"], rows[pid]["owner"]), ("ours", "ctys"))
        self.assertEqual((rows[foreign.pid]["label"], rows[foreign.pid]["owner"]), ("byhand", "by hand"))
        self.assertEqual({rows[pid]["state"], rows[foreign.pid]["state"]}, {"running"})

    def test_the_list_of_this_machine_takes_filters_and_addresses(self):
        self.mesh.make_vm("pool", "runs", "idle")
        configuration = self.mesh.make_vm("pool", "rests", "idle")
        self.start_mesh()
        self.mesh.start_vm("runs")

        def local(*arguments):
            outcome = self.mesh.ctys("list", "--local", "-o", "jsonl", *arguments)
            return outcome.status, [row["label"] for row in outcome.rows]

        below = "b:" + self.mesh.path("pool")
        for broker in (True, False):
            if not broker:
                self.assertEqual(self.mesh.stop("broker"), 0)
            self.assertEqual(local("l:runs," + below), (0, ["runs"]))
            self.assertEqual(local("id:" + configuration), (0, ["rests"]))
            self.assertEqual(local("f:" + configuration[4:], "--filter", "state=stopped"), (0, ["rests"]))
            self.assertEqual(local("f:" + configuration[4:], "--filter", "state=running")[0], 3)
            self.assertEqual(local("l:runs,w:nowhere")[0], 3)
            self.assertEqual(local("--filter", "label=rests"), (0, ["rests"]))
            self.assertEqual(local("--filter", "label=nobody"), (0, []))
            self.assertEqual(local("--filter", "state=runing")[0], 2)
            self.assertEqual(local("--watch")[0], 2)

    def test_an_address_without_a_match_ends_alike_in_every_format(self):
        self.mesh.make_vm("pool", "rests", "idle")
        self.start_mesh()

        for form in ("table", "json", "jsonl", "name"):
            self.assertEqual(self.mesh.ctys("list", "nobody", "-o", form).status, 3, form)
            self.assertEqual(self.mesh.ctys("list", "rests", "-o", form).status, 0, form)

    def test_a_name_is_a_label_only_where_that_finds_the_machine_again(self):
        self.mesh.make_vm("pool", "alone", "idle")
        self.mesh.make_vm("pool", "twin", "idle")
        first = self.mesh.uuids["twin"]
        self.mesh.make_vm("pool", "twin", "idle", directory="second")
        self.start_mesh()

        names = self.mesh.ctys("list", "-o", "name", "u:" + first).out.split()
        self.assertEqual(names, ["u:" + first])
        every = self.mesh.ctys("list", "-o", "name", "--filter", "label=alone,twin").out.split()
        self.assertEqual(sorted(every), sorted(["alone", "u:" + first, "u:" + self.mesh.uuids["twin"]]))
        self.assertEqual(self.mesh.ctys("show", "alone", "-o", "name").out, "alone\n")


if __name__ == "__main__":
    mesh.main()
