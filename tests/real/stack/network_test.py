"""A network of its own inside a machine of a stack: ctys-setupVDE makes a switch there as it does on any other
machine, and a machine inside boots over it, by the bridge and the card of l1, from the network of this computer."""

import stack_mesh

PORTS = "ctys-setupVDE -u root ports"


class Network(stack_mesh.StackCase):
    def look(self, command, status=0):
        return self.mesh.inside(command, status).replace("\r", "")

    def test_one_call_makes_a_network_inside_and_machines_inside_use_it(self):
        m = self.mesh
        # What hears nobody begins again.
        m.make_inner("netboot", extra='NETWORK=vde\nNIC=e1000\nARGSADD="-boot reboot-timeout=100"\n')
        m.make_l1()
        m.start_outer()
        m.boot_l1()
        before = self.look("ip -brief address show; ip route show")
        # No switch, no start: the sentence says what makes one.
        refused = m.ctys("start", "netboot", "--bootmode=PXE", seconds=stack_mesh.ORDER_S)
        self.assertNotEqual(refused.status, 0)
        self.assertIn("ctys-setupVDE", refused.err)

        self.look("while read -r module; do insmod /modules/$module.ko; done </modules/network")
        made = self.look("ctys-setupVDE -u root create")
        self.assertIn("ctysbr0", made)
        self.look("ctys-setupVDE -u root check")
        stream = m.events()
        # Its agent has lost nothing of its connection, though its address has moved to the bridge.
        m.inside("ctys-setupVDE -u root info")

        outcome = m.ctys("start", "netboot", "--bootmode=PXE", "--timeout", "120s", seconds=2 * stack_mesh.ORDER_S)
        self.assertEqual(outcome.status, 0, outcome.err)
        stream.wait(kind="running", label="netboot", worker="l1")
        row = m.wait_row("netboot", state="running", worker="l1")
        serial = row["sport"].rsplit("/", 1)[0] + "/serial.log"
        # The address comes from the network of l1's own QEMU: over its card, the bridge, the TAP and the switch.
        m.inside(f"until grep -q 'net0: 10.0.2.[0-9]*/255.255.255.0' {serial}; do usleep 50000; done")
        self.assertIn("QEMU", self.look(PORTS))
        self.look("ctys-setupVDE -u root cancel", status=5)  # it is in use

        self.assertEqual(m.ctys("kill", "netboot", "--yes", seconds=stack_mesh.ORDER_S).status, 0)
        self.look(f"until ! {PORTS} | grep -q QEMU; do usleep 50000; done")
        self.look("ctys-setupVDE -u root cancel")
        self.assertEqual(self.look("ip -brief address show; ip route show").split("\n")[:-2],
                         before.split("\n")[:-2])
        self.assertNotIn("vde_", self.look("ls /var/tmp"))


if __name__ == "__main__":
    stack_mesh.main()
