"""ctys-setupVDE with real switches, TAPs and bridges, and real VMs that exchange frames over them.

The whole test runs in network and mount namespaces of its own: no interface and no /var/tmp of this
computer is seen or touched."""

import contextlib
import functools
import glob
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import unittest

import mesh

OWN = "CTYS_VDE_NAMESPACE"
USER = pwd.getpwnam("daemon")  # on every system, and not root
DATA = f"/var/tmp/vde_switch0.{USER.pw_name}"
MANAGEMENT = f"/var/tmp/vde_mgmt0.{USER.pw_name}"
TAP = f"ctys{USER.pw_uid}"
# /var/tmp is empty and ours; /dev/net/tun is open to everybody, as Debian has it.
INSIDE = """set -e
mount -t tmpfs -o mode=1777 vde-test /var/tmp
mkdir /var/tmp/.tun
mknod -m 666 /var/tmp/.tun/tun c 10 200
mount --bind /var/tmp/.tun/tun /dev/net/tun
rm /var/tmp/.tun/tun && rmdir /var/tmp/.tun
ip link set lo up
exec "$@"
"""
UNSHARE = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", INSIDE, "sh"]


@functools.cache
def why_impossible():
    if os.geteuid() != 0:
        return "needs root"
    missing = [name for name in ("vde_switch", "ip", mesh.QEMU) if not shutil.which(name)]
    if missing:
        return f"{', '.join(missing)} not installed"
    if OWN in os.environ or subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0:
        return ""
    return "needs namespaces, and a TUN device in them"


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, timeout=mesh.PATIENCE_S, **options)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def network():
    """Links, addresses and routes, as they have to be again after everything is undone."""
    links = json.loads(run("ip", "-j", "-d", "address", "show") or "[]")
    kept = {}
    for link in links:
        addresses = sorted(
            f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if one["scope"] == "global"
        )
        kept[link["ifname"]] = (link.get("master"), link.get("ifalias"), "UP" in link["flags"], addresses)
    routes = [run("ip", "route", "show"), run("ip", "-6", "route", "show", "default")]
    return kept, [sorted(line.strip() for line in text.splitlines()) for text in routes]


def switches():
    """Processes of vde_switch that this namespace of processes sees."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:
                if os.path.basename(file.read().split(b"\0")[0]) == b"vde_switch" and mesh.alive(int(name)):
                    found.append(int(name))
    return found


def files():
    """What switches have made in the folder where they are by default; consoles of VMs are there too."""
    return sorted(name for name in os.listdir("/var/tmp") if name.startswith("vde_"))


def wait_until(holds, what):
    deadline = mesh.Deadline(mesh.PATIENCE_S)
    while not holds():
        assert not deadline.over(), what
        mesh.select.select([], [], [], 0.02)


class Dhcp:
    """Answers DHCP on an interface, once all have asked: a fixed address for each MAC, and who has its
    boot file."""

    def __init__(self, interface, own, leases):
        self.own, self.leases = own, leases  # mac bytes -> (address, next server)
        self.seen = set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        self.socket.bind(("0.0.0.0", 67))

    def serve(self, seconds):
        """Answers what comes within that time."""
        if not mesh.select.select([self.socket], [], [], seconds)[0]:
            return
        asked = self.socket.recv(2048)
        lease = self.leases.get(asked[28:34])
        self.seen.add(asked[28:34])
        options, kind = asked[240:], 0
        while options and options[0] != 255:
            if options[0] == 53:
                kind = options[2]
            options = options[1:] if options[0] == 0 else options[2 + options[1]:]
        # One that has an address early would ask for the other, and give up, before that is there.
        if lease is None or kind not in (1, 3) or not self.seen.issuperset(self.leases):
            return
        address, server = (socket.inet_aton(one) for one in lease)
        own = socket.inet_aton(self.own)
        nobody = b"\0" * 4
        answer = struct.pack("!4B4sHH4s4s4s4s", 2, 1, 6, 0, asked[4:8], 0, 0x8000, nobody, address, server, nobody)
        answer += asked[28:44] + b"\0" * 64 + b"nothing".ljust(128, b"\0") + b"\x63\x82\x53\x63"
        answer += bytes((53, 1, 2 if kind == 1 else 5)) + b"\x36\x04" + own
        answer += b"\x33\x04" + struct.pack("!I", 3600) + b"\x01\x04\xff\xff\xff\x00" + b"\xff"
        self.socket.sendto(answer, ("255.255.255.255", 68))

    def close(self):
        self.socket.close()


def frames(path):
    """Ethernet frames in what QEMU's filter-dump has written so far."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        data = file.read()
        at = 24
        while at + 16 <= len(data):
            size = struct.unpack_from("=I", data, at + 8)[0]
            if at + 16 + size > len(data):
                return
            yield data[at + 16:at + 16 + size]
            at += 16 + size


