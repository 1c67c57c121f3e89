"""Machines are asked before they are cut, cut only at a deadline, and every rung is told."""

import os
import select
import signal

import mesh
from mesh import PATIENCE_S

# A deadline holds within this time; it may not pass early at all.
SLACK_S = 1.0


def seconds_of(event):
    """The time of an event within its day."""
    hours, minutes, seconds = event["time"].rstrip("Z").split("T")[1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def between(first, second):
    return (seconds_of(second) - seconds_of(first)) % 86400


def wait_caught(pid, number):
    """Until the process has a handler for this signal."""
    deadline = mesh.Deadline(PATIENCE_S)
    while True:
        with open(f"/proc/{pid}/status") as status:
            caught = next(line for line in status if line.startswith("SigCgt:"))
        if int(caught.split()[1], 16) >> (number - 1) & 1:
            return
        assert not deadline.over(), f"{pid} catches no {number}"
        select.select([], [], [], 0.02)


class Shutdown(mesh.MeshCase):
    def running(self, guest, extra=""):
        self.mesh.make_vm("pool", "vm", guest, extra=extra)
        self.start_mesh()
        self.stream = self.mesh.events()
        self.pid = self.mesh.start_vm("vm")["pid"]
        self.stream.wait(kind="running", label="vm")
        self.after = self.stream.mark()

    def told(self, **wanted):
        return self.stream.wait(after=self.after, label="vm", **wanted)

    def test_an_obeying_guest_ends_by_the_power_button(self):
        self.running("polite")

        outcome = self.mesh.ctys("shutdown", "vm", "--deadline", "40s", "-o", "jsonl")

        self.assertEqual(outcome.status, 0, outcome.err)
        stopped = self.told(kind="stopped")
        self.assertEqual(stopped["by"], "guest", stopped)
        self.assertEqual(stopped["data"]["rung"], "power button", stopped)
        self.assertEqual(self.told(kind="asked")["by"], "power button")
        rungs = [event["by"] for event in self.stream.find(self.after, kind="asked", label="vm")]
        self.assertEqual(set(rungs), {"power button"})
        mesh.figures("shutdown by the power button", [outcome.seconds * 1000])

    def test_a_channel_that_no_guest_agent_answers_at_costs_a_second(self):
        self.running("polite", extra="GUESTAGENT=yes\n")

        outcome = self.mesh.ctys("shutdown", "vm", "--deadline", "40s", "-o", "jsonl")

        self.assertEqual(outcome.status, 0, outcome.err)
        stopped = self.told(kind="stopped")
        self.assertEqual((stopped["by"], stopped["data"]["rung"]), ("guest", "power button"), stopped)
        asked = self.stream.find(self.after, kind="asked", label="vm")
        self.assertEqual([event["by"] for event in asked[:2]], ["guest agent", "power button"])
        self.assertIn("it did not answer within 1", asked[1]["text"])
        self.assertGreater(between(asked[0], asked[1]), 0.99)

    def test_a_run_level_that_no_guest_agent_enters_has_failed(self):
        self.running("polite", extra="GUESTAGENT=yes\n")

        outcome = self.mesh.ctys("init", "3", "vm")

        self.assertEqual(outcome.status, 1, outcome.err)
        self.assertIn("the guest agent of vm: it did not answer within 1", outcome.err)
        self.mesh.wait_row("vm", state="running")

    def test_an_ignoring_guest_is_cut_by_quit_at_its_deadline_and_announced(self):
        self.running("stubborn")

        outcome = self.mesh.ctys("shutdown", "vm", "--deadline", "3s", "-o", "jsonl")

        self.assertEqual(outcome.status, 0, outcome.err)
        begun = self.told(kind="begun")
        announced = self.told(kind="cut-announced")
        quit_ = self.told(kind="asked", by="quit")
        stopped = self.told(kind="stopped")
        ended = self.told(kind="ended")
        self.assertEqual(
            {event["action"] for event in (begun, announced, quit_, stopped, ended)},
            {outcome.rows[0]["id"]},
        )
        order = [self.stream.seen.index(event) for event in (announced, quit_, stopped, ended)]
        self.assertEqual(order, sorted(order))
        took = between(begun, stopped)
        mesh.figures("deadline of 3 s", [took * 1000])
        self.assertGreaterEqual(took, 2.999)
        self.assertLess(took, 3 + SLACK_S)
        self.assertEqual(stopped["by"], "host", stopped)
        self.assertIn("by quit", stopped["data"]["rung"], stopped)
        self.assertIn("deadline by quit", outcome.rows[0]["outcome"]["text"])

    def test_patience_that_ends_leaves_the_action_going_on(self):
        self.running("stubborn")

        outcome = self.mesh.ctys("shutdown", "vm", "--timeout", "2s")

        self.assertEqual(outcome.status, 124, outcome.err)
        self.assertLess(abs(outcome.seconds - 2), SLACK_S + 1)
        self.assertEqual(self.mesh.wait_row("vm")["state"], "stopping")
        self.assertTrue(mesh.alive(self.pid))
        actions = self.mesh.ctys("actions", "-o", "jsonl").rows
        self.assertEqual([action["verb"] for action in actions], ["shutdown"])
        self.assertEqual(self.stream.find(kind="cut-announced"), [])

    def test_ctrl_c_leaves_the_action_going_on_and_tells_its_id(self):
        self.running("stubborn")
        tool = self.mesh.ctys_begin("shutdown", "vm", "--deadline", "90s")
        begun = self.told(kind="begun")

        tool.send_signal(signal.SIGINT)
        outcome = self.mesh.ctys_end(tool)

        self.assertEqual(outcome.status, 130, outcome.err)
        self.assertEqual(outcome.out, begun["action"] + "\n")
        self.assertIn("ctys actions cancel " + begun["action"][:8], outcome.err)
        self.assertTrue(mesh.alive(self.pid))
        actions = self.mesh.ctys("actions", "-o", "jsonl").rows
        self.assertEqual([action["id"] for action in actions], [begun["action"]])

    def test_ctrl_c_while_an_order_is_held_tells_its_id(self):
        self.running("stubborn")
        for role in ("w1", "broker"):
            self.mesh.kill9(role)
        self.mesh.start_broker()
        tool = self.mesh.ctys_begin("shutdown", "vm", "other", "--deadline", "90s", "-o", "jsonl")
        wait_caught(tool.pid, signal.SIGINT)

        tool.send_signal(signal.SIGINT)
        outcome = self.mesh.ctys_end(tool)

        self.assertEqual(outcome.status, 130, outcome.err)
        self.assertEqual([list(row) for row in outcome.rows], [["id"]])
        self.assertLess(outcome.seconds, 9)
        self.assertIn("not asked: other", outcome.err)

    def test_what_is_refused_does_not_keep_the_others_from_being_asked(self):
        self.mesh.make_vm("pool", "rests", "idle")
        self.mesh.make_vm("pool", "other", "polite")
        self.running("polite")
        self.mesh.start_vm("other")

        outcome = self.mesh.ctys("shutdown", "rests", "vm", "nobody", "other", "--deadline", "40s")

        self.assertEqual(outcome.status, 8, outcome.out + outcome.err)
        self.assertIn("2 of 4 failed", outcome.err)
        self.assertIn("rests: ", outcome.err)
        self.assertIn("nobody: ", outcome.err)
        for label in ("vm", "other"):
            self.assertIn(f"shutdown {label}  done in", outcome.out)
            self.assertEqual(self.mesh.wait_row(label)["state"], "stopped")
        refused = self.mesh.ctys("shutdown", "nobody", "vm")
        self.assertEqual(refused.status, 3, refused.err)
        shown = [row["id"] for row in self.mesh.ctys("actions", "--all", "-o", "jsonl").rows]
        both = self.mesh.ctys("actions", "show", *shown[:2], "-o", "jsonl")
        self.assertEqual([row["id"] for row in both.rows], shown[:2])
        some = self.mesh.ctys("actions", "show", shown[0], "a-nothing", "-o", "jsonl")
        self.assertEqual((some.status, len(some.rows)), (8, 1), some.err)

    @mesh.long_only
    def test_without_a_deadline_nothing_is_cut(self):
        self.running("stubborn")

        outcome = self.mesh.ctys("shutdown", "vm")

        self.assertEqual(outcome.status, 124, outcome.err)
        self.assertLess(abs(outcome.seconds - 180), 3)
        self.assertTrue(mesh.alive(self.pid))
        self.stream.drain()
        self.assertEqual(self.stream.find(kind="cut-announced"), [])
        rungs = {event["by"] for event in self.stream.find(kind="asked", label="vm")}
        self.assertEqual(rungs, {"power button"})

    def test_the_grace_of_the_configuration_is_its_deadline(self):
        self.running("stubborn", extra='#@#GRACE = "2s"\n')

        outcome = self.mesh.ctys("shutdown", "vm")

        self.assertEqual(outcome.status, 0, outcome.err)
        took = between(self.told(kind="begun"), self.told(kind="stopped"))
        self.assertLess(abs(took - 2), SLACK_S)

    def test_a_second_shutdown_brings_the_cut_forward(self):
        self.running("stubborn")
        first = self.mesh.ctys_begin("shutdown", "vm", "--deadline", "90s")
        self.told(kind="cut-announced")

        second = self.mesh.ctys("shutdown", "vm", "--deadline", "3s", "-o", "jsonl")

        self.assertEqual(second.status, 0, second.err)
        self.assertEqual(self.mesh.ctys_end(first).status, 0)
        begun = self.told(kind="begun", action=second.rows[0]["id"])
        took = between(begun, self.told(kind="stopped"))
        self.assertGreaterEqual(took, 2.999)
        self.assertLess(took, 3 + SLACK_S)
        # Whoever waits is told of it.
        cuts = [event["action"] for event in self.stream.find(self.after, kind="cut-announced")]
        self.assertEqual(cuts, [cuts[0], cuts[0], second.rows[0]["id"]])

    def test_a_reboot_is_not_cut_at_the_grace_of_its_machine(self):
        self.running("stubborn", extra='#@#GRACE = "1s"\n')

        outcome = self.mesh.ctys("reboot", "vm", "--yes", "--timeout", "4s")

        self.assertEqual(outcome.status, 124, outcome.err)
        self.assertTrue(mesh.alive(self.pid))
        self.stream.drain()
        self.assertEqual(self.stream.find(self.after, kind="reset"), [])

    def test_kill_cuts_at_once(self):
        self.running("polite")

        outcome = self.mesh.ctys("kill", "vm")

        self.assertEqual(outcome.status, 0, outcome.err)
        stopped = self.told(kind="stopped")
        self.assertEqual(stopped["by"], "host", stopped)
        self.assertLess(between(self.told(kind="begun"), stopped), SLACK_S)
        self.assertNotIn("power button", [event["by"] for event in self.stream.find(kind="asked")])
        mesh.figures("kill", [outcome.seconds * 1000])

    def foreign(self, guest, *options):
        self.start_mesh()
        self.stream = self.mesh.events()
        os.mkdir(self.mesh.path("elsewhere"))
        image = mesh.boot_image(self.mesh.path("elsewhere", "disk"), guest)
        serial = self.mesh.path("serial")
        process = self.mesh.start_foreign(
            "-name", "byhand", "-serial", "file:" + serial, *options, image=image
        )
        self.mesh.wait_up(serial)
        self.mesh.wait_row("byhand", pid=process.pid)
        return process

    def test_a_foreign_machine_without_monitor_cannot_be_asked(self):
        process = self.foreign("polite")

        refused = self.mesh.ctys("shutdown", "byhand", "--deadline", "1s")

        self.assertEqual(refused.status, 5, refused.out + refused.err)
        self.assertIn("monitor", refused.err)
        self.assertIn("ctys kill byhand", refused.err)
        self.assertTrue(mesh.alive(process.pid))
        killed = self.mesh.ctys("kill", "byhand")
        self.assertEqual(killed.status, 0, killed.err)
        self.stream.wait(kind="gone", label="byhand")
        process.wait(PATIENCE_S)

    def test_a_foreign_machine_with_a_free_monitor_gets_the_power_button(self):
        monitor = self.mesh.path("qmp")
        process = self.foreign("polite", "-qmp", f"unix:{monitor},server=on,wait=off")

        # Known by its process at once, by its monitor a moment later.
        self.mesh.wait_row("byhand", hyperrelrun=lambda version: bool(version))

        outcome = self.mesh.ctys("shutdown", "byhand")

        self.assertEqual(outcome.status, 0, outcome.err)
        gone = self.stream.wait(kind="gone", label="byhand")
        rungs = {event["by"] for event in self.stream.find(kind="asked", label="byhand")}
        self.assertEqual(rungs, {"power button"})
        self.assertEqual(gone["data"]["rung"], "power button", gone)
        # A monitor that was given back saw no end: code 0 proves no guest.
        self.assertIn(gone["by"], ("guest", "unknown"), gone)
        self.assertEqual(process.wait(PATIENCE_S), 0)

    def test_the_free_monitor_of_a_foreign_machine_is_given_back(self):
        monitor = self.mesh.path("qmp")
        self.foreign("idle", "-qmp", f"unix:{monitor},server=on,wait=off")
        self.mesh.wait_row("byhand", hyperrelrun=lambda version: bool(version))

        answer = mesh.Qmp(monitor).execute("query-status")

        self.assertEqual(answer["return"]["status"], "running")


if __name__ == "__main__":
    mesh.main()
