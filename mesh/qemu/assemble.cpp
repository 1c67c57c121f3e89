#include "mesh/qemu/assemble.h"

#include "mesh/core/text.h"
#include "mesh/qemu/option_text.h"
#include "mesh/qemu/vde.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ctys::qemu {

namespace {

constexpr std::uint64_t max_memory_mb = std::uint64_t{16} * 1024 * 1024;
constexpr std::uint32_t max_vcpus = 1024;

// qapi/char.json of QEMU: reconnect is deprecated since then.
constexpr QemuVersion reconnect_ms_since{9, 2};
// Before, -bios none was the default of these boards: nothing ran before the kernel.
constexpr QemuVersion riscv_firmware_since{5, 1};

bool is_absolute(std::string_view path) {
    return path.starts_with('/') && path.find('\0') == std::string_view::npos;
}

Status check_path(std::string_view what, const std::string& path) {
    if (path.empty() || is_absolute(path)) return {};
    return fail(ErrorCode::Usage,
                fmt::format("{} must be an absolute path, not {}", what, printable(path)));
}

Status check_word(std::string_view what, std::string_view word) {
    const bool fine = std::all_of(word.begin(), word.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{"-_.+:="}.find(c) != std::string_view::npos;
    });
    if (fine) return {};
    return fail(ErrorCode::Usage, fmt::format("{} is not one word: {}", what, printable(word)));
}

Status check_disk(const Disk& disk) {
    if (auto fine = check_path("a disk image", disk.file); !fine) return fine;
    if (disk.file.empty()) return fail(ErrorCode::Usage, "a disk has no image");
    if (disk.format.empty()) return fail(ErrorCode::Usage, "a disk image has no format");
    if (auto fine = check_word("an image format", disk.format); !fine) return fine;
    return check_word("a disk interface", disk.interface);
}

Status check_numbers(const VmPlan& plan) {
    if (plan.memory_mb < 1 || plan.memory_mb > max_memory_mb) {
        return fail(
            ErrorCode::Usage,
            fmt::format("memory of {} MB is not between 1 and {}", plan.memory_mb, max_memory_mb));
    }
    if (plan.vcpus < 1 || plan.vcpus > max_vcpus) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} CPUs are not between 1 and {}", plan.vcpus, max_vcpus));
    }
    return {};
}

Status check_sockets(const VmPlan& plan) {
    const auto& directory = plan.instance_directory;
    if (!is_absolute(directory)) {
        return fail(ErrorCode::Usage, "the instance directory must be an absolute path");
    }
    if (directory.find('%') != std::string::npos) {
        return fail(ErrorCode::Usage,
                    "QEMU gives '%' in the name of its log a meaning; the "
                    "instance directory must not contain one");
    }
    const auto files = instance_files(directory);
    for (const auto& path :
         {files.qmp, files.serial, files.console, files.vnc, files.guest_agent}) {
        if (path.size() <= max_socket_path) continue;
        return fail(ErrorCode::Usage,
                    fmt::format("the socket path {} has {} bytes, a unix socket takes {}",
                                printable(path),
                                path.size(),
                                max_socket_path));
    }
    return {};
}

Status check_words(const VmPlan& plan) {
    if (!is_label(plan.label)) {
        return fail(ErrorCode::Usage, fmt::format("not a label: {}", printable(plan.label)));
    }
    if (plan.binary.empty()) return fail(ErrorCode::Usage, "no QEMU binary is given");
    if (auto fine = check_word("the machine", plan.machine); !fine) return fine;
    if (auto fine = check_word("the network card", plan.nic_model); !fine) return fine;
    if (auto fine = check_word("the saved state", plan.load_state); !fine) return fine;
    if (auto fine = check_word("the graphics card", plan.vga); !fine) return fine;
    if (auto fine = check_word("the keyboard layout", plan.keyboard); !fine) return fine;
    if (!plan.mac0.empty() && !parse_mac(plan.mac0)) {
        return fail(ErrorCode::Usage, fmt::format("not a MAC address: {}", printable(plan.mac0)));
    }
    if (plan.kernel.empty() && !(plan.initrd.empty() && plan.append.empty())) {
        return fail(ErrorCode::Usage, "an initial RAM disk or kernel arguments need a kernel");
    }
    return {};
}

