"""A stack is saved to disk, its outer machine ends, and goes on where it stood: its inner machines are
the same afterwards, what they count goes on."""

import time

import stack_mesh
from counting import INNER, CountingInside


class Suspend(CountingInside):
    DISK_FORMAT = "qcow2"  # the state is saved into it

    def assert_goes_on_after(self, verb):
        outcome = self.mesh.ctys("suspend", "l1", seconds=stack_mesh.BOOT_S)

        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        self.assert_inner_paused_first(self.stream.wait(kind="suspended", label="l1"))
        self.assertEqual(self.mesh.own_processes("l1.disk"), [])
        self.mesh.wait_row("l1", state="suspended")
        for label in INNER:
            self.mesh.wait_row(label, state="frozen")
        stands = time.monotonic()
        after = self.stream.mark()

        outcome = self.mesh.ctys(verb, "l1", seconds=stack_mesh.BOOT_S)

        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        outer = self.stream.wait(after=after, kind="running", label="l1")
        stood = outer["arrived"] - stands
        self.mesh.find_console()
        self.assert_inner_running_last(outer, after)
        self.assert_counting_went_on(stood)

    def test_counters_inside_go_on_when_a_suspended_stack_is_started_again(self):
        self.assert_goes_on_after("start")

    def test_counters_inside_go_on_when_a_suspended_stack_is_resumed(self):
        self.assert_goes_on_after("resume")


if __name__ == "__main__":
    stack_mesh.main()
