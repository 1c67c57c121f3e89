#pragma once

#include "mesh/core/vm.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ctys::qemu {

/// A monitor that a command line asks for.
struct Monitor {
    enum class Kind { Qmp, Hmp };

    Kind kind = Kind::Qmp;
    std::string chardev; ///< id of its -chardev; empty for -qmp unix:... and the like
    std::string path;    ///< unix socket, as typed; empty for other backends
    std::string backend; ///< "unix", "tcp", "stdio", "pty", "fd", ...
    bool server = false; ///< QEMU listens there; otherwise it dials (a socket) or owns it (stdio)

    bool operator==(const Monitor&) const = default;
};

/// What a QEMU command line says. It is what somebody typed, not the truth: files read with
/// -readconfig and devices plugged later are not in it (`hidden`). Texts are bytes as given, not
/// checked for UTF-8. A fact that is not said is empty, zero or nothing.
struct QemuCommandLine {
    std::string program;      ///< argv[0]
    std::string name;         ///< -name guest=
    std::string process;      ///< -name process=
    std::optional<Uuid> uuid; ///< -uuid, else -smbios type=1,uuid=
    std::string image; ///< boot image: the last argument if it is one (S-137), else first disk
    std::vector<std::string> images; ///< files of all drives, in order of appearance
    std::vector<std::string> macs;   ///< lower case, colons
    std::uint64_t memory_mb = 0;
    std::uint32_t vcpus = 0;
    std::string accel;   ///< as typed: "kvm", "tcg", "kvm:tcg"
    std::string machine; ///< "q35"
    std::string cpu;
    std::string kernel;
    std::string initrd;
    std::string append;
    std::vector<Monitor> monitors;
    std::string console; ///< unix socket of the first serial port
    bool console_monitor =
        false;           ///< that socket carries an HMP monitor too (mon:, or a shared mux)
    std::string display; ///< -display, or "none" by -nographic
    std::string vnc;     ///< ":7", "unix:/path", as in -vnc
    std::string pidfile;
    std::string incoming;
    std::string id; ///< -id: Proxmox' VM number
    bool daemonize = false;
    bool paused = false; ///< -S
    bool snapshot = false;
    bool only_asks = false; ///< --version, -device help and the like: QEMU prints and ends, no VM
    bool hidden = false;    ///< -readconfig: the command line hides facts
    bool truncated = false; ///< beyond the bounds of parse(); the facts are of its beginning
    std::vector<std::string> unknown; ///< options QEMU 7.2 does not have, with their dash

    bool operator==(const QemuCommandLine&) const = default;
};

/// Reads a command line as QEMU 7.2 does, and the options of older ones that configurations still
/// carry. Accepts any bytes; looks at no more than 4,096 arguments, 64 KiB of each, and keeps at
/// most 256 monitors, images and addresses. An unknown option is taken to have a value if the next
/// argument does not start with '-' and is not the last one, which by S-137 is the boot image.
[[nodiscard]] QemuCommandLine parse(std::span<const std::string> argv);

/// Who started it, as far as the command line tells (FIELD-GUIDE 5.3): a guess, never a permission.
/// Unknown for an empty command line.
[[nodiscard]] Owner guess_owner(std::span<const std::string> argv);

/// Directory of one of our instances, from the monitor that assemble() gives it; else empty.
[[nodiscard]] std::string instance_directory(const QemuCommandLine& line);

/// "x86_64" of ".../qemu-system-x86_64", also with " (deleted)" behind it; else empty.
[[nodiscard]] std::string_view arch_of_program(std::string_view program);

/// TCP port of a VNC display as -vnc names it: 5907 of ":7" or "127.0.0.1:7"; 0 where it has none
/// (a unix socket, nothing at all, a number beyond the ports).
[[nodiscard]] std::uint32_t vnc_port(std::string_view display);

} // namespace ctys::qemu
