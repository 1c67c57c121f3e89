"""Every emulated processor: a VM of each architecture is started by ctys and prints on its serial console.

Where QEMU or Debian brings firmware it is that which prints; the others get a guest of a few instructions.
"""

import os
import select
import shutil

import mesh
import tiny_guests

UBOOT = "/usr/lib/u-boot"
LINE = b"a tiny guest speaks\r\n"

# architecture -> variables of its configuration, what its serial console says
FIRMWARE = {
    "x86_64": ((), b"up"),
    "i386": ((), b"up"),
    "arm": (("MACHINE=virt", "CPU=cortex-a15", f"ARGSADD='-bios {UBOOT}/qemu_arm/u-boot.bin'"), b"U-Boot"),
    "aarch64": (("CPU=cortex-a53", f"ARGSADD='-bios {UBOOT}/qemu_arm64/u-boot.bin'"), b"U-Boot"),
    "mipsel": (("ARGSADD='-bios $CTYSWRAPPERPATH/firmware'",), b"U-Boot"),
    "ppc": (("ARGSADD=-nographic",), b"OpenBIOS"),
    "ppc64": ((), b"SLOF"),
    "riscv64": ((), b"OpenSBI"),
    "sparc": ((), b"Configuration device id QEMU"),
    "sparc64": ((), b"OpenBIOS"),
    "alpha": ((), b">>>"),
}
TINY = {
    "arm926": ("arm", "integratorcp", ("CPU=arm926",), tiny_guests.integratorcp),
    "coldfire": ("m68k", "mcf5208evb", ("CPU=m5208",), tiny_guests.mcf5208evb),
    "sh4": ("sh4", "r2d", (), tiny_guests.r2d),
}


class Cpus(mesh.MeshCase):
    def make(self, label, arch, settings):
        """A VM directory; `settings` are lines of its configuration."""
        folder = self.mesh.path("pool", label)
        os.makedirs(folder)
        lines = (f"ARCH={arch}", "MEMSIZE=256", "NETWORK=none", "ACCELERATOR=QEMU", *settings)
        self.mesh.write_vm(folder, label, label, "\n".join(line.replace("'", '"') for line in lines) + "\n")
        return folder

    def make_with_firmware(self, arch, settings):
        disk = ('HDDBOOTIMAGE="$CTYSWRAPPERPATH/disk.img"', "IMAGEFORMAT=raw")
        folder = self.make(arch, arch, disk + settings)
        mesh.boot_image(os.path.join(folder, "disk.img"), "idle")
        if arch == "mipsel":
            with open(f"{UBOOT}/maltael/u-boot.bin", "rb") as file:
                firmware = tiny_guests.swapped(file.read())
            with open(os.path.join(folder, "firmware"), "wb") as file:
                file.write(firmware)

    def make_tiny(self, label, arch, machine, settings, guest):
        kernel = ('KERNELIMAGE="$CTYSWRAPPERPATH/kernel"', f"MACHINE={machine}")
        folder = self.make(label, arch, kernel + settings)
        with open(os.path.join(folder, "kernel"), "wb") as file:
            file.write(guest(LINE))

    def await_text(self, label, text):
        row = self.mesh.wait_row(label, state="running")
        serial = os.path.join(os.path.dirname(row["sport"]), "serial.log")
        deadline = mesh.Deadline(mesh.PATIENCE_S)
        printed = b""
        while text not in printed:
            self.assertFalse(deadline.over(), f"{label} printed {printed[-300:]!r}, not {text!r}")
            select.select([], [], [], 0.02)  # a file is all that a serial port leaves
            if os.path.exists(serial):
                with open(serial, "rb") as file:
                    printed = file.read()
        return row

    def test_a_vm_of_every_architecture_prints(self):
        wanted = {}
        for arch, (settings, text) in FIRMWARE.items():
            self.make_with_firmware(arch, settings)
            wanted[arch] = text
        for label, (arch, machine, settings, guest) in TINY.items():
            self.make_tiny(label, arch, machine, settings, guest)
            wanted[label] = LINE.strip()
        missing = sorted({
            program
            for arch in [*FIRMWARE, *(row[0] for row in TINY.values())]
            if not shutil.which(program := f"qemu-system-{arch}")
        })
        self.assertEqual(missing, [], "deploy/packages-test.txt names their packages")
        self.start_mesh()
        for label in wanted:
            self.mesh.wait_row(label)
        for label, text in wanted.items():
            outcome = self.mesh.ctys("start", label)
            self.assertEqual(outcome.status, 0, f"start {label}: {outcome.out}{outcome.err}")
            row = self.await_text(label, text)
            # They end by their power: few of them have a button, and none of these guests hears one.
            outcome = self.mesh.ctys("kill", row["label"])
            self.assertEqual(outcome.status, 0, f"kill {label}: {outcome.out}{outcome.err}")


if __name__ == "__main__":
    mesh.main()
