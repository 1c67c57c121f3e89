#include "tools/create_conf/recipe.h"

#include "mesh/core/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace ctys::conf {

namespace {

constexpr unsigned any_release = std::numeric_limits<unsigned>::max();

struct Row {
    std::string_view names; ///< letters only, separated by spaces
    unsigned below;         ///< releases before this one; rows of one name go upwards
    Installer installer;
    std::string_view defaults; ///< NAME=value, separated by spaces
    std::string_view notes;    ///< separated by line ends
};

// Old guests know the PC of their time and its RTL8139, "which may work in almost any case" (seed
// 2); today's want virtio and more memory than their installers got then.
#define CTYS_OLD_PC "MACHINE=pc NIC=rtl8139 IMAGEINTERFACE=ide"
constexpr std::string_view red_hats =
    "centos scientific scientificlinux redhat rhel redhatenterpriselinux oracle oraclelinux alma "
    "almalinux rocky rockylinux";

constexpr auto rows = std::to_array<Row>({
    {red_hats,
     6,
     Installer::Kickstart,
     "OS=Linux " CTYS_OLD_PC,
     "CentOS 5.5 asks for its DVD again while it installs: in the monitor (Ctrl-A C of the "
     "console)\n"
     "  info block, then: change ide1-cd0 /path/of/the.iso"},
    {red_hats, 7, Installer::Kickstart, "OS=Linux MEMSIZE=1024 NIC=e1000", ""},
    {red_hats, 9, Installer::Kickstart, "OS=Linux MEMSIZE=2048 NIC=virtio", ""},
    {red_hats, any_release, Installer::Kickstart, "OS=Linux MEMSIZE=2048 NIC=virtio CPU=max", ""},
    {"fedora", 9, Installer::Kickstart, "OS=Linux DEFAULTINSTMODE=PXE " CTYS_OLD_PC, ""},
    {"fedora", 15, Installer::Kickstart, "OS=Linux MEMSIZE=1024 " CTYS_OLD_PC, ""},
    {"fedora", any_release, Installer::Kickstart, "OS=Linux MEMSIZE=2048 NIC=virtio CPU=max", ""},
    {"debian", 8, Installer::Preseed, "OS=Linux " CTYS_OLD_PC, ""},
    {"debian", any_release, Installer::Preseed, "OS=Linux MEMSIZE=1024 NIC=virtio", ""},
    {"ubuntu",
     18,
     Installer::Preseed,
     "OS=Linux " CTYS_OLD_PC,
     "There is no direct login as root: sudo"},
    {"ubuntu",
     any_release,
     Installer::Autoinstall,
     "OS=Linux MEMSIZE=2048 NIC=virtio",
     "There is no direct login as root: sudo"},
    {"opensuse suse sles", 12, Installer::None, "OS=Linux " CTYS_OLD_PC, ""},
    {"opensuse suse sles", any_release, Installer::None, "OS=Linux MEMSIZE=1024 NIC=virtio", ""},
    {"mandriva android meego", any_release, Installer::None, "OS=Linux " CTYS_OLD_PC, ""},
    {"openbsd",
     any_release,
     Installer::None,
     "OS=OpenBSD DEFAULTINSTMODE=PXE " CTYS_OLD_PC,
     "OpenBSD speaks on the serial console with these lines in its /etc/boot.conf:\n"
     "  set tty com0\n"
     "  stty com0 115200\n"
     "  set timeout 15\n"
     "  boot\n"
     "and lets people in there with this one in its /etc/ttys:\n"
     "  tty00 \"/usr/libexec/getty std.115200\" vt220 on secure"},
    {"netbsd", any_release, Installer::None, "OS=NetBSD " CTYS_OLD_PC, ""},
    {"freebsd",
     any_release,
     Installer::None,
     "OS=FreeBSD NIC=e1000 MACHINE=pc IMAGEINTERFACE=ide",
     ""},
    {"solaris opensolaris",
     any_release,
     Installer::None,
     "OS=SunOS MEMSIZE=1024 NIC=e1000 MACHINE=pc IMAGEINTERFACE=ide",
     ""},
    {"qnx qnxsdp", any_release, Installer::None, "OS=QNX " CTYS_OLD_PC, ""},
    {"freedos freedosbalder balder",
     any_release,
     Installer::None,
     "OS=FreeDOS MEMSIZE=64 DEFAULTINSTMODE=FDD HDDBOOTIMAGE_INST_SIZE=500M NIC=pcnet MACHINE=pc "
     "IMAGEINTERFACE=ide",
     "To put it on a USB stick: --instmode=FDD%none%USB%/dev/sdX%init, FDDIMAGE names the floppy"},
    {"qemuarmtest uclinuxarm uclinuxarmtest",
     any_release,
     Installer::None,
     "OS=ucLinux ARCH=arm926 MEMSIZE=128 INST_KERNEL=zImage.integrator INST_INITRD=arm_root.img",
     ""},
    {"qemucoldfiretest uclinuxcoldfire",
     any_release,
     Installer::None,
     "OS=ucLinux ARCH=ColdFire MEMSIZE=128 INST_KERNEL=vmlinux-2.6.21-uc0",
     ""},
});
#undef CTYS_OLD_PC

unsigned major_of(std::string_view release) {
    unsigned number = any_release - 1;
    std::from_chars(release.data(), release.data() + release.size(), number);
    return number;
}

} // namespace

std::string letters_of(std::string_view name) {
    std::string out;
    for (const char c : to_lower(name)) {
        if (c >= 'a' && c <= 'z') out += c;
    }
    return out;
}

Recipe recipe_of(std::string_view distribution, std::string_view release) {
    const auto name = letters_of(distribution);
    const auto major = major_of(release);
    for (const auto& row : rows) {
        const auto names = split(row.names, ' ');
        if (std::find(names.begin(), names.end(), name) == names.end() || major >= row.below)
            continue;
        Recipe out{.installer = row.installer, .ends_sections = true};
        if (row.installer == Installer::Kickstart)
            out.ends_sections = name == "fedora" ? major >= 9 : major >= 6;
        for (const auto word : split(row.defaults, ' ')) {
            const auto equals = word.find('=');
            out.defaults.emplace_back(word.substr(0, equals), word.substr(equals + 1));
        }
        if (!row.notes.empty()) out.notes = split(row.notes, '\n');
        return out;
    }
    return {};
}

} // namespace ctys::conf
