"""What ctys does by itself: orders for one host, `up` on this machine, keys, logs."""

import json
import os

import mesh


class OriginalLanguage(mesh.MeshCase):
    def setUp(self):
        super().setUp()
        self.mesh.make_vm("first", "web", "idle")
        self.mesh.make_vm("second", "mail", "idle")
        self.mesh.start_broker()
        self.mesh.start_agent("w1", "first")
        self.mesh.start_agent("w2", "second")

    def original(self, *words):
        return self.mesh.ctys("-t", "QEMU", *words)

    def test_an_order_for_one_host_reaches_no_other(self):
        self.mesh.start_vm("web")

        elsewhere = self.original("-a", "cancel=l:web,poweroff:0,force", "w2")
        rehearsed = self.original("-n", "-a", "cancel=l:web,poweroff:0,force", "w2")

        self.assertEqual(elsewhere.status, 5, elsewhere.err)
        self.assertIn("runs on w1, not on w2", elsewhere.err)
        self.assertEqual(rehearsed.status, 5, rehearsed.out)
        self.assertIn("runs on w1, not on w2", rehearsed.err)
        self.assertEqual(self.mesh.wait_row("web")["state"], "running")

        twice = self.original("-b", "sync", "-a", "cancel=l:web,poweroff:0,force", "w1", "w1")
        self.assertEqual(twice.status, 0, twice.err)
        self.mesh.wait_row("web", state="stopped")

    def test_each_action_knows_the_hosts(self):
        self.mesh.start_vm("web")

        self.assertIn("web", self.original("-a", "list", "w1").out)
        self.assertNotIn("web", self.original("-a", "list", "w2").out)
        self.assertNotIn("web", self.original("-a", "enumerate", "w2").out)
        self.assertIn("mail", self.original("-a", "enumerate", "w2").out)
        self.assertIn("mail", self.original("-a", "enumerate=b:" + self.mesh.path("second")).out)
        for action in ("list", "enumerate", "info", "create=l:mail", "cancel=l:web"):
            unknown = self.original("-a", action, "w9")
            self.assertEqual(unknown.status, 3, action + unknown.err)
            # Two agents are on this machine: which one is not guessed.
            self.assertEqual(self.original("-a", action, "localhost").status, 4, action)
        self.assertEqual(self.mesh.wait_row("web")["state"], "running")

    def test_options_of_the_new_language_stand_beside_it(self):
        endpoint = "ipc://" + self.mesh.path("run", "broker", "mesh")
        self.mesh.environment["CTYS_BROKER"] = "ipc:///nonexistent/mesh"

        listed = self.original("--broker=" + endpoint, "-o", "json", "-a", "enumerate")
        helped = self.original("-h")

        self.assertEqual(listed.status, 0, listed.err)
        self.assertEqual({row["label"] for row in json.loads(listed.out)}, {"web", "mail"})
        self.assertEqual(helped.status, 0, helped.err)
        self.assertIn("The original's language", helped.out)