def is_arp_answer(frame, sender, receiver):
    """`sender` tells `receiver`, and nobody else, which address it has."""
    return frame[:12] == receiver + sender and frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\x02"


@unittest.skipIf(why_impossible(), why_impossible())
class VdeCase(mesh.MeshCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.clean_up)
        os.chmod(self.mesh.root, 0o755)
        self.before = network()
        self.assertEqual(switches(), [])

    def clean_up(self):
        for pid in switches():
            os.kill(pid, signal.SIGKILL)
        for link in json.loads(run("ip", "-j", "link", "show")):
            if link["ifname"] != "lo":
                subprocess.run(["ip", "link", "delete", link["ifname"]], capture_output=True)
        for name in os.listdir("/var/tmp"):
            path = os.path.join("/var/tmp", name)
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)

    def setup_vde(self, *words, status=0, user=USER.pw_name, **options):
        environment = dict(self.mesh.environment, **options.pop("environment", {}))
        environment.pop("SSH_CONNECTION", None)
        done = subprocess.run(
            [self.mesh.program("ctys-setupVDE"), *(("-u", user) if user else ()), *words],
            env=environment, capture_output=True, text=True, timeout=mesh.PATIENCE_S, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def assert_nothing_left(self):
        self.assertEqual(switches(), [])
        self.assertEqual(network(), self.before)
        self.assertEqual(files(), [])

    def add_uplink(self):
        """An interface that leads out, with addresses and routes of both families."""
        run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "cable")
        for words in ("link set cable up", "link set eth0 up", "address add 198.18.7.5/24 dev eth0",
                      "address add 198.18.7.6/24 dev eth0", "address add fd07::5/64 dev eth0 nodad",
                      "route add default via 198.18.7.1 metric 100", "-6 route add default via fd07::1",
                      "route add 198.19.0.0/16 via 198.18.7.2 src 198.18.7.5"):
            run("ip", *words.split())
        self.before = network()


