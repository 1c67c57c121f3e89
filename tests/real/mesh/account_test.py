"""Machines of another account than the agent's: they run as it, obey, and are found again. And accounts
that ask a broker of somebody else."""

import grp
import os
import pwd
import shutil
import signal
import subprocess
import unittest

import mesh


@unittest.skipUnless(os.geteuid() == 0, "only root may start a machine as somebody else")
class OtherAccount(mesh.MeshCase):
    def setUp(self):
        super().setUp()
        self.account = pwd.getpwnam("nobody")
        # Its folders lead through the mesh's, which others may pass.
        os.chmod(self.mesh.root, 0o711)
        os.chmod(self.mesh.path("run"), 0o711)

    def make_theirs(self, label, guest):
        """A machine that belongs to the account, with all its files."""
        self.mesh.make_vm("pool", label, guest)
        for folder, _, files in os.walk(self.mesh.path("pool", label)):
            os.chown(folder, self.account.pw_uid, self.account.pw_gid)
            for name in files:
                os.chown(os.path.join(folder, name), self.account.pw_uid, self.account.pw_gid)

    def uid_of(self, pid):
        with open(f"/proc/{pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("Uid:"))

    def groups_of(self, pid):
        with open(f"/proc/{pid}/status") as status:
            return {int(word) for line in status if line.startswith("Groups:") for word in line.split()[1:]}

    def test_it_has_the_groups_of_its_account_and_no_others(self):
        if "CTYS_ALONE" not in os.environ:
            self.skipTest("/etc/group can be another one in mounts of its own only")
        # A group more, as who may open /dev/kvm has.
        groups = self.mesh.path("group")
        shutil.copy("/etc/group", groups)
        with open(groups, "a") as file:
            file.write(f"ctys-test:x:61234:{self.account.pw_name}\n")
        subprocess.run(["mount", "--bind", groups, "/etc/group"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/group"], check=True)
        self.make_theirs("web", "idle")
        self.start_mesh()

        row = self.mesh.start_vm("web")

        self.assertEqual(self.uid_of(row["pid"]), self.account.pw_uid)
        self.assertEqual(self.groups_of(row["pid"]),
                         {self.account.pw_gid, 61234})
        self.assertEqual(self.mesh.ctys("kill", "web").status, 0)

    def test_it_runs_as_its_account_and_obeys(self):
        self.make_theirs("web", "polite")
        self.start_mesh()
        row = self.mesh.start_vm("web")

        self.assertEqual(self.uid_of(row["pid"]), self.account.pw_uid)
        self.assertEqual(self.groups_of(row["pid"]), {self.account.pw_gid})
        self.assertEqual((row["user"], row["uid"]), ("nobody", self.account.pw_uid))
        outcome = self.mesh.ctys("shutdown", "web", "--deadline", "40s", "-o", "jsonl")
        self.assertEqual(outcome.status, 0, outcome.err)
        self.assertEqual(self.mesh.events().wait(kind="stopped", label="web")["by"], "guest")

        row = self.mesh.start_vm("web")
        self.assertEqual(self.mesh.ctys("kill", "web").status, 0)
        self.mesh.wait_row("web", state="stopped")

    def test_a_wrapper_that_its_account_cannot_read_is_a_problem(self):
        self.make_theirs("web", "idle")
        wrapper = self.mesh.path("pool", "web", "web.sh")
        os.chmod(wrapper, 0o200)
        self.start_mesh()
        why = f"web.sh cannot be read by user {self.account.pw_uid}, who is to run it (mode 0200)"

        self.mesh.wait_row("web", remarks=[why])
        refused = self.mesh.ctys("start", "web")
        self.assertEqual(refused.status, 5, refused.err)
        self.assertIn(why, refused.err)

        # What only the start finds out: its group has to be one of the account's.
        os.chown(wrapper, 0, 0)
        os.chmod(wrapper, 0o740)
        self.assertEqual(self.mesh.ctys("scan").status, 0)
        self.mesh.wait_row("web", remarks=[])
        refused = self.mesh.ctys("start", "web")
        self.assertEqual(refused.status, 7, refused.err)
        self.assertIn(f"cannot read the wrapper {wrapper} as uid {self.account.pw_uid}: Permission denied", refused.err)

        os.chmod(wrapper, 0o744)
        self.assertEqual(self.mesh.ctys("scan").status, 0)
        self.mesh.start_vm("web")
        self.assertEqual(self.mesh.ctys("kill", "web").status, 0)

    def test_it_is_adopted_by_a_new_agent(self):
        self.make_theirs("web", "polite")
        self.make_theirs("db", "idle")
        self.start_mesh()
        pid = self.mesh.start_vm("web")["pid"]
        other = self.mesh.start_vm("db")["pid"]
        self.mesh.kill9("w1")
        os.kill(other, signal.SIGKILL)
        stream = self.mesh.events("--from", self.mesh.head())
        self.mesh.start_agent("w1", "pool", wait=False)

        stopped = stream.wait(kind="stopped", label="db")
        self.assertEqual((stopped["by"], stopped["evidence"]), ("signal", "exit-status"), stopped)
        stream.wait(kind="vm-changed", label="web", text="its monitor is connected")
        self.assertEqual(self.mesh.wait_row("web", state="running")["pid"], pid)
        outcome = self.mesh.ctys("shutdown", "web", "--deadline", "40s")
        self.assertEqual(outcome.status, 0, outcome.err)

    def test_what_its_account_puts_in_its_folder_misleads_nobody(self):
        self.make_theirs("web", "idle")
        self.start_mesh()
        row = self.mesh.start_vm("web")
        folder = os.path.dirname(row["sport"])
        self.mesh.kill9("w1")
        secret = self.mesh.path("secret")
        with open(secret, "w") as file:
            file.write("root alone may read this\n")
        os.chmod(secret, 0o600)
        before = os.stat(secret)
        # Links where the agent reads and listens, and a claim to have ended.
        for name in ("stderr.log", "trace.log", "wrapper.log", "qmp.sock", "instance"):
            path = os.path.join(folder, name)
            if os.path.lexists(path):
                os.unlink(path)
            os.symlink(secret, path)
        os.mkfifo(os.path.join(folder, "exit"))

        self.mesh.start_agent("w1", "pool", wait=False)
        self.mesh.wait_row("web", pid=row["pid"], worker_state="alive", age_s=lambda age: age < 3)
        os.kill(row["pid"], signal.SIGKILL)
        stream = self.mesh.events()
        ended = stream.wait(label="web", kind=lambda kind: kind in ("stopped", "gone"))

        self.assertNotIn("root alone", str(ended))
        after = os.stat(secret)
        self.assertEqual((after.st_mode, after.st_size, after.st_uid), (before.st_mode, before.st_size, 0))
        self.assertEqual(self.mesh.stop("w1"), 0, self.mesh.log("w1"))


@unittest.skipUnless(os.geteuid() == 0, "only root may act as somebody else")
class Members(mesh.MeshCase):
    """Accounts of this machine that are neither root nor the broker's own."""

    def ctys_as(self, name, group, *arguments):
        account, gid = pwd.getpwnam(name), grp.getgrnam(group).gr_gid
        argv = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={gid}", "--clear-groups",
                self.mesh.program("ctys"), *arguments]
        environment = self.mesh.environment | {"HOME": "/"}
        return subprocess.run(
            argv, env=environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=mesh.PATIENCE_S)

    def start_broker(self, group):
        settings = self.mesh.path("etc/broker.toml")
        os.makedirs(os.path.dirname(settings), exist_ok=True)
        with open(settings, "w") as file:
            file.write(f'[runtime]\ngroup = "{group}"\n[users]\nnobody = "viewer"\n')
        os.chmod(self.mesh.root, 0o711)
        return self.mesh.start_broker("--config", settings)

    def test_a_group_reaches_the_broker_and_does_there_what_users_says(self):
        self.start_broker("nogroup")

        member = self.ctys_as("nobody", "nogroup", "list")
        self.assertEqual(member.returncode, 0, member.stderr)
        ordered = self.ctys_as("nobody", "nogroup", "start", "web")
        self.assertEqual(ordered.returncode, 7, ordered.stderr)
        # In the group, and named by nobody.
        unnamed = self.ctys_as("daemon", "nogroup", "list")
        self.assertEqual(unnamed.returncode, 7, unnamed.stderr)
        outside = self.ctys_as("nobody", "daemon", "list", "--timeout", "1s")
        self.assertEqual(outside.returncode, 6, outside.stderr)

    def test_a_group_that_is_not_there_is_named(self):
        with self.assertRaisesRegex(AssertionError, 'there is no group "no-such-group" here'):
            self.start_broker("no-such-group")
        self.mesh.processes.pop("broker").wait(mesh.PATIENCE_S)


if __name__ == "__main__":
    mesh.main()
