"""l1 with three machines inside: one obeys its power button, one ignores it, one ends by itself meanwhile."""

import journal
import stack_mesh

INNER = {"obeys": "polite", "ignores": "stubborn", "ends": "ending"}
# An emulated system and its sanitized agent take this for their own orderly end.
GRACE_S = 60
# Of each inner machine, where l1 goes down by itself.
SHARE_S = 5
# What is left to the inner machines, until the one that ignores its button is cut.
INNER_S = 25
# Of a share: between its end and the word of it in the journal, by an agent in an emulated machine.
LATE_S = 2.0
# Of the whole, against the longest chain of its machines.
MOST = 1.1
SHUTDOWN = ("shutdown", "l1", "--deadline", f"{GRACE_S + INNER_S}s", "-o", "jsonl")


def make_machines(mesh, inner=INNER):
    for label, guest in inner.items():
        mesh.make_inner(label, guest, extra=f'#@#GRACE = "{SHARE_S}s"\n')
    mesh.make_l1(extra=f'#@#GRACE = "{GRACE_S}s"\n', stop_deadline=f"{INNER_S}s")


def start_machines(mesh, labels=tuple(INNER)):
    mesh.boot_l1()
    # The one that ends by itself comes last: that is to happen in the middle of the plan.
    mesh.start_inner(*labels)


def figures_of(events, plan, labels=tuple(INNER)):
    return journal.of_shutdown(events, plan, {"l1": None, **dict.fromkeys(labels, "l1")})


class ThreeInside(stack_mesh.StackCase):
    """Everything runs; `stream` has the events since then."""

    INNER = INNER

    def setUp(self):
        super().setUp()
        make_machines(self.mesh, self.INNER)
        self.mesh.start_outer()
        self.start_machines()
        self.set_back = journal.set_back(self.mesh.journal(), "l1")
        self.since = self.mesh.head()
        self.stream = self.mesh.events("--from", self.since)

    def start_machines(self):
        start_machines(self.mesh, tuple(self.INNER))

    def begin_shutdown(self, *options):
        tool = self.mesh.ctys_begin(*SHUTDOWN, *options)
        self.plan = self.told(kind="requested", label="l1")
        return tool

    def told(self, **wanted):
        return self.stream.wait(seconds=stack_mesh.ORDER_S, **wanted)

    def find(self, **wanted):
        self.stream.drain()
        return self.stream.find(**wanted)

    def assert_before(self, first, second):
        """By the order of the journal and by the clock of this computer: the broker had recorded the
        first when the agent here saw the second. The clock of l1 is another one."""
        self.assertLess(journal.place(first), journal.place(second), (first, second))
        self.assertEqual(second["worker"], "host", second)
        self.assertLess(first["recorded"], second["time"], (first, second))

    def assert_before_by_the_clock_of_l1(self, inner, outer):
        """One that was told later has happened in l1 before the other was seen here."""
        at = journal.seconds_of(inner["time"]) + self.set_back
        self.assertLess(at, journal.seconds_of(outer["time"]), (inner, outer, self.set_back))

    def assert_innermost_first(self):
        pressed = self.told(kind="asked", label="l1")
        self.assertEqual(pressed["by"], "power button", pressed)
        for label in INNER:
            self.assert_before(self.told(kind="stopped", label=label), pressed)
        self.assertEqual(self.told(kind="stopped", label="obeys")["data"]["rung"], "power button")
        ignored = self.told(kind="stopped", label="ignores")
        self.assertEqual(ignored["by"], "host", ignored)
        self.assertIn("by quit", ignored["data"]["rung"], ignored)
        ended = self.told(kind="stopped", label="ends")
        self.assertEqual(ended["by"], "guest", ended)
        self.assertLess(journal.place(self.plan), journal.place(ended), "in the middle of the plan")

    def assert_cut_at_its_share(self):
        spent = journal.seconds_between(self.plan, self.told(kind="stopped", label="ignores"))
        self.assertGreaterEqual(spent, INNER_S - 0.1)
        if stack_mesh.mesh.measuring():
            self.assertLess(spent, INNER_S + LATE_S)

    def assert_orderly_end_of_l1(self):
        stopped = self.told(kind="stopped", label="l1")
        self.assertEqual((stopped["by"], stopped["data"]["rung"]), ("guest", "power button"), stopped)
        said = self.mesh.said()
        said = said[said.index("l1: power button"):].replace("\r", "")
        self.assertLess(said.index("l1: guests stopped with 0"), said.index("l1: power off after"))
        self.end_of_l1 = said
        return stopped

    def assert_brief(self):
        """By the times that its machines took, each from its power button to its exit."""
        self.told(kind="ended", action=self.plan["action"])
        figures = figures_of(self.stream.seen, self.plan["action"], tuple(self.INNER))
        print(f"FIGURE shutdown of a stack: wall {figures.wall:.3f} longest chain {figures.longest:.3f} "
              f"ratio {figures.wall / figures.longest:.3f}, "
              + " ".join(f"{label} {spent:.3f}" for label, spent in figures.each.items()), flush=True)
        if stack_mesh.mesh.measuring():
            self.assertLess(figures.wall, MOST * figures.longest)

    def assert_told_once(self):
        """Each inner machine has had one end."""
        for label in self.INNER:
            stops = self.find(kind="stopped", label=label)
            self.assertEqual(len(stops), 1, stops)

    def assert_ordered_once(self):
        """No step was done twice."""
        for label in self.INNER:
            orders = self.find(kind="requested", label=label)
            self.assertEqual(len(orders), 1, orders)
        # The plan, and its step.
        self.assertEqual(len(self.find(kind="requested", label="l1")), 2)
        self.assertEqual(len(self.find(kind="asked", label="l1")), 1)