class Switch(VdeCase):
    def test_create_makes_and_cancel_takes_away_everything(self):
        self.add_uplink()
        made = self.setup_vde("create")

        self.assertIn("ctysbr0 (made by ctys-setupVDE, leads out by eth0)", made)
        links, routes = network()
        self.assertEqual(links["eth0"], ("ctysbr0", None, True, []))
        self.assertEqual(links["ctysbr0"][3], ["198.18.7.5/24", "198.18.7.6/24", "fd07::5/64"])
        self.assertEqual((links[TAP][0], links[TAP][2]), ("ctysbr0", True))
        self.assertIn("default via 198.18.7.1 dev ctysbr0 metric 100", routes[0])
        self.assertIn("198.19.0.0/16 via 198.18.7.2 dev ctysbr0 src 198.18.7.5", routes[0])
        self.assertTrue(routes[1][0].startswith("default via fd07::1 dev ctysbr0"), routes)
        (pid,) = switches()
        self.assertEqual(os.stat(f"/proc/{pid}").st_uid, USER.pw_uid)
        self.assertEqual(stat.S_IMODE(os.stat(MANAGEMENT).st_mode), 0o600)
        self.assertEqual(os.stat(DATA).st_mode & 0o077, 0)
        self.assertIn("works, 0 attached", self.setup_vde("check"))
        self.assertIn(f"pid {pid}, VDE switch", self.setup_vde("info"))
        self.assertRegex(self.setup_vde("ports"), rf"PORT.*\n +1 .* TAP {TAP}\n")
        listed = self.setup_vde("-n", "list")
        self.assertRegex(listed, rf"^{DATA} +daemon .* answers +{pid} +{TAP} +ctysbr0 +0\n$")
        self.assertIn(DATA + "/ctl", self.setup_vde("listall"))

        self.assertIn("it is used", self.setup_vde("create"))
        self.assertEqual(switches(), [pid])
        self.setup_vde("cancel")

        self.assert_nothing_left()
        self.assertIn("there is no switch", self.setup_vde("check", status=3))
        self.assertIn("nothing of daemon", self.setup_vde("cancel"))

    def test_a_build_in_the_folder_of_the_original_is_found(self):
        installed = shutil.which("vde_switch")
        run("mount", "-t", "tmpfs", "vde-test", "/opt")
        self.addCleanup(run, "umount", "/opt")
        os.makedirs("/opt/vde/bin")
        shutil.copy(installed, "/opt/vde/bin")
        run("mount", "--bind", "/dev/null", installed)
        self.addCleanup(run, "umount", installed)

        self.setup_vde("-i", "none", "create")

        (pid,) = switches()
        self.assertEqual(os.readlink(f"/proc/{pid}/exe"), "/opt/vde/bin/vde_switch")
        self.setup_vde("cancel")
        self.assert_nothing_left()

    def test_two_users_share_the_bridge_and_the_last_one_takes_it_away(self):
        self.setup_vde("-i", "none", "create")
        self.setup_vde("create", user="root")
        self.assertEqual(len(switches()), 2)
        self.assertRegex(self.setup_vde("list"), rf"{DATA} .*\n.*vde_switch0.root ")

        self.assertIn("ctysbr0 stays: ctys0 is on it", self.setup_vde("cancel"))
        self.assertEqual(len(switches()), 1)
        self.setup_vde("cancel", user="root")
        self.assert_nothing_left()

    def test_a_bridge_that_was_there_stays_as_it_was(self):
        run("ip", "link", "add", "br7", "type", "bridge")
        run("ip", "link", "set", "br7", "up")
        run("ip", "address", "add", "198.18.9.1/24", "dev", "br7")
        self.before = network()
        said = self.setup_vde("-b", "br7", "create")
        self.assertIn("joins the bridge br7 (198.18.9.1/24), which stays as it is", said)
        self.assertEqual(network()[0][TAP][0], "br7")

        self.assertIn("br7 stays: it was not made by ctys-setupVDE", self.setup_vde("cancel"))
        self.assert_nothing_left()

    def test_the_places_of_the_switch_can_be_chosen_and_shared_with_a_group(self):
        data, management = self.mesh.path("sw"), self.mesh.path("mgmt")
        os.chown(self.mesh.root, USER.pw_uid, USER.pw_gid)
        places = ("-s", data, "-S", management)
        self.setup_vde(*places, "-g", "users", "-i", "none", "create")
        self.assertEqual(stat.S_IMODE(os.stat(data).st_mode), 0o2770)
        self.assertEqual(stat.S_IMODE(os.stat(management).st_mode), 0o600)
        self.assertIn(data, self.setup_vde("list"))
        self.assertIn("has a switch already, at " + data, self.setup_vde("-s", DATA, "create", status=5))
        # Where it is, its TAP says.
        self.assertIn("QEMUSOCK  " + data, self.setup_vde("info"))
        self.setup_vde("cancel")
        self.assert_nothing_left()
        self.assertFalse(os.path.exists(data) or os.path.exists(management))

    def test_a_dry_run_says_all_and_does_nothing(self):
        self.add_uplink()
        said = self.setup_vde("--dry-run", "create")
        self.assertIn("ip link set dev eth0 master ctysbr0", said)
        self.assertIn("as daemon: vde_switch -d -s " + DATA, said)
        self.assert_nothing_left()