class Rehearsal(mesh.MeshCase):
    def setUp(self):
        super().setUp()
        self.mesh.make_vm("pool", "web", "idle", extra='#@#GRACE = "8s"\n')
        self.start_mesh()
        self.mesh.start_vm("web")

    def assert_as_ordered(self, status, *words):
        """The rehearsal says what the order then says. Returns what was said."""
        rehearsed = self.mesh.ctys(*words, "--dry-run")
        ordered = self.mesh.ctys(*words)
        self.assertEqual(rehearsed.status, status, rehearsed.out + rehearsed.err)
        self.assertEqual((ordered.status, ordered.err), (status, rehearsed.err))
        return rehearsed.err

    def test_what_has_no_monitor_is_refused(self):
        image = mesh.boot_image(self.mesh.path("hand.img"), "idle")
        pid = self.mesh.start_foreign("-name", "byhand", image=image).pid
        self.mesh.wait_row("byhand", pid=pid)
        said = self.assert_as_ordered(5, "shutdown", "byhand", "--deadline", "20s")
        self.assertIn("no monitor we may use", said)
        for verb in ("pause", "reboot", "suspend"):
            self.assert_as_ordered(5, verb, "byhand")
        plan = self.mesh.ctys("plan", "shutdown", "w:w1", "--deadline", "90s")
        self.assertEqual(plan.status, 5, plan.err)
        self.assertIn("cannot be asked", plan.out, plan.err)
        self.assertIn("byhand on w1 has no monitor we may use", plan.err)
        paused = self.mesh.ctys("plan", "pause", "w:w1")
        self.assertEqual(paused.status, 0, paused.err)
        self.assertIn("pause of byhand will be refused", paused.out)

    def test_a_label_is_proposed_only_where_a_label_is_not_found(self):
        for words in (("shutdown", "wev"), ("shutdown", "wev", "--dry-run"), ("show", "wev")):
            mistyped = self.mesh.ctys(*words)
            self.assertEqual(mistyped.status, 3, mistyped.err)
            self.assertIn("near: web (running on w1)", mistyped.err)
        self.assertEqual(self.mesh.ctys("kill", "web").status, 0)
        elsewhere = self.mesh.ctys("start", "web", "--on", "wev")
        self.assertEqual(elsewhere.status, 3, elsewhere.err)
        self.assertIn("no worker is called wev", elsewhere.err)
        self.assertNotIn("near:", elsewhere.err)

    def test_a_run_level_that_nobody_enters_is_refused(self):
        self.assertIn("runs without GUESTAGENT=yes", self.assert_as_ordered(1, "init", "3", "web"))

    def test_a_plan_says_who_is_cut_at_its_own_time(self):
        shown = self.mesh.ctys("plan", "shutdown", "web")
        self.assertIn("cut by 0:08 (its GRACE)", shown.out)
        step = json.loads(self.mesh.ctys("plan", "shutdown", "web", "-o", "json").out)["steps"][0]
        self.assertEqual(step["cut_s"], 8)

    def test_a_plan_with_nothing_to_do_is_status_0(self):
        self.assertEqual(self.mesh.ctys("plan", "pause", "web", "--exit-code").status, 10)
        self.assertEqual(self.mesh.ctys("plan", "resume", "web", "--exit-code").status, 0)
        self.assertEqual(self.mesh.ctys("pause", "web").status, 0)
        self.assertEqual(self.mesh.ctys("plan", "pause", "--all", "--exit-code").status, 0)
        self.assertEqual(self.mesh.ctys("plan", "resume", "--all", "--exit-code").status, 10)

    def test_options_that_mean_nothing_are_refused(self):
        for words in (
            ("plan", "shutdown", "web", "--self"),
            ("plan", "shutdown", "--all", "web"),
            ("plan", "shutdown", "web", "--width", "0"),
            ("shutdown", "w:w1", "--width", "0"),
        ):
            self.assertEqual(self.mesh.ctys(*words).status, 2, words)


class Up(mesh.MeshCase):
    def test_it_starts_this_machine_whatever_broker_is_named_elsewhere(self):
        self.mesh.environment["CTYS_BROKER"] = "ipc:///nonexistent/mesh"
        self.mesh.make_vm("pool", "web", "idle")
        self.addCleanup(self.mesh.ctys, "down")

        up = self.mesh.ctys("up", "--pool", self.mesh.path("pool"), "--name", "w1")

        self.assertEqual(up.status, 0, up.err)
        self.assertIn("CTYS_BROKER names another broker", up.err)
        del self.mesh.environment["CTYS_BROKER"]
        self.mesh.wait_row("web", state="stopped")
        self.assertEqual(self.mesh.ctys("down").status, 0)

    def test_an_agent_that_runs_is_given_a_pool_it_does_not_have(self):
        self.mesh.make_vm("pool", "web", "idle")
        self.mesh.make_vm("more", "mail", "idle")
        self.addCleanup(self.mesh.ctys, "down")
        pools = [self.mesh.path(name) for name in ("pool", "more")]
        self.assertEqual(self.mesh.ctys("up", "--pool", pools[0], "--name", "w1").status, 0)
        self.mesh.wait_row("web", state="stopped")

        again = self.mesh.ctys("up", "--pool", pools[0], "--pool", pools[1], "--name", "w1")

        self.assertEqual(again.status, 0, again.err)
        self.assertIn(f"{pools[1]} on w1: good", again.out)
        self.assertNotIn(f"{pools[0]} on w1", again.out)
        self.mesh.wait_row("mail", state="stopped")
        inside = self.mesh.ctys("up", "--pool", os.path.join(pools[0], "web"), "--name", "w1")
        self.assertEqual(inside.status, 5, inside.err)
        self.assertIn("lies in", inside.err)

    def test_a_broker_elsewhere_is_not_started(self):
        refused = self.mesh.ctys("up", "--broker", "tcp://lab01:7510")

        self.assertEqual(refused.status, 2, refused.err)
        self.assertIn("up starts the broker of this machine", refused.err)
        self.assertEqual(os.listdir(self.mesh.path("run")), [])