Status check_network(const VmPlan& plan) {
    if (!plan.vde_switch.empty()) {
        if (plan.user_network) return fail(ErrorCode::Usage, "there is one network: user or vde");
        if (auto fine = check_vde_data(plan.vde_switch); !fine) return fine;
    }
    if (!plan.network_options.empty() && !plan.user_network)
        return fail(ErrorCode::Usage, "options of the user network need that network");
    if (plan.tftp_boot_file.empty()) return {};
    if (!plan.user_network)
        return fail(ErrorCode::Usage, "a file to boot by TFTP needs the user network");
    if (plan.tftp_boot_file.ends_with('/')) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} is a folder; TFTP needs the file that is booted",
                                printable(plan.tftp_boot_file)));
    }
    if (plan.tftp_boot_file.rfind('/') == 0) {
        return fail(ErrorCode::Usage,
                    fmt::format("TFTP serves the folder of {}: every file of this machine",
                                printable(plan.tftp_boot_file)));
    }
    return check_path("the file to boot by TFTP", plan.tftp_boot_file);
}

Status check_boot(const VmPlan& plan) {
    if (plan.floppies.size() > 2) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} floppies; there are two drives", plan.floppies.size()));
    }
    if (!plan.floppies.empty() && !is_x86(plan.arch)) {
        return fail(
            ErrorCode::Usage,
            fmt::format("there are floppy drives on x86 only, not on {}", printable(plan.arch)));
    }
    for (const auto& floppy : plan.floppies) {
        if (floppy.file.empty()) return fail(ErrorCode::Usage, "a floppy has no image");
        if (auto fine = check_path("a floppy image", floppy.file); !fine) return fine;
    }
    if (plan.boot_order.find_first_not_of("acdn") != std::string::npos) {
        return fail(ErrorCode::Usage,
                    fmt::format("the boot order {} has other letters than a (floppy), c (disk), "
                                "d (CD) and n (network)",
                                printable(plan.boot_order)));
    }
    return check_network(plan);
}

Status check(const VmPlan& plan) {
    if (auto fine = check_words(plan); !fine) return fine;
    if (auto fine = check_numbers(plan); !fine) return fine;
    if (auto fine = check_sockets(plan); !fine) return fine;
    if (auto fine = check_path("the CD image", plan.cdrom); !fine) return fine;
    if (auto fine = check_boot(plan); !fine) return fine;
    if (auto fine = check_path("the boot ROM", plan.boot_rom); !fine) return fine;
    if (auto fine = check_guest_agent(plan); !fine) return fine;
    if (auto fine = check_path("the kernel", plan.kernel); !fine) return fine;
    if (auto fine = check_path("the initial RAM disk", plan.initrd); !fine) return fine;
    for (const auto& disk : plan.more_disks) {
        if (auto fine = check_disk(disk); !fine) return fine;
    }
    return plan.boot ? check_disk(*plan.boot) : Status{};
}

// Adds options in the order in which a person reads a command line: who, what, how, disks last.
class Assembler {
public:
    explicit Assembler(const VmPlan& plan)
        : plan_(plan), files_(instance_files(plan.instance_directory)) {}

    std::vector<std::string> run() {
        argv_ = {plan_.binary, "-nodefaults", "-no-user-config", "-display", plan_.display};
        identity();
        machine();
        screen();
        monitors();
        network();
        firmware();
        if (!plan_.boot_rom.empty()) add("-option-rom", plan_.boot_rom);
        guest_agent();
        kernel();
        for (const auto& floppy : plan_.floppies) {
            drive({.file = floppy.file, .interface = "floppy"}, floppy.read_only);
        }
        for (const auto& disk : plan_.more_disks) {
            drive(disk, disk.source);
        }
        if (!plan_.cdrom.empty()) {
            add("-drive", "media=cdrom,readonly=on,format=raw,file=" + escape_commas(plan_.cdrom));
        }
        if (plan_.snapshot) argv_.emplace_back("-snapshot");
        if (plan_.paused) argv_.emplace_back("-S");
        if (!plan_.load_state.empty()) add("-loadvm", plan_.load_state);
        argv_.insert(argv_.end(), plan_.extra.begin(), plan_.extra.end());
        // Of two -boot the last one holds: what a call asks for goes before the configuration.
        if (!plan_.boot_order.empty()) add("-boot", "order=" + plan_.boot_order);
        if (plan_.boot) drive(*plan_.boot, plan_.boot->source);
        return std::move(argv_);
    }

private:
    void add(std::string option, std::string value) {
        argv_.push_back(std::move(option));
        argv_.push_back(std::move(value));
    }