class Undone(VdeCase):
    def broken(self, script):
        """A vde_switch that does as the script says, before the real one in PATH."""
        folder = self.mesh.path("broken")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "vde_switch"), "w") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(os.path.join(folder, "vde_switch"), 0o755)
        return {"PATH": folder + ":" + os.environ["PATH"]}

    def test_a_switch_that_fails_leaves_nothing(self):
        self.add_uplink()
        environment = self.broken("echo 'vde_switch: it rains' >&2; exit 3\n")
        said = self.setup_vde("create", status=1, environment=environment)
        self.assertIn("cannot start the switch: vde_switch: it rains\n      what was done before is undone", said)
        self.assert_nothing_left()

    def test_a_switch_without_its_tap_leaves_nothing(self):
        # It says that all is well, as the real one does.
        real = shutil.which("vde_switch")
        environment = self.broken(f'exec {real} -d -s "$3" -M "$5" -m 600 --mgmtmode 600\n')
        self.add_uplink()
        said = self.setup_vde("create", status=1, environment=environment)
        self.assertIn(f"has not opened the TAP {TAP}", said)
        self.assert_nothing_left()

    def test_an_ip_that_fails_anywhere_leaves_nothing(self):
        self.add_uplink()
        folder = self.mesh.path("broken")
        os.makedirs(folder)
        real = shutil.which("ip")
        environment = {"PATH": folder + ":" + os.environ["PATH"]}
        for refused in ("alias ctys", "eth0 master", "delete 198.18.7.5", "add fd07",
                        "replace default via 198.18.7.1 dev ctysbr0", "tuntap add", f"{TAP} master", f"{TAP} up"):
            with open(os.path.join(folder, "ip"), "w") as file:
                file.write(f'#!/bin/sh\ncase "$*" in *"{refused}"*) echo "RTNETLINK answers: no" >&2; exit 2;; esac\n'
                           f'exec {real} "$@"\n')
            os.chmod(os.path.join(folder, "ip"), 0o755)
            with self.subTest(refused):
                said = self.setup_vde("create", status=1, environment=environment)
                self.assertIn("ip: RTNETLINK answers: no", said)
                self.assert_nothing_left()

    def test_a_switch_that_never_answers_leaves_nothing(self):
        self.add_uplink()
        said = self.setup_vde("create", status=124, environment=self.broken("exit 0\n"))
        self.assertIn("cannot reach the switch: it does not answer at " + MANAGEMENT, said)
        self.assert_nothing_left()

    def test_a_place_where_the_user_may_not_write_leaves_nothing(self):
        os.mkdir(self.mesh.path("closed"), 0o755)
        said = self.setup_vde("-i", "none", "-s", self.mesh.path("closed", "sw"), "create", status=1)
        self.assertIn("what was done before is undone", said)
        self.assertEqual(os.listdir(self.mesh.path("closed")), [])
        self.assert_nothing_left()

    def test_ctrl_c_undoes(self):
        self.add_uplink()
        environment = self.broken("exit 0\n")  # nobody will ever answer
        process = subprocess.Popen(
            [self.mesh.program("ctys-setupVDE"), "-u", USER.pw_name, "create"],
            env=dict(self.mesh.environment, **environment),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        wait_until(lambda: network()[0].get(TAP, (None, None, False))[2], "no TAP that is up")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=mesh.PATIENCE_S)
        self.assertEqual(process.returncode, 130, said)
        self.assertIn("what was done before is undone", said)
        self.assert_nothing_left()

    def test_the_connection_it_is_called_over_is_not_cut(self):
        self.add_uplink()
        with socket.create_server(("198.18.7.5", 2222)) as server:
            with socket.create_connection(("198.18.7.5", 2222)) as client, server.accept()[0] as accepted:
                # sshd holds its end; everything below it is run over that.
                over = dict(pass_fds=(accepted.fileno(),))
                said = self.setup_vde("create", status=7, **over)
                self.assertIn("the connection you work over comes in at 198.18.7.5 of eth0", said)
                self.assert_nothing_left()
                self.setup_vde("-f", "create", **over)
                self.assertIn("of ctysbr0", self.setup_vde("cancel", status=7, **over))
                self.setup_vde("-f", "cancel", **over)
                self.assert_nothing_left()
                client.sendall(b"x")
                self.assertEqual(accepted.recv(1), b"x")  # and it has outlived both