class Keys(mesh.MeshCase):
    def test_known_keys_are_listed_in_every_format(self):
        folder = self.mesh.path("keys")
        os.mkdir(folder)
        for name, *options in (("ann",), ("lab02", "--role", "agent", "--worker", "lab02")):
            made = self.mesh.ctys(
                "keys", "generate", "--name", name, "--file", self.mesh.path(name), *options
            )
            self.assertEqual(made.status, 0, made.err)
            with open(os.path.join(folder, name + ".pub"), "w") as file:
                os.chmod(file.fileno(), 0o644)
                file.write(made.out)

        rows = self.mesh.ctys("keys", "list", "--dir", folder, "-o", "jsonl").rows

        self.assertEqual(
            [(row["name"], row["role"], row["worker"]) for row in rows],
            [("ann", "operator", None), ("lab02", "agent", "lab02")],
        )
        self.assertEqual([len(row["key"]) for row in rows], [40, 40])
        named = self.mesh.ctys("keys", "list", "--dir", folder, "-o", "name").out
        self.assertEqual(named.split(), ["ann", "lab02"])
        self.assertIn("WORKER", self.mesh.ctys("keys", "list", "--dir", folder).out)

    def test_a_name_that_could_not_be_loaded_writes_nothing(self):
        for options in (("--name", "a/b"), ("--name", "ann", "--worker", "lab 02")):
            refused = self.mesh.ctys("keys", "generate", "--file", self.mesh.path("key"), *options)
            self.assertEqual(refused.status, 2, refused.err)
            self.assertFalse(os.path.exists(self.mesh.path("key")))


class Logs(mesh.MeshCase):
    def test_only_regular_files_of_managed_machines_are_shown(self):
        self.mesh.make_vm("pool", "web", "idle")
        self.start_mesh()
        self.mesh.start_vm("web")
        shown = self.mesh.ctys("show", "web", "-o", "jsonl").rows[0]
        folder = os.path.dirname(shown["sport"])
        os.mkfifo(os.path.join(folder, "qemu.log"))
        with open(os.path.join(folder, "serial.log"), "a") as file:
            file.write("a word of the guest\n")

        logs = self.mesh.ctys("logs", "web", seconds=20)

        self.assertEqual(logs.status, 0, logs.err)
        self.assertIn("a word of the guest", logs.out)
        self.assertIn("qemu.log is no regular file", logs.err)

    def test_a_machine_of_somebody_else_has_its_logs_elsewhere(self):
        self.start_mesh()
        os.mkdir(self.mesh.path("elsewhere"))
        with open(self.mesh.path("elsewhere", "qemu.log"), "w") as file:
            file.write("a secret of somebody else\n")
        monitor = "unix:" + self.mesh.path("elsewhere", "monitor") + ",server=on,wait=off"
        image = mesh.boot_image(self.mesh.path("elsewhere", "disk.img"), "idle")
        foreign = self.mesh.start_foreign("-name", "byhand", "-monitor", monitor, image=image)
        self.mesh.wait_row("byhand", pid=foreign.pid)

        logs = self.mesh.ctys("logs", "byhand")

        self.assertEqual(logs.status, 3, logs.err)
        self.assertNotIn("secret", logs.out)
        self.assertIn("ctys did not start it", logs.err)


if __name__ == "__main__":
    mesh.main()