    void identity() {
        add("-name", fmt::format("guest={0},process=ctys-{0},debug-threads=on", plan_.label));
        if (!plan_.uuid.is_zero()) add("-uuid", plan_.uuid.to_string());
        add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    }

    void machine() {
        const auto& named = plan_.machine;
        add("-machine",
            fmt::format("{},accel={}{}",
                        named.empty() ? default_machine(plan_.arch) : std::string_view{named},
                        to_string(plan_.accelerator),
                        plan_.firmware_on_serial && is_x86(plan_.arch) ? ",graphics=off" : ""));
        if (!plan_.cpu.empty()) add("-cpu", plan_.cpu);
        add("-m", fmt::to_string(plan_.memory_mb));
        add("-smp", fmt::to_string(plan_.vcpus));
    }

    void screen() {
        if (!plan_.vga.empty()) add("-vga", plan_.vga);
        if (!plan_.vnc) return;
        // On a socket only the account of the VM reaches it; over TCP everybody on this machine.
        add("-vnc",
            plan_.vnc_display ? fmt::format("127.0.0.1:{}", *plan_.vnc_display)
                              : "unix:" + escape_commas(files_.vnc));
        if (!plan_.keyboard.empty()) add("-k", plan_.keyboard);
    }

    void monitors() {
        // QEMU dials both sockets and redials each second, so neither the agent nor the shim need
        // to be there first, and either may restart.
        const std::string_view redial =
            plan_.version < reconnect_ms_since ? "reconnect=1" : "reconnect-ms=1000";
        add("-chardev",
            fmt::format("socket,id=ctysqmp,path={},{}", escape_commas(files_.qmp), redial));
        add("-mon", "chardev=ctysqmp,mode=control");
        add("-chardev",
            fmt::format("socket,id=ctysconsole,path={},{},mux=on,logfile={},logappend=on",
                        escape_commas(files_.serial),
                        redial,
                        escape_commas(files_.serial_log)));
        add("-serial", "chardev:ctysconsole");
        add("-mon", "chardev=ctysconsole,mode=readline");
        add("-trace", "qemu_system_shutdown_request");
        add("-D", files_.trace_log);
    }

    void network() {
        const auto& data = plan_.vde_switch;
        if (!plan_.user_network && data.empty()) return;
        auto model = plan_.nic_model;
        if (model.empty()) model = is_x86(plan_.arch) ? "e1000" : "virtio-net-pci";
        add("-netdev",
            data.empty() ? "user,id=net0" + options_of_user_network()
                         : "vde,id=net0,sock=" + escape_commas(data));
        if (model == "board") {
            // No -device makes it; it takes the first network it is offered.
            add("-net", "nic,netdev=net0" + (plan_.mac0.empty() ? "" : ",macaddr=" + plan_.mac0));
            return;
        }
        add("-device", model + ",netdev=net0" + (plan_.mac0.empty() ? "" : ",mac=" + plan_.mac0));
    }

    // By the names under which a qemu-ga looks for it.
    void guest_agent() {
        if (!plan_.guest_agent) return;
        add("-chardev",
            fmt::format("socket,id=ctysguest,path={},server=on,wait=off",
                        escape_commas(files_.guest_agent)));
        add("-device", "virtio-serial,id=ctysports");
        add("-device",
            "virtserialport,bus=ctysports.0,chardev=ctysguest,name=org.qemu.guest_agent.0");
    }

    std::string options_of_user_network() const {
        std::string options;
        for (const auto& option : plan_.network_options) {
            options += ',' + option;
        }
        const auto& file = plan_.tftp_boot_file;
        if (file.empty()) return options;
        const auto slash = file.rfind('/');
        return options + fmt::format(",tftp={},bootfile={}",
                                     escape_commas(file.substr(0, slash)),
                                     escape_commas(file.substr(slash + 1)));
    }

    // A -bios among the further words comes later and holds.
    void firmware() {
        const auto& board = plan_.machine;
        const bool has_default = board.empty() || board == "virt" || board == "sifive_u";
        if (plan_.version < riscv_firmware_since && plan_.arch.starts_with("riscv") && has_default)
            add("-bios", "default");
    }

    void kernel() {
        if (plan_.kernel.empty()) return;
        add("-kernel", plan_.kernel);
        if (!plan_.initrd.empty()) add("-initrd", plan_.initrd);
        if (!plan_.append.empty()) add("-append", plan_.append);
    }