class Hostile(VdeCase):
    def test_a_switch_that_was_killed_is_taken_away_and_made_anew(self):
        self.setup_vde("-i", "none", "create")
        for _ in range(2):
            (pid,) = switches()
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: switches() == [], "it survives SIGKILL")
            self.assertIn("is dead, its files are at", self.setup_vde("check", status=1))
            self.setup_vde("-i", "none", "create")
            self.setup_vde("check")
        (pid,) = switches()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: switches() == [], "it survives SIGKILL")
        self.setup_vde("cancel")
        self.assert_nothing_left()

    def test_a_switch_that_hangs_is_killed_if_one_insists(self):
        self.setup_vde("-i", "none", "create")
        (pid,) = switches()
        os.kill(pid, signal.SIGSTOP)
        for action in ("create", "cancel"):
            self.assertIn(f"(pid {pid}) does not answer", self.setup_vde(action, status=5))
        self.setup_vde("-f", "cancel")
        self.assert_nothing_left()

    def test_a_switch_whose_files_were_removed_is_found(self):
        self.setup_vde("-i", "none", "create")
        (pid,) = switches()
        shutil.rmtree(DATA)
        os.unlink(MANAGEMENT)
        self.assertIn(f"runs (pid {pid}), and its sockets are gone", self.setup_vde("create", status=5))
        self.setup_vde("-f", "cancel")
        self.assert_nothing_left()

    def test_what_others_have_put_in_its_place_is_left_alone(self):
        victim = self.mesh.path("victim")
        os.mkdir(victim)
        with open(os.path.join(victim, "ctl"), "w") as file:
            file.write("precious")
        places = {
            "a link": lambda: os.symlink(victim, DATA),
            "a file": lambda: open(DATA, "w").close(),
            "a stranger's folder": lambda: os.mkdir(DATA),
            "a stranger's socket": lambda: os.mknod(MANAGEMENT, stat.S_IFSOCK | 0o777),
        }
        for name, put in places.items():
            with self.subTest(name):
                put()
                for action in ("create", "cancel"):
                    said = self.setup_vde("-f", "-i", "none", action, status=5)
                    self.assertRegex(said, "no folder of a switch|belongs to user 0, not to daemon")
                self.assertEqual(network(), self.before)
                for path in os.listdir("/var/tmp"):
                    path = os.path.join("/var/tmp", path)
                    os.rmdir(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        with open(os.path.join(victim, "ctl")) as file:
            self.assertEqual(file.read(), "precious")

    def test_files_that_are_of_no_switch_are_kept(self):
        self.setup_vde("-i", "none", "create")
        os.kill(switches()[0], signal.SIGKILL)
        wait_until(lambda: switches() == [], "it survives SIGKILL")
        with open(DATA + "/notes", "w") as file:
            file.write("precious")
        self.assertIn("holds files that are not of a switch", self.setup_vde("-i", "none", "create", status=5))
        self.assertEqual(sorted(os.listdir(DATA)), ["ctl", "notes"])

    def test_who_may_not_is_told_how(self):
        person = ["setpriv", f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--clear-groups"]
        call = [*person, self.mesh.program("ctys-setupVDE")]
        if subprocess.run([*call, "-V"], capture_output=True).returncode != 0:
            self.skipTest("the programs lie where only root can read")

        def ask(status, *words):
            done = subprocess.run([*call, *words], capture_output=True, text=True)
            self.assertEqual(done.returncode, status, done.stderr)
            return done.stdout + done.stderr

        self.assertIn("try: sudo ctys-setupVDE -u daemon create", ask(7, "create"))
        shown = ask(0, "--dry-run", "-i", "none", "create")
        self.assertIn("as daemon: vde_switch -d -s " + DATA, shown)
        self.assertIn("# missing: TAP devices and bridges are made by root only\n"
                      "#   try: sudo ctys-setupVDE -u daemon -i none create\n", shown)
        self.assertIn("there is no interface nosuch", ask(3, "--dry-run", "-i", "nosuch", "create"))
        self.assertIn("nothing of daemon to take away", ask(0, "cancel"))
        self.setup_vde("-i", "none", "create")
        self.assertEqual(ask(0, "check"), "switch of daemon: works, 0 attached\n")
        self.assertIn("answers already", ask(0, "create"))
        self.assertIn("try: sudo ctys-setupVDE -u daemon cancel", ask(7, "cancel"))
        self.assertIn("# missing: TAP devices and bridges are taken away by root only\n", ask(0, "--dry-run", "cancel"))

    def test_a_user_who_cannot_open_the_device_is_told_before_anything_is_made(self):
        os.chmod("/dev/net/tun", 0o600)
        try:
            said = self.setup_vde("create", status=1)
            shown = self.setup_vde("--dry-run", "create")
        finally:
            os.chmod("/dev/net/tun", 0o666)
        self.assertIn("daemon cannot open /dev/net/tun: Permission denied", said)
        self.assertIn("# missing: daemon cannot open /dev/net/tun: Permission denied", shown)
        self.assertIn("ip tuntap add", shown)
        self.assert_nothing_left()

    def test_garbage_is_one_sentence(self):
        for words, status in ((("-i", "x" * 16, "create"), 2), (("-i", "nosuch", "create"), 3),
                              (("-b", "lo", "create"), 5), (("-i", "lo", "create"), 2),
                              (("-g", "nosuchgroup", "create"), 3), (("\x1b[2J",), 2), (("create", "app2;id"), 2)):
            with self.subTest(words):
                said = self.setup_vde(*words, status=status)
                self.assertTrue(said.startswith("ctys-setupVDE: "), said)
                self.assertLessEqual(said.count("\n"), 2, said)
        self.assertIn("there is no user nosuch", self.setup_vde("create", status=3, user="nosuch"))
        self.assert_nothing_left()


class Elsewhere(VdeCase):
    """Another machine is a network and a /var/tmp of its own; what stands for ssh enters it."""

    def setUp(self):
        super().setUp()
        machine = subprocess.Popen(
            ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c",
             "mount -t tmpfs -o mode=1777 vde-test /var/tmp && ip link set lo up && echo up && exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(machine.communicate)  # it ends with its input
        self.assertEqual(machine.stdout.readline(), "up\n")
        self.enter = ["nsenter", f"--target={machine.pid}", "--net", "--mount"]
        folder = self.mesh.path("ssh")
        os.makedirs(folder)
        with open(os.path.join(folder, "ssh"), "w") as file:
            file.write("#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\n"
                       f"[ \"$2\" = root@app2 ] && exec {' '.join(self.enter)} sh -c \"$3\"\n"
                       "echo \"ssh: no route to $2\" >&2\nexit 255\n")
        os.chmod(os.path.join(folder, "ssh"), 0o755)
        self.without_program = {"PATH": folder + ":" + os.environ["PATH"]}
        programs = os.path.dirname(self.mesh.program("ctys-setupVDE"))
        self.there = {"environment": {"PATH": programs + ":" + self.without_program["PATH"]}}

    def test_one_call_makes_and_takes_away_a_network_on_another_machine(self):
        made = self.setup_vde("-i", "none", "create", "root@app2", **self.there)
        self.assertIn(f"switch of daemon: {DATA}, pid ", made)
        self.assertEqual((network(), files()), (self.before, []))
        self.assertIn(f"{TAP}: ", run(*self.enter, "ip", "link", "show", "master", "ctysbr0"))
        self.assertIn("works, 0 attached", self.setup_vde("check", "root@app2", **self.there))
        listed = self.setup_vde("list", "localhost", "root@app2", **self.there)
        self.assertRegex(listed, rf"^localhost:\n.*\nroot@app2:\n.*\n{DATA} .* answers ")

        said = self.setup_vde("check", "localhost", "root@app2", status=8, **self.there)
        self.assertIn("there is no switch of daemon", said)
        self.assertIn("works, 0 attached", said)
        self.assertIn("switch of daemon: gone", self.setup_vde("cancel", "root@app2", **self.there))
        self.assertEqual(switches(), [])
        self.assertEqual(run(*self.enter, "ls", "/var/tmp"), "")
        self.assertNotIn("ctys", run(*self.enter, "ip", "link", "show"))
        self.setup_vde("check", "root@app2", status=3, **self.there)
        self.assert_nothing_left()

    def test_a_machine_that_cannot_be_reached_or_has_no_program_is_told(self):
        said = self.setup_vde("create", "app3", status=6, **self.there)
        self.assertIn("ssh: no route to app3\nctys-setupVDE: create for daemon on app3: ", said)
        self.assertIn("try: ssh app3 true", said)
        said = self.setup_vde("create", "root@app2", status=1, environment=self.without_program)
        self.assertIn("ctys-setupVDE is not in the PATH that ssh has there", said)
        self.assert_nothing_left()


class Machines(VdeCase):
    """VMs that their user starts by hand, without root."""

    def setUp(self):
        super().setUp()
        self.vms = []
        self.addCleanup(lambda: [self.end_vm(vm) for vm in self.vms])
        self.setup_vde("-i", "none", "create")

    def make_machine(self, label, settings="NETWORK=vde\n", guest="idle"):
        config = self.mesh.make_vm("pool", label, guest, extra=settings)
        with open(config) as file:
            mac = next(line.split('"')[1] for line in file if line.startswith("MAC0="))
        for folder, _, names in os.walk(self.mesh.path("pool")):
            for path in [folder, *(os.path.join(folder, name) for name in names)]:
                os.chown(path, USER.pw_uid, USER.pw_gid)
        return bytes.fromhex(mac.replace(":", ""))

    def wrapper(self, label, *options):
        runtime = self.mesh.path("runtime-" + label)
        if not os.path.exists(runtime):
            os.mkdir(runtime, 0o700)
            os.chown(runtime, USER.pw_uid, USER.pw_gid)
        return [["setpriv", f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--clear-groups",
                 "bash", self.mesh.path("pool", label, label + ".sh"), *options],
                dict(self.mesh.environment, USER=USER.pw_name, CTYS_RUNTIME_DIR=runtime)]

    def start_vm(self, label, *options):
        argv, environment = self.wrapper(label, *options)
        with open(self.mesh.path(label + ".log"), "ab") as log:
            process = subprocess.Popen(argv, env=environment, cwd="/", stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, start_new_session=True)
        self.vms.append(process)
        return process

    def end_vm(self, process):
        """As when its power is cut; the parent of its QEMU ends with it."""
        for pid in self.mesh.own_processes():
            if mesh.parent_of(pid) == process.pid:
                os.kill(pid, signal.SIGKILL)
        process.wait(mesh.PATIENCE_S)

    def attached(self):
        return self.setup_vde("ports").count("QEMU")

    def test_frames_of_each_machine_reach_the_other(self):
        # Their firmware boots from the network: each asks for an address, is told that the other one has
        # its boot file, and so asks who that is. The answer comes from the other guest. A firmware that gives
        # up before the other one is there begins again.
        run("ip", "address", "add", "198.18.5.1/24", "dev", "ctysbr0")
        dumps = {label: self.mesh.path(label + ".pcap") for label in "ab"}
        macs = {}
        for label, dump in dumps.items():
            open(dump, "w").close()
            os.chown(dump, USER.pw_uid, USER.pw_gid)
            more = f'ARGSADD="-object filter-dump,id=seen,netdev=net0,file={dump} -boot reboot-timeout=100"\n'
            macs[label] = self.make_machine(label, "NETWORK=vde\n" + more)
        dhcp = Dhcp("ctysbr0", "198.18.5.1", {macs["a"]: ("198.18.5.11", "198.18.5.12"),
                                              macs["b"]: ("198.18.5.12", "198.18.5.11")})
        self.addCleanup(dhcp.close)
        machines = [self.start_vm(label, "--bootmode=PXE") for label in "ab"]
        again = []

        def exchanged():
            dhcp.serve(0.1)
            for at, label in enumerate("ab"):
                if machines[at].poll() is None:
                    continue
                # What is tried here is the way of the frames: QEMU may crash once, and that is told.
                told = f"{label} has ended with {machines[at].returncode}, and said:\n"
                for name in [self.mesh.path(label + ".log"),
                             *glob.glob(self.mesh.path("runtime-" + label, "instances", "*", "*.log"))]:
                    with open(name, errors="replace") as log:
                        told += f"{os.path.basename(name)}: {log.read()[-2000:]}\n"
                print(told, flush=True)
                assert label not in again, told
                again.append(label)
                machines[at] = self.start_vm(label, "--bootmode=PXE")
            # What QEMU has handed to or got from the network of each.
            return all(any(is_arp_answer(frame, macs[other], macs[own]) for frame in frames(dumps[own]))
                       for own, other in ("ab", "ba"))

        wait_until(exchanged, "no guest has told the other who it is")
        self.assertEqual(self.attached(), 2)
        self.assertRegex(self.setup_vde("info"), r"attached  2\n +port 2: [ab] \(QEMU")

        refused = self.setup_vde("cancel", status=5)
        self.assertIn("2 are attached to the switch of daemon", refused)
        self.assertIn("try: ctys-setupVDE --last -u daemon cancel", refused)
        self.assertEqual(self.attached(), 2)
        self.assertIn("goes with the last of 2", self.setup_vde("--last", "cancel"))
        self.end_vm(machines[0])
        wait_until(lambda: self.attached() == 1, "it is still attached")
        self.end_vm(machines[1])
        wait_until(lambda: switches() == [] and not files() and network() == self.before,
                   "the switch does not go with its last client")

    def test_cancel_cuts_them_if_one_insists(self):
        self.make_machine("web")
        process = self.start_vm("web")
        wait_until(lambda: self.attached() == 1, "it does not come")
        self.setup_vde("-f", "cancel")
        self.assert_nothing_left()
        self.assertIsNone(process.poll())

    def test_a_switch_that_is_made_to_go_with_its_last_client_does(self):
        self.setup_vde("--last", "create")
        self.make_machine("web")
        process = self.start_vm("web")
        wait_until(lambda: self.attached() == 1, "it does not come")
        self.end_vm(process)
        wait_until(lambda: switches() == [] and not files() and network() == self.before,
                   "the switch does not go with its last client")

    def test_a_switch_that_cannot_go_with_its_last_client_goes_later(self):
        self.setup_vde("--last", "create")
        self.make_machine("web")
        process = self.start_vm("web")
        wait_until(lambda: self.attached() == 1, "it does not come")
        with socket.socket(socket.AF_UNIX) as turn:
            turn.bind("\0ctys-setupVDE")
            turn.listen()
            turn.settimeout(mesh.PATIENCE_S)
            self.end_vm(process)
            turn.accept()[0].close()
            # Until it no longer waits for this turn, which is after ten seconds.
            longer = mesh.Deadline(12)
            while not longer.over():
                turn.accept()[0].close()
        wait_until(lambda: switches() == [] and not files() and network() == self.before,
                   "it has forgotten that the first client was there")

    def test_a_missing_switch_is_told_by_check(self):
        self.make_machine("web")
        argv, environment = self.wrapper("web", "--check", "--print")
        done = subprocess.run(argv, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        mac = next(word for word in done.stdout.split() if word.startswith("e1000,netdev=net0,mac=52:54:00"))
        self.assertIn(f"-netdev vde,id=net0,sock={DATA} -device {mac} ", done.stdout)

        os.kill(switches()[0], signal.SIGKILL)
        wait_until(lambda: switches() == [], "it survives SIGKILL")
        done = subprocess.run(argv, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"QEMUSOCK: the switch that was at {DATA}/ctl is dead; as root: "
                      "ctys-setupVDE -u daemon create", done.stderr)

        self.setup_vde("cancel")
        done = subprocess.run(argv, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"QEMUSOCK: there is no switch at {DATA}; as root: ctys-setupVDE -u daemon create", done.stderr)

    def test_a_configuration_chooses_qemu_s_own_network_instead(self):
        self.setup_vde("cancel")
        self.make_machine("web", "NETWORK=user\n")
        argv, environment = self.wrapper("web", "--check", "--print")
        done = subprocess.run(argv, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("-netdev user,id=net0 ", done.stdout)


if __name__ == "__main__":
    if why_impossible() or os.environ.get(OWN):
        mesh.main()
    os.execvpe(UNSHARE[0], [*UNSHARE, sys.executable, "-B", *sys.argv], dict(os.environ, **{OWN: "1"}))
