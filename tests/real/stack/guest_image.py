"""A Linux guest that carries an agent: Debian's cloud kernel and an initramfs with busybox, QEMU and the
agent's programs, made where it is missing and kept in a folder of the build tree.

    python3 guest_image.py FOLDER-OF-PROGRAMS     makes it, prints where it is

The kernel is unpacked from its package, not installed: nobody's machine gets another kernel for a test.
An archive that is there is used as it is; one whose inputs changed has another name."""

import contextlib
import fcntl
import glob
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
KERNEL_PACKAGE = "linux-image-cloud-amd64"
PROGRAMS = ("ctys-agent", "ctys-probe", "ctys-scan-helper", "ctys-qemu-call", "ctys-ask-lease", "ctys-setupVDE")
# Network and disk of the guest, its power button, and the file that a press can be read from.
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "button", "evdev")
# Of a switch with its bridge: /modules/network names them for those who make one.
NETWORK_MODULES = ("tun", "bridge")
# Where the programs, in /ctys, look for it.
WRAPPER_LIBRARY = "../share/ctys-mesh/ctys-wrapper-lib.sh"
# QEMU's library looks for its plugin beside itself, which is where the loader found it.
NETWORK_PROGRAMS = ("/usr/bin/vde_switch", "/lib/x86_64-linux-gnu/vdeplug/libvdeplug_vde.so",
                    shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin") or "/usr/sbin/ip")
QEMU = "/usr/bin/qemu-system-x86_64"
# All that a machine of one boot sector needs of QEMU: its accelerator, its firmware, and the keys of VNC.
QEMU_FILES = (
    "/usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so",
    "/usr/share/seabios/bios-256k.bin",
    "/usr/share/seabios/vgabios-stdvga.bin",
    "/usr/share/qemu/kvmvapic.bin",
    "/usr/share/qemu/keymaps/en-us",
    "/usr/lib/ipxe/qemu/efi-e1000.rom",
)
WRITTEN = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": b"root:x:0:\n",
    "etc/machine-id": b"",
}


def run(*argv, **options):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def digest_of(*paths):
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def locked(folder):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def made_whole(path):
    """A name to make a file or folder under; it gets its own name when all is well."""
    beside = tempfile.mkdtemp(prefix=".new", dir=os.path.dirname(path))
    try:
        yield os.path.join(beside, "made")
        os.rename(os.path.join(beside, "made"), path)
    finally:
        shutil.rmtree(beside)


# --- the kernel ------------------------------------------------------------------------------------


def download_kernel(folder, *options):
    """Fetches the package that KERNEL_PACKAGE depends on. Returns its path."""
    shown = run("apt-cache", *options, "--no-all-versions", "show", KERNEL_PACKAGE)
    name = re.search(r"^Depends: .*?(linux-image-[0-9][^ ,]*)", shown, re.M)
    if not name:
        raise RuntimeError(f"{KERNEL_PACKAGE} depends on no kernel:\n{shown}")
    options = (*options, "-o", "APT::Sandbox::User=root")
    run("apt-get", *options, "-q", "download", name[1], cwd=folder)
    return glob.glob(os.path.join(folder, "*.deb"))[0]


def fetch_kernel(folder):
    try:
        return download_kernel(folder)
    except (RuntimeError, IndexError):
        # No lists, or old ones: fresh ones of our own, which needs no right over the machine's.
        lists = os.path.join(folder, "apt")
        os.makedirs(os.path.join(lists, "lists/partial"))
        os.makedirs(os.path.join(lists, "cache/archives/partial"))
        own = (
            "-o", f"Dir::State::Lists={lists}/lists",
            "-o", f"Dir::Cache={lists}/cache",
            "-o", "Debug::NoLocking=1",
        )  # fmt: skip
        run("apt-get", *own, "-o", "APT::Sandbox::User=root", "-q", "update")
        return download_kernel(folder, *own)


def kernel(cache, modules=MODULES, later=NETWORK_MODULES):
    """The folder with vmlinuz, modules/ and their order, also of those that are loaded later; fetched
    once and kept."""
    words = " ".join((*modules, "-", *later))
    path = os.path.join(cache, "kernel-" + hashlib.sha256(words.encode()).hexdigest()[:16])
    if os.path.isdir(path):
        return path
    with made_whole(path) as made, tempfile.TemporaryDirectory(dir=cache) as work:
        run("dpkg-deb", "-x", fetch_kernel(work), os.path.join(work, "all"))
        os.makedirs(os.path.join(made, "modules"))
        shutil.copy(glob.glob(os.path.join(work, "all/boot/vmlinuz-*"))[0], os.path.join(made, "vmlinuz"))
        found = glob.glob(os.path.join(work, "all/lib/modules/**/*.ko"), recursive=True)
        known = {os.path.basename(file)[:-3].replace("-", "_"): file for file in found}
        order = []
        for name, wanted in (("order", modules), ("network", later)):
            done = len(order)
            for module in wanted:
                add_module(module, known, order)
            with open(os.path.join(made, "modules", name), "w") as file:
                file.write("".join(module + "\n" for module in order[done:]))
        for module in order:
            shutil.copy(known[module], os.path.join(made, "modules", module + ".ko"))
    return path


