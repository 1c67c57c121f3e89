"""Pools are added to an agent that runs, and trusted where nothing can prove what they are."""

import os
import subprocess
import unittest

import mesh

NAMESPACES = subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode == 0


class Pool(mesh.MeshCase):
    def pools(self):
        rows = self.mesh.ctys("pool", "list", "-o", "jsonl").rows
        return {(row["worker"], row["root"]): row for row in rows}

    def test_a_pool_added_to_a_running_agent_counts_at_once_and_after_a_restart(self):
        self.mesh.make_vm("pool", "first", "idle")
        self.start_mesh()
        self.mesh.make_vm("second", "later", "idle")
        self.assertEqual([row["label"] for row in self.mesh.rows() if row["paths"]], ["first"])

        added = self.mesh.ctys("pool", "add", self.mesh.path("second"))

        self.assertEqual(added.status, 0, added.err)
        self.assertIn("on w1: good, 1 VMs", added.out)
        self.mesh.wait_row("later", state="stopped", paths=1)
        self.mesh.start_vm("later")
        self.assertIn(("w1", self.mesh.path("second")), self.pools())

        self.mesh.stop("w1")
        self.mesh.start_agent("w1", "pool")
        self.assertEqual(self.mesh.wait_row("later", paths=1)["state"], "running")
        self.assertIn(("w1", self.mesh.path("second")), self.pools())

    def test_a_pool_that_is_one_already_or_no_directory_is_refused(self):
        self.mesh.make_vm("pool", "web", "idle")
        self.start_mesh()

        again = self.mesh.ctys("pool", "add", self.mesh.path("pool"))
        inside = self.mesh.ctys("pool", "add", self.mesh.path("pool", "web"))
        around = self.mesh.ctys("pool", "add", self.mesh.root)
        missing = self.mesh.ctys("pool", "add", self.mesh.path("nowhere"))
        stranger = self.mesh.ctys("pool", "add", "w9:" + self.mesh.path("run"))

        self.assertEqual((again.status, inside.status), (5, 5), again.err + inside.err)
        self.assertIn("lies in " + self.mesh.path("pool"), inside.err)
        self.assertEqual(around.status, 5, around.err)
        self.assertIn("holds " + self.mesh.path("pool"), around.err)
        self.assertEqual((missing.status, stranger.status), (3, 3), missing.err + stranger.err)

    def test_only_a_pool_of_the_agent_is_trusted(self):
        self.mesh.make_vm("pool", "web", "idle")
        self.start_mesh()

        other = self.mesh.ctys("pool", "trust", self.mesh.path("run"))
        unnamed = self.mesh.ctys("pool", "trust")

        self.assertEqual(other.status, 3, other.err)
        self.assertIn(self.mesh.path("pool"), other.err)
        self.assertFalse(os.path.exists(self.mesh.path("state", "agent-w1", "pools.toml")))
        self.assertEqual(unnamed.status, 2, unnamed.err)
        self.assertIn("ctys pool trust", unnamed.err)

    def test_a_pool_taken_out_of_the_file_goes_with_its_machines(self):
        self.mesh.make_vm("pool", "first", "idle")
        self.start_mesh()
        self.mesh.make_vm("second", "later", "idle")
        self.assertEqual(self.mesh.ctys("pool", "add", self.mesh.path("second")).status, 0)
        self.mesh.wait_row("later", paths=1)
        events = self.mesh.events()

        os.unlink(self.mesh.path("state", "agent-w1", "pools.toml"))
        self.mesh.processes["w1"].send_signal(1)

        events.wait(kind="vanished", label="later")
        self.assertNotIn("later", [row["label"] for row in self.mesh.rows()])
        self.mesh.wait_row("first", paths=1)

    def test_a_pool_file_that_cannot_be_read_changes_nothing(self):
        self.mesh.make_vm("pool", "first", "idle")
        self.start_mesh()
        with open(self.mesh.path("state", "agent-w1", "pools.toml"), "w") as file:
            file.write("pool = nonsense [")

        self.mesh.processes["w1"].send_signal(1)
        refused = self.mesh.ctys("pool", "add", self.mesh.path("run"))

        self.assertEqual(refused.status, 2, refused.err)
        self.assertIn("pools.toml", refused.err)
        self.assertEqual(self.mesh.wait_row("first", paths=1)["state"], "stopped")

    @unittest.skipUnless(NAMESPACES, "mounts are not permitted here")
    def test_a_pool_without_marker_is_unproven_until_it_is_trusted(self):
        self.mesh.make_vm("pool", "shared", "idle")
        pool = self.mesh.path("pool")
        read_only = f'mount --bind "{pool}" "{pool}" && mount -o remount,bind,ro "{pool}" && exec "$@"'
        inside = ["unshare", "--mount", "sh", "-c", read_only, "sh"]
        self.mesh.start_broker()
        self.mesh.start_agent("w1", "pool", inside=inside)
        self.mesh.start_agent("w2", "pool", inside=inside)
        self.mesh.wait_row("shared", paths=2)

        def health(worker):
            shown = self.mesh.ctys("show", "shared", "-o", "json").rows[0]
            return {path["worker"]: path["health"] for path in shown["path_list"]}[worker]

        self.assertEqual(health("w2"), "unproven")
        self.assertEqual(self.mesh.ctys("pool", "trust", pool).status, 4, "which agent was not asked")
        events = self.mesh.events()

        trusted = self.mesh.ctys("pool", "trust", "w2:" + pool)

        self.assertEqual(trusted.status, 0, trusted.err)
        self.assertIn("trusted", trusted.out)
        events.wait(kind="proven", label="shared", worker="w2")
        self.assertEqual(health("w2"), "good")
        self.assertTrue(self.pools()[("w2", pool)]["trusted"])
        self.assertFalse(self.pools()[("w1", pool)]["trusted"])


if __name__ == "__main__":
    mesh.main()
