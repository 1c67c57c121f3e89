"""The agent inside l1 cannot be asked: the power button of l1 is pressed, its own system ends what it
carries first, and what nobody could tell then is told after its next boot."""

import re

import stack_mesh
from three_inside import INNER, SHARE_S, ThreeInside

ENDED_BY = {"obeys": "guest", "ignores": "host", "ends": "guest"}


class Unreached(ThreeInside):
    def shut_down(self):
        """The end of l1 in the journal."""
        self.told(kind="lost", worker="l1")

        outcome = self.mesh.ctys_end(self.begin_shutdown())

        self.assertEqual(outcome.status, 0, outcome.out + outcome.err)
        for label in INNER:
            concluded = self.told(label=label, kind="stopped")
            self.assertEqual(concluded["data"].get("inner"), "unverified", concluded)
            self.assertIn("its carrier l1 ended", concluded["text"], concluded)
        ended = self.assert_orderly_end_of_l1()
        self.assert_seen_on_the_console()
        return ended

    def assert_seen_on_the_console(self):
        """All that can be seen of a machine that no bus reaches."""
        stopped = re.search(r"^guests stopped in .* s: [12] by themselves, 1 cut$", self.end_of_l1, re.M)
        self.assertIsNotNone(stopped, self.end_of_l1)
        self.assertLess(stopped.start(), self.end_of_l1.index("l1: power off after"))
        print("\n".join("CONSOLE " + line for line in self.end_of_l1.splitlines()), flush=True)

    def assert_told_after_the_next_boot(self, ended):
        self.mesh.boot_l1()
        for label, by in ENDED_BY.items():
            told = self.told(label=label, kind="stopped", data=lambda data: "inner" not in data)
            self.assertEqual((told["worker"], told["by"]), ("l1", by), told)
            self.assertNotEqual(told["evidence"], "none", told)
            self.assert_before_by_the_clock_of_l1(told, ended)
            self.assertEqual(len(self.find(kind="stopped", label=label)), 2, "concluded, and told")
        ignored = self.told(label="ignores", kind="stopped", data=lambda data: "inner" not in data)
        self.assertEqual(ignored["text"], f"power cut at its {SHARE_S}.0 s deadline by quit", ignored)

    def test_a_guest_whose_network_is_cut_ends_its_own_machines_at_its_power_button(self):
        answer = self.mesh.qmp_of_l1().execute("set_link", name="net0", up=False)
        self.assertNotIn("error", answer)

        ended = self.shut_down()

        self.assert_told_after_the_next_boot(ended)

    def test_a_guest_whose_agent_hangs_ends_its_own_machines_at_its_power_button(self):
        self.mesh.inside("agent_kill STOP")

        ended = self.shut_down()

        self.assert_told_after_the_next_boot(ended)


if __name__ == "__main__":
    stack_mesh.main()
