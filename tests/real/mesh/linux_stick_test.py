"""A Linux installer that comes by the network finds the stick it was given as a target, partitions it and puts
a system onto it; the stick then boots. Of the long runs: its kernel is downloaded."""

import os
import shutil
import subprocess
import sys

import install_test
import mesh

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "stack"))

import guest_image  # noqa: E402

MODULES = ("virtio_pci", "virtio_blk")
STICK_BYTES = 32 << 20
# An emulated kernel, fetched by an emulated boot loader.
INSTALL_S = 180.0
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
exec >/dev/ttyS0 2>&1 </dev/null
while read -r module; do insmod "/modules/$module.ko"; done </modules/order
until [ -b /dev/vda ]; do usleep 50000; done
echo "installer: a disk of $(cat /sys/block/vda/size) sectors, $(ls -d /dev/vda?* 2>/dev/null | wc -l) partitions"
printf 'n\\np\\n1\\n2048\\n\\na\\n1\\nw\\n' | fdisk /dev/vda >/dev/null
until [ -b /dev/vda1 ]; do usleep 50000; done
mke2fs -q /dev/vda1 && mount -t ext4 /dev/vda1 /target && cp /init /target/init && umount /target || exit
dd if=/boot-sector of=/dev/vda bs=440 count=1 conv=notrunc,fsync 2>/dev/null
sync
echo "installer: done on $(ls -d /dev/vda?*)"
while true; do sleep 3600; done # its serial log goes with it
"""


def boot_sector():
    """Says "up" on the serial port; the partition table stays behind it."""
    return bytes.fromhex(mesh.GUESTS["idle"]).ljust(440, b"\0")


def write_initramfs(path, kernel_folder):
    with open(path, "wb") as file:
        archive = guest_image.Archive(file)
        archive.console()
        for name in ("proc", "sys", "target"):
            archive.folder(name)
        archive.write("init", INIT.encode(), 0o755)
        archive.write("boot-sector", boot_sector())
        modules = os.path.join(kernel_folder, "modules")
        for name in sorted(os.listdir(modules)):
            archive.copy(os.path.join(modules, name), "modules/" + name)
        archive.copy("/bin/busybox", "bin/busybox")
        archive.close()


def partitions(device):
    told = subprocess.run(["sfdisk", "--json", device], capture_output=True, text=True, check=True)
    return mesh.json.loads(told.stdout)["partitiontable"]["partitions"]


class LinuxStick(install_test.InstallCase):
    def offer(self):
        """A folder for TFTP with boot loader, kernel and installer; the file to boot."""
        cache = os.path.join(os.path.dirname(os.path.realpath(mesh.BINARIES)), "stack")
        folder = self.mesh.path("tftp")
        os.makedirs(folder + "/pxelinux.cfg")
        for path in install_test.PXELINUX:
            shutil.copy(path, folder)
        with guest_image.locked(cache):
            kernel_folder = guest_image.kernel(cache, MODULES, later=())
            shutil.copy(os.path.join(kernel_folder, "vmlinuz"), folder)
            write_initramfs(folder + "/initrd", kernel_folder)
        with open(folder + "/pxelinux.cfg/default", "w") as file:
            file.write("DEFAULT install\nLABEL install\nKERNEL vmlinuz\nINITRD initrd\n"
                       "APPEND console=ttyS0 quiet panic=-1 nokaslr mitigations=off\n")
        return folder + "/pxelinux.0"

    @mesh.long_only
    def test_its_installer_partitions_the_stick_which_then_boots(self):
        boot = self.offer()
        self.make("linux", "MEMSIZE=512", "CPU=qemu64", "IMAGEINTERFACE=virtio")
        with install_test.loop_device(self.mesh.path("stick"), STICK_BYTES) as device:
            self.start_mesh()
            self.mesh.wait_row("linux")

            self.create("linux", f"instmode:PXE%{boot}%USB%{device}%INIT")

            self.await_guest("linux", f"installer: a disk of {STICK_BYTES // 512} sectors, 0 partitions",
                             "installer: done on /dev/vda1", seconds=INSTALL_S)
            self.kill("linux")
            (partition,) = partitions(device)
            self.assertEqual((partition["start"], partition.get("bootable")), (2048, True))

            self.create("linux", f"bootmode:USB%{device}")
            self.await_guest("linux", "up")
            self.kill("linux")
        # The VM's own disk was no target.
        with open(self.mesh.path("pool", "linux", "hda.img"), "rb") as image:
            self.assertEqual(image.read().strip(b"\0"), b"")


if __name__ == "__main__":
    mesh.main()
