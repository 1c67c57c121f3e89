"""A stack comes up from the outside and goes down from the inside: the journal proves that each inner
machine had ended before the power button of its carrier was pressed, also where the broker is killed."""

import journal
import stack_mesh
from three_inside import INNER, ThreeInside


class StartedAsAStack(ThreeInside):
    def start_machines(self):
        # Its agent tells what it holds; then nothing runs any more.
        self.mesh.boot_l1()
        outcome = self.mesh.ctys("shutdown", "l1", "--deadline", "60s")
        self.assertEqual(outcome.status, 0, outcome.err)
        refused = self.mesh.ctys("start", "obeys")
        self.assertEqual(refused.status, 5, refused.err)
        self.assertIn("--stack", refused.err)
        self.begun = self.mesh.head()
        self.mesh.start_all(*INNER)

    def test_a_stack_that_start_has_brought_up_goes_down_from_the_inside(self):
        began = self.mesh.events("--from", self.begun)
        powered = began.wait(kind="running", label="l1")
        hello = began.wait(kind=lambda kind: kind in ("registered", "alive"), worker="l1")
        inner = began.wait(kind="begun", label="obeys")
        self.assertLess(journal.place(powered), journal.place(hello))
        self.assertLess(journal.place(hello), journal.place(inner))

        outcome = self.mesh.ctys_end(self.begin_shutdown())

        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assert_innermost_first()
        self.assert_cut_at_its_share()
        self.assert_orderly_end_of_l1()
        self.assert_told_once()
        self.assert_ordered_once()
        self.assert_brief()


class AllObey(ThreeInside):
    INNER = dict.fromkeys(("red", "green", "blue"), "polite")

    def test_a_stack_that_obeys_is_down_about_when_its_own_machines_are(self):
        outcome = self.mesh.ctys_end(self.begin_shutdown())

        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        pressed = self.told(kind="asked", label="l1")
        for label in self.INNER:
            stopped = self.told(kind="stopped", label=label)
            self.assertEqual((stopped["by"], stopped["data"]["rung"]), ("guest", "power button"), stopped)
            self.assert_before(stopped, pressed)
        self.assert_orderly_end_of_l1()
        self.assert_told_once()
        self.assert_ordered_once()
        self.assert_brief()


class BrokerKilled(ThreeInside):
    def test_a_broker_that_is_killed_in_the_middle_finishes_after_its_restart(self):
        tool = self.begin_shutdown()
        self.told(kind="stopped", label="obeys")

        self.mesh.kill9("broker")
        self.mesh.start_stack_broker()

        self.stream = self.mesh.events("--from", self.since)
        self.told(kind="stopped", label="l1")
        self.assert_innermost_first()
        self.assert_orderly_end_of_l1()
        self.assert_cut_at_its_share()
        self.assert_told_once()
        self.assert_ordered_once()
        outcome = self.mesh.ctys_end(tool)
        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)


if __name__ == "__main__":
    stack_mesh.main()
