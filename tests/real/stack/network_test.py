"""A network of its own inside a machine of a stack: ctys-setupVDE makes a switch there, on a bridge that the card
of l1 leads out by, as it does on any other machine, and leaves nothing."""

import stack_mesh

# Before busybox, whose ip knows less.
SETUP = "PATH=/usr/sbin:$PATH ctys-setupVDE -u root"
LOOK = "ip address show; ip route show"


class Network(stack_mesh.StackCase):
    def look(self, command, status=0):
        """What it prints, without the line that says how it ended."""
        return self.mesh.inside(command, status).replace("\r", "").rsplit("l1: ran", 1)[0]

    def test_one_call_makes_a_network_inside_and_takes_it_away(self):
        m = self.mesh
        m.make_inner("obeys")
        m.make_l1()
        m.start_outer()
        m.boot_l1()
        self.look("while read -r module; do insmod /modules/$module.ko; done </modules/network")

        self.assertIn("ctysbr0", self.look(SETUP + " create"))

        self.assertIn("works, 0 attached", self.look(SETUP + " check"))
        self.assertIn("ctysbr0", self.look(SETUP + " info"))
        # Its agent goes on by the bridge, to which the address has moved.
        m.start_inner("obeys")
        self.look(SETUP + " cancel")
        left = self.look(LOOK)
        for gone in ("ctysbr0", "ctys0"):
            self.assertNotIn(gone, left)
        self.assertIn("10.0.2.15/24", left)
        self.assertNotIn("vde_", self.look("ls /var/tmp"))


if __name__ == "__main__":
    stack_mesh.main()
