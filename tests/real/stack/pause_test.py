"""A stack is paused from the inside and goes on from the outside; its inner machines are the same
afterwards: what they count goes on."""

import time

import stack_mesh
from counting import INNER, CountingInside

# Longer than a worker may be silent without being lost.
PAUSED_S = 12.0


class Pause(CountingInside):
    def test_counters_inside_go_on_when_a_paused_stack_is_resumed(self):
        outcome = self.mesh.ctys("pause", "l1")

        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assert_inner_paused_first(self.stream.wait(kind="paused", label="l1"))
        self.assertEqual(self.mesh.qmp_of_l1().execute("query-status")["return"]["status"], "paused")
        for label in INNER:
            self.mesh.wait_row(label, state="frozen")
        stands = time.monotonic()
        with self.assertRaisesRegex(AssertionError, "no event"):
            self.stream.wait(PAUSED_S, kind="lost")
        stood = time.monotonic() - stands
        after = self.stream.mark()

        outcome = self.mesh.ctys("resume", "l1")

        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        outer = self.stream.wait(after=after, kind="running", label="l1")
        self.assert_inner_running_last(outer, after)
        self.assert_counting_went_on(stood)


if __name__ == "__main__":
    stack_mesh.main()
