"""A Linux installer from a CD finds the stick it was given as a target, partitions it and puts
a system onto it; the stick then boots. Of the long runs: its kernel is downloaded."""

import os
import struct
import subprocess
import sys

import install_test
import mesh

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "stack"))

import guest_image  # noqa: E402

# What a PC of the nineties has: the kernel that is there knows no AHCI.
MODULES = ("ata_piix", "sd_mod")
STICK_BYTES = 32 << 20
# An emulated kernel, read by an emulated boot loader.
INSTALL_S = 180.0
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
exec >/dev/ttyS0 2>&1 </dev/null
while read -r module; do insmod "/modules/$module.ko"; done </modules/order
until [ -b /dev/sda ]; do usleep 50000; done
echo "installer: a disk of $(cat /sys/block/sda/size) sectors, $(ls -d /dev/sda?* 2>/dev/null | wc -l) partitions"
printf 'n\\np\\n1\\n2048\\n\\na\\n1\\nw\\n' | fdisk /dev/sda >/dev/null
until [ -b /dev/sda1 ]; do usleep 50000; done
mke2fs -q /dev/sda1 && mount -t ext4 /dev/sda1 /target && cp /init /target/init && umount /target || exit
dd if=/boot-sector of=/dev/sda bs=440 count=1 conv=notrunc,fsync 2>/dev/null
sync
echo "installer: done on $(ls -d /dev/sda?*)"
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
    """Of its partition table, as a PC has it: whether it is booted, its type, and its first sector, each."""
    with open(device, "rb") as file:
        table = file.read(512)[446:510]
    entries = [struct.unpack("<B3xB3xII", table[at : at + 16]) for at in range(0, 64, 16)]
    return [(active == 0x80, kind, start) for active, kind, start, _ in entries if kind != 0]


class LinuxStick(install_test.InstallCase):
    def offer(self):
        """A CD that boots the installer: that of GRUB with another menu, a kernel and the installer."""
        cache = os.path.join(os.path.dirname(os.path.realpath(mesh.BINARIES)), "stack")
        with guest_image.locked(cache):
            kernel_folder = guest_image.kernel(cache, MODULES, later=())
        initrd, menu, cd = (self.mesh.path(name) for name in ("initrd", "grub.cfg", "installer.iso"))
        write_initramfs(initrd, kernel_folder)
        with open(menu, "w") as file:
            file.write("linux /vmlinuz console=ttyS0 quiet panic=-1 nokaslr mitigations=off\ninitrd /initrd\nboot\n")
        subprocess.run(
            ["xorriso", "-indev", install_test.CD, "-outdev", cd, "-boot_image", "any", "replay",
             "-map", os.path.join(kernel_folder, "vmlinuz"), "/vmlinuz", "-map", initrd, "/initrd",
             "-map", menu, "/boot/grub/grub.cfg"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        return cd

    @mesh.long_only
    def test_its_installer_partitions_the_stick_which_then_boots(self):
        cd = self.offer()
        self.make("linux", "MEMSIZE=512", "CPU=qemu64", "MACHINE=pc")
        with install_test.loop_device(self.mesh.path("stick"), STICK_BYTES) as device:
            self.start_mesh()
            self.mesh.wait_row("linux")

            self.create("linux", f"instmode:CD%{cd}%USB%{device}%INIT")

            self.await_guest("linux", f"installer: a disk of {STICK_BYTES // 512} sectors, 0 partitions",
                             "installer: done on /dev/sda1", seconds=INSTALL_S)
            self.kill("linux")
            linux = 0x83
            self.assertEqual(partitions(device), [(True, linux, 2048)])

            self.create("linux", f"bootmode:USB%{device}")
            self.await_guest("linux", "up")
            self.kill("linux")
        # The VM's own disk was no target.
        with open(self.mesh.path("pool", "linux", "hda.img"), "rb") as image:
            self.assertEqual(image.read().strip(b"\0"), b"")


if __name__ == "__main__":
    mesh.main()
