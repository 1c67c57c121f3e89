"""A Linux guest under systemd that carries an agent: a minimal Debian 12 with the programs and units as
`cmake --install` puts them there, made where it is missing and kept in a folder of the build tree.

    python3 systemd_image.py FOLDER-OF-PROGRAMS     makes it, prints where it is

Needs root: files of a system belong to many. The programs are those of a build; their libraries and QEMU
are this machine's. A system or an image whose inputs changed has another name."""

import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

import guest_image
from guest_image import HERE, run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
# What boots, finds its devices and hears its power button.
PACKAGES = ("systemd-sysv", "udev", "dbus", "kmod")
UNNEEDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/i18n/*")
IMAGE_BYTES = 1 << 30
SKIPPED = 77  # for ctest
CONSOLE = "/usr/local/lib/l1-console"
# The broker and its machine are outside; see stack_mesh.py for what is on the second disk.
FILES = {
    "etc/hostname": "l1\n",
    # Fixed: a first boot would ask for this and that.
    "etc/machine-id": "6c316c316c316c316c316c316c316c31\n",
    "etc/fstab": "/dev/vda / ext4 noatime 0 0\n/dev/vdb /disk ext4 noatime 0 0\n",
    "etc/systemd/network/10-user.network": (
        "[Match]\nType=ether\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n"
        "LinkLocalAddressing=no\nIPv6AcceptRA=no\nLLDP=no\n"
    ),
    # All that the journal hears is on the serial console, where a test reads it.
    "etc/systemd/journald.conf.d/console.conf": (
        "[Journal]\nStorage=volatile\nForwardToConsole=yes\nTTYPath=/dev/ttyS0\nMaxLevelConsole=info\n"
        "RateLimitIntervalSec=0\n"
    ),
    # Of programs with sanitizers; the others do not read it.
    "etc/systemd/system.conf.d/sanitizers.conf": (
        "[Manager]\nDefaultEnvironment=ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1\n"
    ),
    "etc/systemd/system/l1-console.service": (
        "[Unit]\nDescription=Takes commands from the serial console\n"
        f"[Service]\nExecStart={CONSOLE}\nRestart=always\nRestartSec=0\nEnvironment=HOME=/root\n"
        "StandardInput=tty-force\nStandardOutput=tty\nStandardError=tty\nTTYPath=/dev/ttyS0\n"
        "[Install]\nWantedBy=multi-user.target\n"
    ),
}
ENABLED = ("ctys-agent", "ctys-guests", "systemd-networkd", "l1-console")
# They would wait for a person, or for a clock.
MASKED = ("serial-getty@ttyS0.service", "getty@tty1.service", "systemd-tmpfiles-clean.timer")
# The first process: what its disk needs, then the system on it.
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs none /dev
while read -r module; do insmod "/modules/$module.ko"; done </modules/order
mkdir /system
mount -t ext4 -o noatime /dev/vda /system
mount -o move /dev /system/dev
exec switch_root /system /sbin/init
"""


# --- the system ------------------------------------------------------------------------------------


def sources():
    """The machine's own list of Debian's packages, where it has one."""
    own = ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")
    return [path for path in own if os.path.exists(path) and os.path.getsize(path) > 0][:1]


def debian(cache):
    """An archive with the bare system; fetched once and kept."""
    wanted = hashlib.sha256("\n".join(PACKAGES + UNNEEDED).encode()).hexdigest()[:16]
    path = os.path.join(cache, f"debian-{wanted}.tar")
    if not os.path.exists(path):
        with guest_image.made_whole(path) as made:
            excluded = [f"--dpkgopt=path-exclude={name}" for name in UNNEEDED]
            run(
                "mmdebstrap", "--mode=root", "--variant=essential", "--format=tar",
                "--include=" + ",".join(PACKAGES), *excluded, "bookworm", made, *sources(),
            )  # fmt: skip
        remove_others(path, os.path.join(cache, "debian-*.tar"))
    return path


def remove_others(path, pattern):
    for old in glob.glob(pattern):
        if old != path:
            os.unlink(old)


def write_file(tree, name, text, mode=0o644):
    path = os.path.join(tree, name.lstrip("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def copy_missing(tree, path):
    """A file of this machine, where the system has none of that name."""
    to = os.path.join(tree, path.lstrip("/"))
    if not os.path.exists(to):
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy(path, to)


def install(tree, programs):
    """What an administrator does: docs/operations.md, systemd."""
    build = os.path.dirname(programs)
    run("cmake", "--install", build, "--prefix", "/usr", "--strip", env=dict(os.environ, DESTDIR=tree))
    os.makedirs(os.path.join(tree, "disk"))
    os.symlink("/disk/etc", os.path.join(tree, "etc/ctys"))
    for name, text in FILES.items():
        write_file(tree, name, text)
    with open(os.path.join(HERE, "systemd_console.sh")) as script:
        write_file(tree, CONSOLE, script.read(), 0o755)
    run("chroot", tree, "systemctl", "enable", *ENABLED)
    run("chroot", tree, "systemctl", "mask", *MASKED)


def add_qemu(tree, programs):
    for name in (guest_image.QEMU, *guest_image.QEMU_FILES):
        copy_missing(tree, name)
    installed = glob.glob(os.path.join(tree, "usr/bin/ctys*"))
    own = [os.path.join(programs, os.path.basename(name)) for name in installed]
    for name in (guest_image.QEMU, guest_image.QEMU_FILES[0], *own):
        for library in guest_image.libraries(name):
            copy_missing(tree, library)


def write_system(path, archive, programs, modules):
    with tempfile.TemporaryDirectory(dir=os.path.dirname(archive)) as work:
        tree = os.path.join(work, "tree")
        os.mkdir(tree)
        run("tar", "-xpf", archive, "--numeric-owner", "-C", tree)
        install(tree, programs)
        add_qemu(tree, programs)
        # Newer than all of /usr: nothing is made anew at the first boot.
        for name in ("etc/.updated", "var/.updated"):
            write_file(tree, name, "")
        with open(path, "wb") as file:
            file.truncate(IMAGE_BYTES)
        run("mke2fs", "-q", "-t", "ext4", "-d", tree, path)


def write_initramfs(path, kernel_folder):
    with open(path, "wb") as file:
        archive = guest_image.Archive(file)
        archive.console()
        archive.write("init", INIT.encode(), 0o755)
        archive.copy("/bin/busybox", "bin/busybox")
        modules = os.path.join(kernel_folder, "modules")
        for name in sorted(os.listdir(modules)):
            archive.copy(os.path.join(modules, name), "modules/" + name)
        archive.close()


def systemd_image(programs):
    """Paths of kernel, initramfs and the disk with the system, for the programs of that folder. Nobody
    may write to the disk: what boots has a copy on top of it."""
    programs = os.path.realpath(programs)
    build = os.path.dirname(programs)
    cache = os.path.join(build, "stack")
    with guest_image.locked(cache):
        kernel_folder = guest_image.kernel(cache)
        archive = debian(cache)
        inputs = [__file__, guest_image.__file__, os.path.join(HERE, "systemd_console.sh"), guest_image.QEMU, archive]
        inputs += glob.glob(os.path.join(programs, "ctys*")) + glob.glob(os.path.join(ROOT, "deploy/systemd/*"))
        inputs += [os.path.join(ROOT, "cmake/install.cmake"), os.path.join(kernel_folder, "vmlinuz")]
        digest = guest_image.digest_of(*sorted(inputs))
        initramfs = os.path.join(cache, f"systemd-{digest}.initramfs")
        system = os.path.join(cache, f"systemd-{digest}.disk")
        if not os.path.exists(system):
            with guest_image.made_whole(initramfs) as made:
                write_initramfs(made, kernel_folder)
            with guest_image.made_whole(system) as made:
                write_system(made, archive, programs, kernel_folder)
            remove_others(initramfs, os.path.join(cache, "systemd-*.initramfs"))
            remove_others(system, os.path.join(cache, "systemd-*.disk"))
    return os.path.join(kernel_folder, "vmlinuz"), initramfs, system


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER-OF-PROGRAMS")
    if os.geteuid() != 0:
        print("skipped: the files of a system belong to many; that needs root")
        sys.exit(SKIPPED)
    print(*systemd_image(sys.argv[1]), sep="\n")
