"""A host under systemd goes down: its machines end first, each in its way, with its agent and without; it
comes up again with those that should run. A host that was started by hand is nobody's inner machine."""

import json
import os
import unittest
import uuid

import journal
import stack_mesh
from stack_mesh import mesh
from systemd_mesh import SystemdCase

GRACE = '#@#GRACE = "5s"\n'


@unittest.skipUnless(os.geteuid() == 0, "the files of a system belong to many: needs root")
class UnderSystemd(SystemdCase):
    def begin(self, machines, extra=""):
        """A mesh in which l1 can be started, with these inside: label -> (guest, lines of its configuration)."""
        for label, (guest, lines) in machines.items():
            self.mesh.make_inner(label, guest, extra=lines)
        self.mesh.make_l1(extra, stop_deadline="40s")
        self.mesh.start_outer()

    def watch(self):
        """From now on; what was before is not told again."""
        self.stream = self.mesh.events("--from", self.mesh.head())
        self.after = 0

    def told(self, **wanted):
        return self.stream.wait(stack_mesh.ORDER_S, self.after, **wanted)

    def wait_agent(self):
        """Until the agent inside has called again."""
        return self.told(worker="l1", kind=lambda kind: kind in ("registered", "alive"))

    def assert_in_order(self, *events):
        """By the journal, whatever the clocks say. Shown, as it is what the test is about."""
        places = [journal.place(event) for event in events]
        for event in events:
            print(f"{event['cursor']} {mesh.brief(event)}", flush=True)
        self.assertEqual(places, sorted(places))

    def assert_said_in_order(self, *texts):
        said = self.mesh.said()
        at = 0
        for text in texts:
            found = said.find(text, at)
            self.assertGreaterEqual(found, 0, f"{text!r} is not said, or too early")
            at = found + len(text)
            print(said[said.rfind("\n", 0, found) + 1 : said.find("\n", found)].rstrip(), flush=True)

    def test_inner_machines_end_first_and_those_that_should_run_do_so_at_the_next_boot(self):
        self.begin({
            "obeys": ("polite", GRACE + '#@#ONBOOT = "like-before"\n'),
            "ignores": ("stubborn", GRACE),
            "rests": ("polite", '#@#ONBOOT = "like-before"\n'),
            "stays": ("stubborn", '#@#ONSTOP = "leave"\n'),
            "web": ("polite", GRACE + '#@#ONBOOT = "start"\n#@#STARTAFTER = "obeys"\n'),
        })
        self.mesh.boot_l1()
        self.mesh.await_guest("web")
        self.mesh.start_inner("obeys", "ignores", "stays")
        self.watch()

        self.mesh.power_off_inside()

        outer = self.told(kind="stopped", label="l1")
        self.assertEqual(outer["by"], "guest", outer)
        begun, done = (
            self.told(kind="host-stop", worker="l1", data=lambda data, phase=phase: data["phase"] == phase)
            for phase in ("begun", "done")
        )
        for label in ("obeys", "web"):
            ended = self.told(kind="stopped", label=label)
            # A scope's own SIGTERM would be by signal.
            self.assertEqual((ended["by"], ended["data"]["rung"]), ("guest", "power button"), ended)
            self.assert_in_order(begun, ended, done, outer)
        cut = self.told(kind="stopped", label="ignores")
        self.assertEqual((cut["by"], cut["text"]), ("host", "power cut at its 5.0 s deadline by quit"), cut)
        self.assert_in_order(begun, cut, done, outer)
        # The service manager ends its scope when the others have ended, and its agent still sees that.
        left = self.told(kind="stopped", label="stays")
        self.assertEqual((left["by"], left.get("action")), ("signal", None), left)
        self.assert_in_order(done, left, outer)
        self.assert_said_in_order(
            "Stopping ctys-guests.service", "obeys: ended by guest", "ignores: ended by host",
            "Stopped ctys-guests.service", "Stopped target ctys-guests.target", "Stopped ctys-agent.service",
            "Stopped target network.target", "Stopped systemd-networkd.service",
        )  # fmt: skip

        self.watch()
        self.mesh.boot_l1()

        self.told(kind="running", label="web")
        order = [event["label"] for event in self.stream.find(self.after, kind="running", worker="l1")]
        self.assertEqual(order, ["obeys", "web"])
        states = {row["label"]: row["state"] for row in self.mesh.rows()}
        self.assertEqual((states["ignores"], states["rests"]), ("stopped", "stopped"))

    def test_a_restart_or_an_upgrade_of_its_agent_touches_no_machine(self):
        self.begin({"obeys": ("polite", GRACE), "ignores": ("stubborn", GRACE)})
        self.mesh.boot_l1()
        self.mesh.start_inner("obeys", "ignores")
        pids = {row["label"]: row["pid"] for row in self.mesh.rows() if row["worker"] == "l1"}
        self.assert_scopes(pids)
        self.watch()
        begun = self.after
        # As a package does it: another file under the same name.
        upgrade = "cp -p /usr/bin/ctys-agent /usr/bin/new && mv /usr/bin/new /usr/bin/ctys-agent"
        for command in (
            f"{upgrade} && systemctl daemon-reload && systemctl restart ctys-agent",
            "systemctl stop ctys-agent && ! systemctl is-active ctys-agent && systemctl start ctys-agent",
            "systemctl kill --kill-whom=main --signal=KILL ctys-agent",
            "systemctl daemon-reexec && systemctl restart ctys-agent",
        ):
            self.after = self.stream.mark()
            self.mesh.inside(command)
            self.wait_agent()

        for label, pid in pids.items():
            row = self.mesh.wait_row(label, state="running", worker_state="alive", owner="ctys")
            self.assertEqual(row["pid"], pid)
        self.assertEqual(self.stream.find(begun, kind="stopped"), [])
        # They are its own again: it can ask them.
        outcome = self.mesh.ctys("shutdown", "obeys", "--deadline", "60s")
        self.assertEqual(outcome.status, 0, outcome.err)
        ended = self.told(kind="stopped", label="obeys")
        self.assertEqual((ended["by"], ended["data"]["rung"]), ("guest", "power button"), ended)

    def assert_scopes(self, pids):
        """Each machine has one of its own, which ends between the guests' unit and the agent's."""
        scopes = set()
        for pid in pids.values():
            (group,) = self.mesh.answer(f"cat /proc/{pid}/cgroup")
            scope = os.path.basename(group)
            self.assertRegex(scope, r"^ctys-vm-[0-9a-f]{16}\.scope$")
            scopes.add(scope)
            shown = dict(
                line.split("=", 1) for line in self.mesh.answer(f"systemctl show --property=Before,After {scope}")
            )
            self.assertIn("ctys-guests.target", shown["Before"].split())
            self.assertIn("ctys-agent.service", shown["After"].split())
        self.assertEqual(len(scopes), len(pids))

    def test_a_hung_agent_does_not_keep_them_from_ending_first(self):
        self.begin({"obeys": ("polite", GRACE), "ignores": ("stubborn", GRACE)})
        self.mesh.boot_l1()
        self.mesh.start_inner("obeys", "ignores")
        self.watch()

        self.mesh.inside("systemctl kill --kill-whom=main --signal=STOP ctys-agent")
        self.mesh.power_off_inside()

        outer = self.told(kind="stopped", label="l1")
        self.assertEqual(outer["by"], "guest", outer)
        self.assert_said_in_order(
            "it is ended, and its work done here", "obeys: ended by guest",
            "ignores: ended by host: power cut at its 5.0 s deadline", "guests stopped in",
            "Stopped ctys-guests.service", "Stopped systemd-networkd.service",
        )  # fmt: skip
        # What nobody could tell then is on its disk.
        self.mesh.boot_l1()
        obeys = self.told(kind="stopped", label="obeys", evidence="qmp")
        self.assertEqual(obeys["by"], "guest", obeys)
        self.assertLess(obeys["time"], outer["time"])

    def test_a_worker_that_is_told_to_end_itself_does_so_last(self):
        self.begin({"obeys": ("polite", GRACE), "ignores": ("stubborn", GRACE)}, '#@#GRACE = "40s"\n')
        self.mesh.boot_l1()
        self.mesh.start_inner("obeys", "ignores")
        self.watch()

        outcome = self.mesh.ctys("-t", "QEMU", "-a", "cancel=all,self,poweroff:60", "l1")

        self.assertEqual(outcome.status, 0, outcome.err)
        outer = self.told(kind="stopped", label="l1")
        self.assertEqual(outer["by"], "guest", outer)
        # By its own systemd: nobody has pressed the button of its carrier.
        self.assertEqual(self.stream.find(self.after, kind="asked", label="l1"), [])
        obeys, ignores = (self.told(kind="stopped", label=label) for label in ("obeys", "ignores"))
        self.assertEqual((obeys["by"], ignores["by"]), ("guest", "host"))
        self.assert_in_order(obeys, ignores, outer)
        self.assert_said_in_order("Stopped ctys-guests.service", "Stopped systemd-networkd.service")

    def test_a_machine_that_was_started_by_hand_carries_nobody(self):
        self.begin({"obeys": ("polite", GRACE)})
        self.mesh.boot_l1_by_hand()
        # What QEMU shows the guest when nobody gave it one; the kernel makes no file of that.
        self.assertEqual(self.mesh.firmware_uuid(), uuid.UUID(int=0))
        self.mesh.inside("! test -e /sys/class/dmi/id/product_uuid")
        self.mesh.wait_row("obeys")
        self.mesh.start_inner("obeys")

        stack = json.loads(self.mesh.ctys("stack", "-o", "json").out)

        print(self.mesh.ctys("stack").out, flush=True)
        workers = {worker["worker"]: worker for worker in stack["workers"]}
        self.assertEqual([vm["label"] for vm in workers["l1"]["vms"]], ["obeys"])
        # By its image it is known to be l1; what it runs inside is known by nothing. Others may run machines
        # on this computer too.
        (byhand,) = (vm for vm in workers["host"]["vms"] if vm["uuid"] == self.mesh.uuids["l1"])
        self.assertEqual((byhand["label"], byhand["state"], byhand["owner"]), ("l1", "running", "by hand"))
        self.assertEqual(byhand["workers"], [])
        self.assertEqual([problem for problem in stack["problems"] if "l1" in problem["workers"]], [])


if __name__ == "__main__":
    stack_mesh.main()
