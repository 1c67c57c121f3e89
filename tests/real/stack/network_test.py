"""A network of its own inside a machine of a stack: ctys-setupVDE makes a switch there, on a bridge that the card
of l1 leads out by, as it does on any other machine; a machine inside boots over it from the network that l1 has;
and it leaves nothing."""

import stack_mesh

# Before busybox, whose ip knows less.
SETUP = "PATH=/usr/sbin:$PATH ctys-setupVDE -u root"
PORTS = SETUP + " ports"
LOOK = "ip address show; ip route show"


class Network(stack_mesh.StackCase):
    def look(self, command, status=0):
        """What it prints, without the line that says how it ended."""
        return self.mesh.inside(command, status).replace("\r", "").rsplit("l1: ran", 1)[0]

    def test_one_call_makes_a_network_inside_and_takes_it_away(self):
        m = self.mesh
        m.make_inner("obeys")
        # What hears nobody begins again.
        m.make_inner("netboot", extra='NETWORK=vde\nNIC=e1000\nARGSADD="-boot reboot-timeout=100"\n')
        m.make_l1()
        m.start_outer()
        m.boot_l1()
        # No switch, no start: the sentence says what makes one.
        refused = m.ctys("start", "netboot", "--bootmode=PXE", seconds=stack_mesh.ORDER_S)
        self.assertNotEqual(refused.status, 0)
        self.assertIn("ctys-setupVDE", refused.err)
        self.look("while read -r module; do insmod /modules/$module.ko; done </modules/network")

        self.assertIn("ctysbr0", self.look(SETUP + " create"))

        self.assertIn("works, 0 attached", self.look(SETUP + " check"))
        self.assertIn("ctysbr0", self.look(SETUP + " info"))
        # Its agent goes on by the bridge, to which the address has moved.
        m.start_inner("obeys")

        stream = m.events()
        outcome = m.ctys("start", "netboot", "--bootmode=PXE", "--timeout", "120s", seconds=2 * stack_mesh.ORDER_S)
        self.assertEqual(outcome.status, 0, outcome.err)
        stream.wait(kind="running", label="netboot", worker="l1")
        row = m.wait_row("netboot", state="running", worker="l1")
        serial = row["sport"].rsplit("/", 1)[0] + "/serial.log"
        # The address comes from the network of l1's own QEMU: over its card, the bridge, the TAP and the switch.
        self.look(f"until grep -q 'net0: 10.0.2.[0-9]*/255.255.255.0' {serial}; do usleep 50000; done")
        self.assertIn("QEMU", self.look(PORTS))
        self.look(SETUP + " cancel", status=5)  # it is in use

        killed = m.ctys("kill", "netboot", "--yes", seconds=stack_mesh.ORDER_S)
        self.assertEqual(killed.status, 0, killed.err)
        self.look(f"until ! {PORTS} | grep -q QEMU; do usleep 50000; done")
        self.look(SETUP + " cancel")
        left = self.look(LOOK)
        for gone in ("ctysbr0", "ctys0"):
            self.assertNotIn(gone, left)
        self.assertIn("10.0.2.9/24", left)
        self.assertNotIn("vde_", self.look("ls /var/tmp"))


if __name__ == "__main__":
    stack_mesh.main()
