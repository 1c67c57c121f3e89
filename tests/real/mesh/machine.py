"""Machines of a test on this computer: what runs in one is seen by what runs in it only."""

import os
import subprocess
import uuid

import mesh

HOLD = """set -e
mount --bind "$1" /proc/sys/kernel/random/boot_id
if [ -n "$2" ]; then
    mount -t tmpfs tmpfs /sys/class && mkdir -p /sys/class/dmi/id && echo "$2" >/sys/class/dmi/id/product_uuid
fi
: >"$3"
while :; do sleep 1000 & wait $!; done
"""


def possible():
    probe = ["unshare", "--pid", "--mount", "--fork", "--mount-proc", "true"]
    return os.geteuid() == 0 and subprocess.run(probe, capture_output=True).returncode == 0


class Machine:
    """Process and mount namespaces. Its boot id is a file; with a platform its firmware shows that UUID."""

    def __init__(self, m, name="", platform=""):
        self.mesh = m
        self.boot_file = m.path(name + "boot_id")
        self.boot()
        ready = m.path(name + "ready")
        self.holder = subprocess.Popen(
            ["unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", HOLD, "sh", self.boot_file, platform, ready]
        )
        deadline = mesh.Deadline(mesh.PATIENCE_S)
        # Who enters before its boot id is in place sees that of this computer.
        while not os.path.exists(ready):
            assert not deadline.over() and self.holder.poll() is None, "no namespace"
            mesh.select.select([], [], [], 0.01)

    def first(self):
        with open(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children") as file:
            return (file.read().split() or [None])[0]

    def boot(self):
        """Another boot, for whoever reads its id from now on."""
        with open(self.boot_file, "w") as file:
            file.write(str(uuid.uuid4()) + "\n")

    def inside(self, *argv):
        return ["nsenter", "-t", self.first(), "--pid", "--mount", *argv]

    def start_agent(self, name, pool, *options):
        """Returns once it has said hello; the mesh knows what waits for it."""
        after = self.mesh.head()
        os.makedirs(self.mesh.path(pool), exist_ok=True)
        self.mesh._start(name, self.inside(
            self.mesh.program("ctys-agent"), "--name", name, "--pool", self.mesh.path(pool), *options))
        stream = self.mesh.events("--from", after, "--filter", "family=worker")
        stream.wait(kind=lambda kind: kind in ("registered", "alive", "fact"), worker=name)
        self.mesh.streams.remove(stream)
        stream.close()

    def close(self):
        self.holder.kill()
        self.holder.wait()
