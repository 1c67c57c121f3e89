#pragma once

#include "mesh/core/error.h"
#include "mesh/core/uuid.h"
#include "mesh/qemu/qemu_version.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ctys::qemu {

enum class Accelerator { Tcg, Kvm };
[[nodiscard]] std::string_view to_string(Accelerator accelerator);

/// One disk of a VM.
struct Disk {
    std::string file;           ///< absolute path
    std::string format = "raw"; ///< never probed: a guest can write any header into a raw disk
    std::string interface;      ///< if= of -drive; empty: a default
    /// Nobody writes it: what a guest is installed from. The firmware tries it before other disks.
    bool source = false;
    std::uint32_t index = 0; ///< of an ATA disk behind the first one: 1 is hdb; 0: any

    bool operator==(const Disk&) const = default;
};

/// A raw image, or a device, in a floppy drive.
struct Floppy {
    std::string file; ///< absolute path
    bool read_only = false;

    bool operator==(const Floppy&) const = default;
};

/// Everything that decides the command line of one start; nothing else does.
struct VmPlan {
    std::string binary;                  ///< absolute path of qemu-system-*
    QemuVersion version = usual_version; ///< of that binary
    std::string label;
    Uuid uuid;        ///< zero: no -uuid
    std::string mac0; ///< lower case with colons; empty: QEMU's own
    std::uint64_t memory_mb = 128;
    std::uint32_t vcpus = 1;
    std::string arch = "x86_64";                ///< as in qemu-system-<arch>
    std::string machine;                        ///< empty: default_machine()
    std::string cpu;                            ///< empty: the machine's own
    Accelerator accelerator = Accelerator::Tcg; ///< resolved: no fallback is left to QEMU
    std::optional<Disk> boot;                   ///< comes last (S-137)
    std::vector<Disk> more_disks;
    std::string cdrom;
    std::vector<Floppy> floppies; ///< of the drives a: and b:
    std::string boot_order;       ///< letters of QEMU's -boot: a, c, d, n; empty: none is given
    std::string boot_rom;         ///< of the network card; empty: the one that QEMU has for it
    std::string kernel;
    std::string initrd;
    std::string append;
    bool user_network = false; ///< QEMU's own
    std::string vde_switch;    ///< folder of its VDE switch; empty: it is on none
    std::string nic_model; ///< empty: e1000 on x86, else virtio-net-pci; "board": the one that is
                           ///< part of the machine
    std::vector<std::string> network_options; ///< further `key=value` of the user network
    std::string tftp_boot_file;   ///< the user network serves it and its folder; empty: no TFTP
    std::string display = "none"; ///< as in -display
    std::string vga;              ///< as in -vga; empty: no card is made
    bool vnc = false;             ///< a VNC server
    std::optional<std::uint32_t> vnc_display; ///< of the loopback address; none: a socket
    std::string keyboard;                     ///< layout, as in -k: of VNC; empty: QEMU's own
    bool guest_agent = false;                 ///< a channel to an agent inside, as qemu-ga uses it
    bool firmware_on_serial = false; ///< where it can: a BIOS speaks on the serial port, too
    std::string instance_directory;  ///< absolute, 0700, its own for every start
    bool paused = false;             ///< -S: whoever started it sends `cont`
    std::string load_state;          ///< name of the snapshot it goes on from; empty: it boots
    bool snapshot = false;           ///< writes go to temporary files
    bool read_only = false;          ///< of all disks
    std::vector<std::string> extra;  ///< ARGSADD, before -boot and the boot image

    bool operator==(const VmPlan&) const = default;
};

/// Files of one instance directory; the names are part of the contract between shim and agent.
struct InstanceFiles {
    std::string qmp;     ///< the agent listens, QEMU dials
    std::string serial;  ///< the shim listens, QEMU dials: first serial port and HMP, multiplexed
    std::string console; ///< the shim listens, any number of clients
    std::string vnc;     ///< QEMU listens
    std::string guest_agent; ///< QEMU listens: to the agent inside, for one client at a time
    std::string serial_log;
    std::string trace_log;
    std::string stderr_log;
    std::string facts; ///< "instance", see instance_file.h
    std::string exit;  ///< "exit", see instance_file.h
};
[[nodiscard]] InstanceFiles instance_files(const std::string& directory);

/// A path of a unix socket has at most 107 bytes (sun_path without its NUL).
constexpr std::size_t max_socket_path = 107;

/// x86_64 and i386: the machines with floppy drives and a BIOS that boots from a network.
[[nodiscard]] bool is_x86(std::string_view arch);
[[nodiscard]] std::string_view default_machine(std::string_view arch);
[[nodiscard]] std::string_view default_interface(std::string_view arch);
/// Can a channel to a guest agent be made? It is a virtio device, which fits into no board without
/// PCI. Errors: Usage.
[[nodiscard]] Status check_guest_agent(const VmPlan& plan);

/// The complete argv, in words that a QEMU of the plan's version takes as they are meant, none of
/// them deprecated there. The boot image is the last argument as the value of -drive: the bare form
/// of the original would leave the format to be guessed, and a guessed raw image has a
/// write-protected first block. parse() understands both.
/// Errors: Usage for a label, path or number QEMU would refuse or misread.
[[nodiscard]] Result<std::vector<std::string>> assemble(const VmPlan& plan);

} // namespace ctys::qemu