    void drive(const Disk& disk, bool read_only) {
        read_only = read_only || plan_.read_only;
        auto interface = disk.interface.empty() ? default_interface(plan_.arch)
                                                : std::string_view{disk.interface};
        // ATA knows no read-only disk: QEMU would end with "Block node is read-only".
        if (read_only && disk.interface.empty() && interface == "ide") interface = "virtio";
        // The firmware looks at ATA disks before others, and boots one disk only.
        const bool first = disk.source && interface == "virtio";
        add("-drive",
            fmt::format("file={},format={},if={}{}{}",
                        escape_commas(disk.file),
                        disk.format,
                        first ? "none,id=ctyssource" : interface,
                        disk.index != 0 && interface == "ide" ? fmt::format(",index={}", disk.index)
                                                              : std::string{},
                        read_only ? ",readonly=on" : ""));
        if (first) add("-device", "virtio-blk,drive=ctyssource,bootindex=0");
    }

    const VmPlan& plan_;
    InstanceFiles files_;
    std::vector<std::string> argv_;
};

} // namespace

std::string_view to_string(Accelerator accelerator) {
    switch (accelerator) {
    case Accelerator::Tcg:
        return "tcg";
    case Accelerator::Kvm:
        return "kvm";
    }
    return "tcg";
}

bool is_x86(std::string_view arch) {
    return arch == "x86_64" || arch == "i386";
}

namespace {

/// Of architectures without a board called virt, or whose virt runs other CPUs: the board that QEMU
/// takes by itself, and where it takes none that boots a whole system, the one that does.
constexpr auto machines = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"alpha", "clipper"},
    {"m68k", "mcf5208evb"},
    {"mips", "malta"},
    {"mips64", "malta"},
    {"mips64el", "malta"},
    {"mipsel", "malta"},
    {"ppc", "g3beige"},
    {"ppc64", "pseries"},
    {"ppc64le", "pseries"},
    {"s390x", "s390-ccw-virtio"},
    {"sh4", "r2d"},
    {"sparc", "SS-5"},
    {"sparc64", "sun4u"},
});

} // namespace

std::string_view default_machine(std::string_view arch) {
    if (is_x86(arch)) return "q35";
    for (const auto& [name, machine] : machines) {
        if (name == arch) return machine;
    }
    return "virt";
}

Status check_guest_agent(const VmPlan& plan) {
    if (!plan.guest_agent) return {};
    const auto& arch = plan.arch;
    const auto machine =
        plan.machine.empty() ? default_machine(arch) : std::string_view{plan.machine};
    constexpr auto without_pci = std::to_array<std::string_view>({"isapc", "integratorcp"});
    // The first PCI bus of sun4u has its own devices only.
    const bool fits =
        arch == "m68k"
            ? machine.starts_with("virt")
            : arch != "sparc" && arch != "sparc64" &&
                  std::find(without_pci.begin(), without_pci.end(), machine) == without_pci.end();
    if (fits) return {};
    return fail(ErrorCode::Usage,
                fmt::format("the board {} takes no virtio device, and the channel to a guest "
                            "agent is one",
                            machine));
}

std::string_view default_interface(std::string_view arch) {
    // The first PCI bus of sun4u has its own devices only.
    if (is_x86(arch) || arch == "sparc64") return "ide";
    if (arch == "sparc") return "scsi";
    return "virtio";
}

InstanceFiles instance_files(const std::string& directory) {
    return {.qmp = directory + "/qmp.sock",
            .serial = directory + "/serial.sock",
            .console = directory + "/console.sock",
            .vnc = directory + "/vnc.sock",
            .guest_agent = directory + "/ga.sock",
            .serial_log = directory + "/serial.log",
            .trace_log = directory + "/trace.log",
            .stderr_log = directory + "/stderr.log",
            .facts = directory + "/instance",
            .exit = directory + "/exit"};
}

Result<std::vector<std::string>> assemble(const VmPlan& plan) {
    if (auto fine = check(plan); !fine) return tl::unexpected(fine.error());
    auto argv = Assembler{plan}.run();
    for (const auto& argument : argv) {
        if (argument.find('\0') == std::string::npos) continue;
        return fail(ErrorCode::Usage, "an argument contains a NUL byte: " + printable(argument));
    }
    return argv;
}

} // namespace ctys::qemu
