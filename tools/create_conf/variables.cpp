#include "tools/create_conf/variables.h"

#include "mesh/core/text.h"

#include <algorithm>
#include <array>

namespace ctys::conf {

namespace {

constexpr std::string_view states =
    "ACTIVE DISABLED BACKUP CUSTOM TEMPLATE TESTDUMMY EMPTY PRESENT IGNORE";
constexpr std::string_view boot_modes = "CD DVD FDD HDD VHDD USB PXE";
constexpr std::string_view consoles = "CLI0 CLI EMACS EMACSM EMACSA EMACSAM GTERM XTERM SDL VNC "
                                      "X11 NONE";

// Shorter than the words of the table would be.
constexpr Variable asked_for(std::string_view name, Kind kind, std::string_view what) {
    return {.name = name, .kind = kind, .what = what};
}
constexpr Variable quiet(std::string_view name, Kind kind, std::string_view what) {
    return {.name = name, .kind = kind, .what = what, .asked = false};
}
constexpr Variable with_default(Variable variable, std::string_view value) {
    variable.built_in = value;
    return variable;
}
constexpr Variable also_named(Variable variable, std::string_view names) {
    variable.other_names = names;
    return variable;
}
constexpr Variable depending(Variable variable) {
    variable.dependent = true;
    return variable;
}
constexpr Variable must_be_confirmed(Variable variable) {
    variable.mandatory = true;
    return variable;
}
constexpr Variable one_of(Variable variable, std::string_view choices) {
    variable.choices = choices;
    return variable;
}

constexpr auto all_of_them = std::to_array<Variable>({
    asked_for("EDITOR", Kind::Name, "who makes this configuration"),
    must_be_confirmed(
        asked_for("LABEL", Kind::Label, "name of the VM, and host name of its guest")),
    with_default(one_of(asked_for("VMSTATE", Kind::Choice, "ACTIVE, or what else it is"), states),
                 "ACTIVE"),
    asked_for("UUID", Kind::Uuid, "identity of the VM"),
    must_be_confirmed(
        depending(also_named(asked_for("MAC", Kind::Mac, "address of its first card"), "MAC0"))),
    must_be_confirmed(depending(
        also_named(asked_for("IP", Kind::Ip, "address of its guest; none: DHCP"), "IP0"))),
    asked_for("BRIDGE", Kind::Word, "bridge or switch it belongs to"),
    with_default(asked_for("DHCP", Kind::YesNo, "the guest gets its address by DHCP"), "y"),
    asked_for("NETMASK", Kind::Netmask, "netmask of a fixed address"),
    asked_for("GATEWAY", Kind::Ip, "gateway of a fixed address"),
    depending(asked_for("TCP", Kind::Word, "name or address that reaches the guest")),
    must_be_confirmed(asked_for("DIST", Kind::Name, "distribution of the guest")),
    must_be_confirmed(
        also_named(asked_for("DISTREL", Kind::Name, "release of the distribution"), "RELEASE")),
    must_be_confirmed(depending(asked_for("OS", Kind::Name, "operating system of the guest"))),
    must_be_confirmed(
        also_named(asked_for("OSREL", Kind::Name, "release of the operating system"), "OSVERSION")),
    depending(asked_for("STARTERCALL", Kind::Path, "QEMU's program")),
    asked_for("WRAPPERCALL", Kind::Word, "vde wrapper of old releases, for the record"),
    depending(asked_for("ARCH", Kind::Word, "architecture, or a CPU such as arm926")),
    one_of(asked_for("ACCELERATOR", Kind::Choice, "KVM, or QEMU's own emulation"), "KVM QEMU"),
    with_default(asked_for("SMP", Kind::Number, "number of CPUs"), "1"),
    with_default(asked_for("MEMSIZE", Kind::Size, "memory in MB"), "512"),
    // As in the original (CTYS-REFERENCE 4.1): its configurations, which leave it out, mean that.
    with_default(asked_for("KBD_LAYOUT", Kind::Word, "keyboard of console and installer"), "de"),
    with_default(one_of(asked_for("DEFAULTBOOTMODE", Kind::Choice, "what it boots"), boot_modes),
                 "HDD"),
    depending(one_of(
        also_named(asked_for("IMAGEFORMAT", Kind::Choice, "format of its disk image"), "QEMU_IMG"),
        "raw qcow2")),
    depending(also_named(asked_for("HDDBOOTIMAGE", Kind::Path, "its disk image"), "HDA BOOTIMAGE")),
    depending(asked_for("HDDBOOTIMAGE_INST_SIZE", Kind::Size, "size of a new disk image")),
    with_default(asked_for("HDDBOOTIMAGE_INST_BLOCKSIZE", Kind::Size, "the same, block by block"),
                 "256M"),
    with_default(asked_for("HDDBOOTIMAGE_INST_BLOCKCOUNT", Kind::Number, "number of those blocks"),
                 "32"),
    with_default(asked_for("HDDBOOTIMAGE_INST_BALLOON", Kind::YesNo, "a new image grows as needed"),
                 "y"),
    with_default(
        one_of(asked_for("DEFAULTINSTMODE", Kind::Choice, "what it is installed from"), boot_modes),
        "CD"),
    depending(asked_for("DEFAULTINSTSOURCE", Kind::Path, "file or device of that")),
    depending(asked_for("DEFAULTINSTTARGET", Kind::Path, "what it is installed to")),
    with_default(
        also_named(asked_for("INSTSRCCDROM", Kind::Path, "CD to install from"), "INSTCDROM"),
        "/dev/cdrom"),
    with_default(also_named(asked_for("INSTSRCDVD", Kind::Path, "DVD to install from"), "INSTDVD"),
                 "/dev/dvd"),
    with_default(asked_for("INSTSRCFDD", Kind::Path, "floppy to install from"), "/dev/fd0"),
    depending(asked_for("INSTSRCHDD", Kind::Path, "disk to install from")),
    with_default(asked_for("INSTSRCUSB", Kind::Path, "stick to install from"), "/dev/usb"),
    depending(asked_for("KICKSTART", Kind::Path, "answers for the installer; none: no such file")),
    asked_for("INST_KERNEL", Kind::Path, "kernel of the installer, or of a guest without a disk"),
    asked_for("INST_INITRD", Kind::Path, "its initial RAM disk"),
    asked_for("INST_EXTRA", Kind::Options, "its arguments"),
    asked_for("INST_ROOTARGS", Kind::Options, "its arguments for the root file system"),
    asked_for("BOOTLOADER", Kind::Path, "boot loader of paravirtual guests, for the record"),
    with_default(asked_for("DEFAULTHOSTS", Kind::Word, "sessions with the host, for the record"),
                 "VNC"),
    with_default(
        one_of(asked_for("DEFAULTCONSOLE", Kind::Choice, "console, for the record"), consoles),
        "VNC"),
    with_default(asked_for("DVDBOOTIMAGE_INST_SIZE", Kind::Size, "MB of a DVD, for the record"),
                 "4400"),
    with_default(asked_for("CDBOOTIMAGE_INST_SIZE", Kind::Size, "MB of a CD, for the record"),
                 "640"),
    with_default(asked_for("FDDBOOTIMAGE_INST_SIZE", Kind::Size, "kB of a floppy, for the record"),
                 "1440"),
    depending(quiet("CPU", Kind::Options, "model of the CPU; none: as ARCH has it")),
    depending(quiet("MACHINE", Kind::Word, "machine type of QEMU; none: that of ARCH")),
    one_of(quiet("ACCELFALLBACK", Kind::Choice, "emulation where KVM runs no guest; no: no start"),
           "yes no"),
    one_of(quiet("GUESTAGENT", Kind::Choice, "channel to a qemu-ga inside"), "yes no"),
    with_default(one_of(quiet("NETWORK", Kind::Choice, "network of the VM"), "user vde none"),
                 "user"),
    depending(also_named(quiet("NIC", Kind::Word, "model of its network card"), "NICMODEL")),
    depending(one_of(quiet("IMAGEINTERFACE", Kind::Choice, "how the disk is connected"),
                     "ide scsi sd mtd floppy pflash virtio none")),
    depending(also_named(quiet("VGADRIVER", Kind::Options, "graphics card, as QEMU's options"),
                         "VGA_DRIVER")),
    quiet("TIMEOPT", Kind::Options, "clock, as QEMU's options"),
    quiet("ARGSADD", Kind::Options, "further options of QEMU"),
    depending(quiet("KERNELIMAGE", Kind::Path, "kernel that QEMU boots")),
    depending(quiet("INITRDIMAGE", Kind::Path, "its initial RAM disk")),
    depending(quiet("APPEND", Kind::Options, "its arguments")),
    quiet("FDDIMAGE", Kind::Path, "image of the first floppy"),
    quiet("CATEGORY", Kind::Name, "kind of the VM, for the record"),
    with_default(quiet("GRACE", Kind::Name, "time a shutdown gives the guest"), "2m"),
    with_default(one_of(quiet("ONSTOP", Kind::Choice, "what happens when the host goes down"),
                        "shutdown suspend leave kill"),
                 "shutdown"),
    with_default(one_of(quiet("ONBOOT", Kind::Choice, "what happens when the host has come up"),
                        "start like-before no"),
                 "no"),
    quiet("STARTAFTER", Kind::Name, "VMs that are started before it"),
});

} // namespace

std::string_view to_string(Origin origin) {
    switch (origin) {
    case Origin::Answer:
        return "answer";
    case Origin::Call:
        return "call";
    case Origin::Environment:
        return "environment";
    case Origin::Adopted:
        return "adopted";
    case Origin::DefaultsFile:
        return "defaults file";
    case Origin::Distribution:
        return "distribution";
    case Origin::Addresses:
        return "address file";
    case Origin::Host:
        return "this machine";
    case Origin::Generated:
        return "made anew";
    case Origin::Dependent:
        return "dependent";
    case Origin::BuiltIn:
        return "default";
    }
    return "default";
}

std::span<const Variable> variables() {
    return all_of_them;
}

const Variable* find_variable(std::string_view name) {
    for (const auto& variable : all_of_them) {
        if (variable.name == name) return &variable;
        const auto others = split(variable.other_names, ' ');
        if (!name.empty() && std::find(others.begin(), others.end(), name) != others.end())
            return &variable;
    }
    return nullptr;
}

} // namespace ctys::conf
