#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ctys::conf {

/// What QEMU 7.2 needs to be told for one word of ARCH: the original took architectures and
/// models of CPUs alike (S-298). Empty: QEMU's, or assemble()'s, own.
struct Board {
    std::string_view arch; ///< as in qemu-system-<arch>
    std::string_view cpu;
    std::string_view machine;
    std::string_view image_interface; ///< where `ide` or `virtio` of its kind would not do
    std::string_view nic;             ///< "board": the card that is part of the machine
    std::string_view console;         ///< of Linux, for its first serial port
    bool boots_kernel = false;        ///< has no firmware to boot a disk by itself
};

/// Whatever the case. Nothing for a word that names neither an architecture nor a known CPU.
[[nodiscard]] std::optional<Board> board_of(std::string_view arch);
/// The known word that was likely meant; empty where there is none.
[[nodiscard]] std::string_view near_arch(std::string_view arch);
/// "arm" of "/opt/qemu/bin/qemu-system-arm"; empty for other names.
[[nodiscard]] std::string_view arch_of_starter(std::string_view path);

} // namespace ctys::conf
