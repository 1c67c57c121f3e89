#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ctys::setup {

/// What decides where a qemu-system-* is looked for.
struct EmulatorPlaces {
    std::vector<std::string> given; ///< emulators.folders of agent.toml
    std::string path;               ///< PATH
    std::vector<std::string> opt;   ///< names in /opt

    bool operator==(const EmulatorPlaces&) const = default;
};

/// Folders in the order in which they are searched, each once: those given, PATH, /opt/qemu/bin,
/// /opt/qemu-X/bin, the newest X first, /usr/local/bin, /usr/bin, /usr/libexec, /usr/lib/qemu.
/// Relative ones are left out, and what is beyond 64. Pure.
[[nodiscard]] std::vector<std::string> emulator_folders(const EmulatorPlaces& places);

/// The same for this process, with its PATH and the /opt of this machine. Where nothing is given,
/// CTYS_EMULATORS_FOLDERS is.
[[nodiscard]] std::vector<std::string> emulator_folders(std::vector<std::string> given = {});

/// True for names of programs that emulate a machine: qemu-system-*, qemu-kvm.
[[nodiscard]] bool is_emulator_name(std::string_view name);

} // namespace ctys::setup