def add_module(module, known, order):
    """Puts a module behind all that it needs."""
    with open(known[module], "rb") as file:
        needs = re.search(rb"\0depends=([^\0]*)\0", file.read())[1].decode()
    for needed in filter(None, needs.split(",")):
        if needed not in order:
            add_module(needed, known, order)
    if module not in order:
        order.append(module)


# --- the initramfs ---------------------------------------------------------------------------------


class Archive:
    """Writes a cpio archive in the "newc" format (the kernel's driver-api/early-userspace/
    buffer-format), uncompressed: an emulated processor copies faster than it unpacks."""

    def __init__(self, file):
        self.file = file
        self.names = set()

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self.names.add(name)
        word = name.encode() + b"\0"
        numbers = (len(self.names), mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(word), 0)
        self.file.write(b"070701" + b"".join(b"%08X" % number for number in numbers) + word)
        self._pad()
        self.file.write(data)
        self._pad()

    def _pad(self):
        self.file.write(bytes(-self.file.tell() % 4))

    def folder(self, name):
        if name and name not in self.names:
            self.folder(os.path.dirname(name))
            self._entry(name, stat.S_IFDIR | 0o755)

    def write(self, name, data, mode=0o644):
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, data)

    def copy(self, path, name=None):
        name = name or path.lstrip("/")
        if name in self.names:
            return
        with open(path, "rb") as file:
            self.write(name, file.read(), 0o755 if os.access(path, os.X_OK) else 0o644)

    def console(self):
        self.folder("dev")
        self._entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))

    def close(self):
        self._entry("TRAILER!!!", 0)


def libraries(program):
    """Shared libraries of a program and its loader, by the paths under which they are looked for."""
    told = subprocess.run(["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return re.findall(r"(/[^ ]+) \(0x", told.stdout)


def write_initramfs(path, programs, kernel_folder):
    with open(path, "wb") as file, tempfile.TemporaryDirectory() as work:
        archive = Archive(file)
        archive.console()
        for name in ("proc", "sys", "root", "tmp", "var/tmp"):
            archive.folder(name)
        for name, data in WRITTEN.items():
            archive.write(name, data)
        with open(os.path.join(HERE, "init.sh"), "rb") as init:
            archive.write("init", init.read(), 0o755)
        modules = os.path.join(kernel_folder, "modules")
        for name in sorted(os.listdir(modules)):
            archive.copy(os.path.join(modules, name), "modules/" + name)
        told = run(QEMU, "--version")
        archive.write("etc/qemu-version", re.search(r"version (\d+\.\d+)", told)[1].encode())
        archive.copy("/bin/busybox", "bin/busybox")
        archive.copy("/bin/bash", "bin/bash")  # the wrapper of a VM is bash
        for name in (QEMU, *QEMU_FILES, *NETWORK_PROGRAMS):
            archive.copy(name)
        archive.copy(os.path.join(programs, WRAPPER_LIBRARY), "share/ctys-mesh/ctys-wrapper-lib.sh")
        for name in PROGRAMS:
            stripped = os.path.join(work, name)
            run("strip", "-o", stripped, os.path.join(programs, name))
            archive.copy(stripped, "ctys/" + name)
        for name in (QEMU, *QEMU_FILES[:1], "/bin/bash", *NETWORK_PROGRAMS, *(os.path.join(programs, name) for name in PROGRAMS)):
            for library in libraries(name):
                archive.copy(library)
        archive.close()


def guest_image(programs):
    """Paths of kernel and initramfs for the programs of that folder."""
    cache = os.path.join(os.path.dirname(os.path.realpath(programs)), "stack")
    with locked(cache):
        kernel_folder = kernel(cache)
        inputs = [__file__, os.path.join(HERE, "init.sh"), QEMU, "/bin/busybox", "/bin/bash"]
        inputs += [os.path.join(programs, WRAPPER_LIBRARY), *NETWORK_PROGRAMS]
        inputs += [*(os.path.join(programs, name) for name in PROGRAMS)]
        inputs.append(os.path.join(kernel_folder, "vmlinuz"))
        initramfs = os.path.join(cache, f"initramfs-{digest_of(*inputs)}")
        if not os.path.exists(initramfs):
            with made_whole(initramfs) as made:
                write_initramfs(made, programs, kernel_folder)
            for old in glob.glob(os.path.join(cache, "initramfs-*")):
                if old != initramfs:
                    os.unlink(old)
    return os.path.join(kernel_folder, "vmlinuz"), initramfs


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER-OF-PROGRAMS")
    print(*guest_image(sys.argv[1]), sep="\n")
