"""l1 with two machines inside that count: who reads their numbers sees whether they lived on."""

import re
import time

import journal
import stack_mesh

INNER = ("counts", "beats")


class CountingInside(stack_mesh.StackCase):
    DISK_FORMAT = "raw"

    def setUp(self):
        super().setUp()
        for label in INNER:
            self.mesh.make_inner(label, "counting")
        self.mesh.make_l1(disk_format=self.DISK_FORMAT)
        self.mesh.start_outer()
        self.mesh.boot_l1()
        self.mesh.start_inner(*INNER)
        self.serial = {label: self.mesh.wait_inner(label) for label in INNER}
        self.begun = time.monotonic()
        self.before = {label: len(self.numbers(label, 3)) for label in INNER}
        self.stream = self.mesh.events("--from", self.mesh.head())

    def numbers(self, label, least):
        """What it has counted, once there are more than so many; each second adds one."""
        serial = self.serial[label]
        self.mesh.inside(f"until [ $(wc -l <{serial}) -gt {least} ]; do usleep 50000; done")
        lines = re.findall(r"^[0-?]{4}$", self.mesh.inside(f"cat {serial}"), re.M)
        return [int("".join(f"{ord(digit) - 0x30:x}" for digit in line), 16) for line in lines]

    def assert_inner_paused_first(self, outer):
        for label in INNER:
            inner = self.stream.wait(kind="paused", label=label)
            self.assertLess(journal.place(inner), journal.place(outer), inner)

    def assert_inner_running_last(self, outer, after):
        for label in INNER:
            inner = self.stream.wait(after=after, kind="running", label=label)
            self.assertLess(journal.place(outer), journal.place(inner), inner)

    def assert_counting_went_on(self, stood):
        """They are the same machines: no number is missing or came twice. And while they stood for so
        many seconds no time went by for them."""
        for label in INNER:
            numbers = self.numbers(label, self.before[label] + 3)
            went = time.monotonic() - self.begun - stood
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
            self.assertLess(len(numbers) - self.before[label], went + 1)
