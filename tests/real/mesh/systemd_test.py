"""Under systemd each machine has a scope of its own, and outlives the unit of its agent.

A second systemd is the first process of a PID namespace, over a copy-on-write view of this machine's
files; nothing of it is left behind."""

import json
import os
import shutil
import subprocess
import unittest

import mesh

# Runs as the first process: what systemd needs to find, and what it must not.
BOOT = r"""
set -e
mount -t tmpfs none "$TREE"
mkdir "$TREE/up" "$TREE/work" "$TREE/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$TREE/up,workdir=$TREE/work" "$TREE/root"
root=$TREE/root
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs none "$root/sys/fs/cgroup"
mount -t cgroup2 none "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs none "$root/run"
mkdir -p "$root/run/programs" "$root/run/share"
mount --bind "$PROGRAMS" "$root/run/programs"
mount --bind "$SHARE" "$root/run/share"
units=$root/etc/systemd/system
rm -rf "$units"/*.wants
printf '[Unit]\nDefaultDependencies=no\nWants=ctys-test.service\n' > "$units/ctys-test.target"
printf '[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nTimeoutStartSec=300\n%s\n%s\n' \
    'ExecStart=/bin/bash /run/share/inside.sh' 'ExecStopPost=/bin/systemctl exit 0' \
    > "$units/ctys-test.service"
export container=ctys
exec chroot "$root" /lib/systemd/systemd --system --unit=ctys-test.target --log-target=console
"""

# Runs as a service of that systemd; tells what it sees as lines of JSON.
INSIDE = r"""
exec > /run/share/told 2> /run/share/inside.log
set -u
export PATH=/run/programs:$PATH CTYS_STATE_DIR=/run/state CTYS_RUNTIME_DIR=/run/ctys CTYS_CONFIG_DIR=/run/etc
export CTYS_QEMU_CALL=/run/programs/ctys-qemu-call ASAN_OPTIONS=detect_leaks=0
mkdir -m 700 -p /run/state /run/etc
begin() { # a unit file, as deploy/systemd has: scopes name the agent's, which keeps it loaded
    unit=$1
    shift
    {
        printf '[Unit]\nDefaultDependencies=no\n[Service]\n'
        printf 'Environment=%s=%s\n' PATH "$PATH" CTYS_STATE_DIR "$CTYS_STATE_DIR" \
            CTYS_RUNTIME_DIR "$CTYS_RUNTIME_DIR" CTYS_CONFIG_DIR "$CTYS_CONFIG_DIR" \
            CTYS_QEMU_CALL "$CTYS_QEMU_CALL" ASAN_OPTIONS "$ASAN_OPTIONS"
        printf 'Standard%s=append:/run/share/inside.log\n' Output Error
        printf 'ExecStart=%s\n' "$*"
    } > "/run/systemd/system/$unit.service"
    systemctl daemon-reload
    systemctl start "$unit"
}
tell() { printf '{"what": "%s", "value": "%s"}\n' "$1" "$2"; }
pid_of() { ctys list -o jsonl | sed -n "s/.*\"label\":\"$1\".*\"pid\":\([0-9]*\).*/\1/p"; }
group_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }
"""

OUTLIVES = r"""
begin ctys-broker /run/programs/ctys-broker
until ctys list --timeout 1s > /dev/null; do :; done
begin ctys-agent /run/programs/ctys-agent --name w1 --pool /run/share/pool
until ctys show web > /dev/null 2>&1 && ctys show theirs > /dev/null 2>&1; do :; done
ctys start web theirs >&2
tell started $?
web=$(pid_of web) theirs=$(pid_of theirs)
tell web "$(group_of "$web")"
tell theirs "$(group_of "$theirs")"
tell theirs_uid "$(stat -c %u "/proc/$theirs")"
tell before "$(systemctl show --value --property=Before "$(basename "$(group_of "$web")")")"
systemctl stop ctys-agent
tell agent_gone "$(systemctl is-active ctys-agent)"
kill -0 "$web" && kill -0 "$theirs"
tell outlived $?
systemctl start ctys-agent
# Away until the new life of the agent has said hello.
until ctys scan w1 >&2; do :; done
ctys shutdown web theirs --deadline 40s >&2
shut=$?
tell shut_down $shut
# systemd takes a scope away when the kernel has told it that nothing is left in it.
scopes() { systemctl list-units --plain --no-legend 'ctys-vm-*' | wc -l; }
for _ in $(seq 200); do [ "$(scopes)" = 0 ] && break; done
tell scopes "$(scopes)"
"""

