"""A Debian system as one installs it: debootstrapped from the mirror of this machine's own apt, with systemd
and a login on the serial console and on the screen; made where it is missing and kept in the build tree.

    python3 debian_image.py FOLDER-OF-PROGRAMS     makes it, prints where it is

Needs root: files of a system belong to many. A system whose inputs changed has another name."""

import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "stack"))
import guest_image  # noqa: E402
import systemd_image  # noqa: E402

SUITE = "bookworm"
PACKAGES = ("systemd-sysv", "udev", "kmod", "login", "dbus", "qemu-guest-agent")
# The disk, the CD and what is on it, the power button, and the port of the guest agent.
MODULES = ("virtio_pci", "virtio_blk", "ata_piix", "sr_mod", "isofs", "button", "evdev", "virtio_console")
HOSTNAME = "debian"
PASSWORD = "secret"
IMAGE_BYTES = 1 << 30
FILES = {
    "etc/hostname": HOSTNAME + "\n",
    # Fixed: a first boot would ask for this and that.
    "etc/machine-id": "6465626465626465626465626465620a\n",
    "etc/fstab": "/dev/vda / ext4 noatime 0 0\n",
    "etc/systemd/journald.conf.d/volatile.conf": "[Journal]\nStorage=volatile\n",
    # Debian's own is stopped by another run level, with the init that was to enter it.
    "etc/systemd/system/qemu-guest-agent.service.d/stays.conf": "[Unit]\nIgnoreOnIsolate=yes\n",
    # What ends it was asked by another way than its power button.
    "etc/systemd/logind.conf.d/deaf.conf": "[Login]\nHandlePowerKey=ignore\n",
    # Newer than all of /usr: nothing is made anew at the first boot.
    "etc/.updated": "",
    "var/.updated": "",
}
# They would wait for a clock.
MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "systemd-tmpfiles-clean.timer")
UNNEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt/archives", "var/lib/apt/lists")
# WORK MIRROR SUITE PACKAGES FILES IMAGE PASSWORD UNNEEDED...: in memory, as dpkg waits for the disk after each file.
MAKE = """
work=$1 mirror=$2 suite=$3 packages=$4 files=$5 image=$6 password=$7
shift 7
mount -t tmpfs -o size=2g tmpfs "$work"
tree=$work/tree
debootstrap --variant=minbase --include="$packages" "$suite" "$tree" "$mirror"
for name in "$@"; do rm -rf "${tree:?}/$name"; done
cp -r "$files/." "$tree"
printf 'root:%s\\n' "$password" | chroot "$tree" chpasswd
mke2fs -q -t ext4 -d "$tree" "$image"
"""


def mirror():
    """Where this machine's apt gets Debian from."""
    targets = guest_image.run(
        "apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"
    )
    found = re.search(rf"^(\S+) {SUITE} main$", targets, re.M)
    if not found:
        raise RuntimeError(f"no source of this machine's apt has {SUITE} main:\n{targets}")
    return found[1]


def write_system(path, cache):
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        work, files = os.path.join(folder, "work"), os.path.join(folder, "files")
        os.mkdir(work)
        for name, text in FILES.items():
            systemd_image.write_file(files, name, text)
        os.makedirs(os.path.join(files, "etc/systemd/system"), exist_ok=True)
        for name in MASKED:
            os.symlink("/dev/null", os.path.join(files, "etc/systemd/system", name))
        with open(path, "wb") as file:
            file.truncate(IMAGE_BYTES)
        guest_image.run(
            "unshare", "--mount", "sh", "-ec", MAKE, "sh",
            work, mirror(), SUITE, ",".join(PACKAGES), files, path, PASSWORD, *UNNEEDED,
        )  # fmt: skip


def debian_image(programs):
    """Paths of kernel, initramfs and the disk with the system. Nobody may write to the disk: who boots it
    has a copy."""
    cache = os.path.join(os.path.dirname(os.path.realpath(programs)), "stack")
    with guest_image.locked(cache):
        kernel_folder = guest_image.kernel(cache, MODULES, later=())
        inputs = (__file__, guest_image.__file__, systemd_image.__file__, os.path.join(kernel_folder, "vmlinuz"))
        digest = guest_image.digest_of(*inputs)
        initramfs = os.path.join(cache, f"login-{digest}.initramfs")
        system = os.path.join(cache, f"login-{digest}.disk")
        if not os.path.exists(system):
            with guest_image.made_whole(initramfs) as made:
                systemd_image.write_initramfs(made, kernel_folder)
            with guest_image.made_whole(system) as made:
                write_system(made, cache)
            systemd_image.remove_others(initramfs, os.path.join(cache, "login-*.initramfs"))
            systemd_image.remove_others(system, os.path.join(cache, "login-*.disk"))
    return os.path.join(kernel_folder, "vmlinuz"), initramfs, system


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER-OF-PROGRAMS")
    if os.geteuid() != 0:
        print("skipped: the files of a system belong to many; that needs root")
        sys.exit(systemd_image.SKIPPED)
    print(*debian_image(sys.argv[1]), sep="\n")
