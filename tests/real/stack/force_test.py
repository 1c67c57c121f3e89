"""With --force the order goes to l1 alone, at once: nobody asks its machines before, and they end with it,
each by one event, which the agent inside confirms after its next boot."""

import journal
import stack_mesh
from three_inside import INNER, SHUTDOWN, ThreeInside


class Force(ThreeInside):
    def cut(self, *order):
        """What was told of l1; the one that ends by itself has not done so yet."""
        before = self.stream.mark()

        outcome = self.mesh.ctys(*order)

        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        requested = self.told(kind="requested", label="l1")
        asked = self.told(kind="asked", label="l1")
        killed = self.told(kind="stopped", label="l1")
        spent = journal.seconds_between(requested, killed)
        print(f"FIGURE a forced carrier is cut after {spent:.3f} s", flush=True)
        if stack_mesh.mesh.measuring():
            self.assertLess(spent, 1.0)
        self.assertEqual((asked["by"], killed["by"]), ("quit", "host"), killed)
        for label in INNER:
            # Nobody has asked it, and it has had no time to end by itself.
            gone = self.told(after=before, kind="stopped", label=label)
            self.assertEqual((gone["by"], gone["data"].get("inner")), ("host", "unverified"), gone)
            self.assertIn("its carrier l1 ended", gone["text"], gone)
            self.assertLess(journal.place(killed), journal.place(gone), gone)
        self.assertEqual(len(self.find(kind="requested")), 1)
        self.assertEqual(len(self.find(kind="asked")), 1)
        self.assert_told_once()
        # Cut, not shut down.
        self.assertNotIn("l1: power button", self.mesh.said())

    def assert_confirmed_after_the_next_boot(self):
        self.mesh.boot_l1()
        confirmed = self.told(kind="fact", worker="l1", data=lambda data: data.get("inner") == "verified")
        for label in INNER:
            self.assertIn(label, confirmed["text"], confirmed)
        self.assert_told_once()

    def test_a_shutdown_that_is_forced_cuts_the_carrier_at_once_whatever_its_deadline(self):
        self.cut(*SHUTDOWN, "--force")

        self.assert_confirmed_after_the_next_boot()

    def test_a_kill_that_is_forced_cuts_the_carrier_at_once(self):
        self.cut("kill", "l1", "--force")

        self.assert_confirmed_after_the_next_boot()


if __name__ == "__main__":
    stack_mesh.main()
