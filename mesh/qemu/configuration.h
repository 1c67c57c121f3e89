#pragma once

#include "mesh/core/error.h"
#include "mesh/core/vm.h"
#include "mesh/qemu/further_text.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::qemu {

/// Something in a configuration that a person should look at.
struct Warning {
    std::uint32_t line = 0; ///< 1-based; 0 for the file as a whole
    std::string text;

    bool operator==(const Warning&) const = default;
};

/// What a configuration says, without executing any of it.
struct Configuration {
    /// No id yet: the identity also depends on the storage. `settings` holds the `#@#` keys in
    /// order, then the shell's constant assignments in order, then keys of further files that are
    /// neither.
    VmRecord vm;
    bool uuid_usable = false; ///< vm.id is the configuration's UUID
    std::string vmstate;      ///< VMSTATE, upper case; empty when not given
    std::string wrapper;      ///< where the wrapper belongs: beside the file, same prefix, ".sh"
    bool is_qemu = false;     ///< MAGICID-QEMU: a VM of this type
    bool ignored = false;     ///< MAGICID-IGNORE: to be skipped altogether
    bool not_listed = false;  ///< MAGICID-NOENUM: another variant of the VM is its master
    std::size_t keys = 0;     ///< so many of the settings are keys, the others constants
    std::vector<Setting> dynamic; ///< assignments only bash can evaluate, their text as written
    std::vector<Warning> warnings;

    bool operator==(const Configuration&) const = default;
};

constexpr std::size_t max_configuration_bytes = std::size_t{1024} * 1024;
constexpr std::size_t max_configuration_line = std::size_t{16} * 1024;

/// Reads `<label>.ctys` or `<label>.conf` at the absolute path `path` (CTYS-REFERENCE 4.1):
/// `#@#KEY = "value"` lines, first occurrence wins, and bash assignments of constants, the last one
/// wins. In those, $CTYSWRAPPERPATH is the file's directory and $LABEL and earlier
/// constants are put in; ${NAME:-constant} is the constant unless NAME is known. Everything else,
/// and what stands inside if, for, case or a function, is dynamic. Nothing is executed. Keys that
/// it does not have are taken from `further`, the first file that has one; assignments of a sourced
/// file count where it is sourced. What comes from there names its file. Errors: Malformed with the
/// line, for NUL bytes and for what exceeds the limits.
[[nodiscard]] Result<Configuration> read_configuration(std::string_view text,
                                                       std::string_view path,
                                                       std::span<const FurtherText> further = {});

/// A key of the scan and the shell's constant of the same name, which says something else (S-249).
struct DifferingPeers {
    Setting key;
    Setting variable;

    bool operator==(const DifferingPeers&) const = default;
};
[[nodiscard]] std::vector<DifferingPeers> differing_peers(const Configuration& configuration);

/// A key of the scan, else a shell constant of that name; empty when neither is there.
[[nodiscard]] std::string_view setting(const Configuration& configuration, std::string_view key);

} // namespace ctys::qemu