# The guests' units are as they are shipped, but for programs, folders and what they would pull in.
GOES_DOWN = r"""
export CTYS_STATE_DIR=/run/share/state
mkdir -m 700 -p /run/share/state
begin ctys-broker /run/programs/ctys-broker
until ctys list --timeout 1s > /dev/null; do :; done
begin ctys-agent /run/programs/ctys-agent --name w1 --pool /run/share/pool
until ctys show polite > /dev/null 2>&1 && ctys show stubborn > /dev/null 2>&1; do :; done
for unit in ctys-guests.target ctys-guests.service; do
    sed 's,/usr/bin/ctys-agent --stop-guests,/run/programs/ctys-agent --stop-guests --name w1,' \
        /run/share/units/$unit > /run/systemd/system/$unit
    mkdir /run/systemd/system/$unit.d
    printf '[Unit]\nDefaultDependencies=no\nConflicts=shutdown.target\nBefore=shutdown.target\n' \
        > /run/systemd/system/$unit.d/test.conf
done
{
    printf '[Service]\nTimeoutStopSec=3\n'
    printf 'Environment=%s=%s\n' PATH "$PATH" CTYS_STATE_DIR "$CTYS_STATE_DIR" \
        CTYS_RUNTIME_DIR "$CTYS_RUNTIME_DIR" CTYS_CONFIG_DIR "$CTYS_CONFIG_DIR" ASAN_OPTIONS "$ASAN_OPTIONS"
    printf 'Standard%s=append:/run/share/inside.log\n' Output Error
} >> /run/systemd/system/ctys-guests.service.d/test.conf
systemctl daemon-reload
systemctl start ctys-guests.target ctys-guests.service
tell guests "$(systemctl is-active ctys-guests.service)"
ctys start polite stubborn >&2
tell started $?
systemctl stop ctys-agent
systemctl start ctys-agent
until ctys scan w1 >&2; do :; done
tell running "$(ctys list -o jsonl | grep -c '"state":"running"')"
"""


def can_boot():
    return (
        os.geteuid() == 0
        and os.path.exists("/lib/systemd/systemd")
        and subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--cgroup", "mount", "-t", "cgroup2", "none", "/mnt"],
            stderr=subprocess.DEVNULL,
        ).returncode
        == 0
    )


class Systemd(mesh.MeshCase):
    def boot(self, inside, labels):
        """Runs a script in a systemd of its own until that has ended; what it told, and its log."""
        share, tree = self.mesh.path("share"), self.mesh.path("tree")
        os.mkdir(tree)
        os.mkdir(share)
        os.chmod(self.mesh.root, 0o711)
        shutil.copytree(os.path.join(mesh.ROOT, "deploy/systemd"), os.path.join(share, "units"))
        for label, (guest, extra) in labels.items():
            self.mesh.make_vm("share/pool", label, guest, extra=extra)
        for folder, _, files in os.walk(os.path.join(share, "pool", "theirs")):
            for name in ("", *files):
                shutil.chown(os.path.join(folder, name), "nobody")
        with open(os.path.join(share, "inside.sh"), "w") as file:
            file.write(INSIDE + inside)
        environment = dict(os.environ, TREE=tree, SHARE=share, PROGRAMS=self.mesh.binaries)
        # A control group of its own, or it would claim the one of this test.
        groups = self.mesh.path("groups")
        os.mkdir(groups)
        script = f"""
            set -e
            mount -t cgroup2 none {groups}
            mkdir {groups}/ctys-{os.getpid()}
            echo $$ > {groups}/ctys-{os.getpid()}/cgroup.procs
            timeout -k 5 240 unshare --mount --propagation private --pid --fork --kill-child --cgroup \\
                --uts --ipc bash -c "$BOOT" || true
            echo $$ > {groups}/cgroup.procs
            find {groups}/ctys-{os.getpid()} -depth -type d -exec rmdir {{}} ';'
        """
        with open(self.mesh.path("systemd.log"), "w") as log:
            subprocess.run(
                ["unshare", "--mount", "--propagation", "private", "bash", "-c", script],
                env=dict(environment, BOOT=BOOT),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        with open(os.path.join(share, "inside.log"), errors="replace") as file:
            said = file.read()[-4000:]
        with open(os.path.join(share, "told")) as file:
            return {line["what"]: line["value"] for line in map(json.loads, file)}, said

    @unittest.skipUnless(can_boot(), "a second systemd cannot be started here")
    def test_a_shutdown_of_the_host_stops_the_machines_first(self):
        told, said = self.boot(
            GOES_DOWN, {"polite": ("polite", ""), "stubborn": ("stubborn", '#@#GRACE = "8s"\n')})

        self.assertEqual((told.get("started"), told.get("guests")), ("0", "active"), said)
        self.assertEqual(told["running"], "2", said)
        self.mesh.environment["CTYS_STATE_DIR"] = self.mesh.path("share", "state")
        self.mesh.start_broker()
        rows = self.mesh.ctys("events", "--from", "beginning", "--no-follow", "-o", "jsonl").rows
        ends = {row["label"]: (row["by"], row["text"]) for row in rows if row["kind"] == "stopped"}
        self.assertEqual(ends["polite"][0], "guest", said)
        # Longer than the unit's own timeout: it said each second that it needs more.
        self.assertEqual(ends["stubborn"], ("host", "power cut at its 8.0 s deadline by quit"), said)
        self.assertEqual([row["data"]["phase"] for row in rows if row["kind"] == "host-stop"], ["begun", "done"])

    @unittest.skipUnless(can_boot(), "a second systemd cannot be started here")
    def test_each_machine_has_a_scope_and_outlives_its_agent(self):
        told, said = self.boot(OUTLIVES, {"web": ("polite", ""), "theirs": ("polite", "")})

        self.assertEqual(told.get("started"), "0", said)
        for label in ("web", "theirs"):
            self.assertRegex(told[label], r"/ctys-vm-[0-9a-f]{16}\.scope$")
        self.assertNotEqual(told["web"], told["theirs"])
        self.assertEqual(told["theirs_uid"], "65534")
        self.assertIn("ctys-guests.target", told["before"])
        self.assertNotEqual(told["agent_gone"], "active")
        self.assertEqual((told["outlived"], told["shut_down"], told["scopes"]), ("0", "0", "0"), said)


if __name__ == "__main__":
    mesh.main()
