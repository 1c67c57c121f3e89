#pragma once

#include "mesh/core/error.h"

#include <optional>
#include <string>
#include <string_view>

namespace ctys::qemu {

/// What a guest boots from, or is installed from or to (CTYS-REFERENCE 1.3, 1.5).
enum class Medium { Cd, Dvd, Fdd, Hdd, Vhdd, Usb, Pxe, Install };
/// As the original writes it, in upper case.
[[nodiscard]] std::string_view to_string(Medium medium);

/// BOOTMODE, the wrapper's --bootmode: `<mode>[%<path>]`.
struct BootMode {
    Medium medium = Medium::Hdd;
    std::string path; ///< empty: what the configuration names

    bool operator==(const BootMode&) const = default;
};

/// What is done to the target of an installation before the guest boots.
enum class Stage {
    Keep, ///< `default` or `none`: nothing, as after a reboot in the middle of an installation
    Init, ///< the storage is created, or emptied
    Custom
};

/// INSTMODE, the wrapper's --instmode: `<mode>%<path>%<target mode>%<target path>%<stage>`. What is
/// not given is what the configuration names.
struct InstallMode {
    std::optional<Medium> source; ///< CD, DVD, FDD, HDD, VHDD, USB or PXE
    std::string source_path;
    bool boot_image = false; ///< source path `none`: the image that BOOTMODE would boot (S-121)
    std::optional<Medium> target; ///< HDD, VHDD, USB or FDD
    std::string target_path;
    Stage stage = Stage::Keep;
    std::string custom; ///< the word of Stage::Custom, as it was typed

    bool operator==(const InstallMode&) const = default;
};

/// KERNEL, the wrapper's --kernelmode: `<kernel>%<initrd>%<append>`; empty: as configured.
struct KernelMode {
    std::string kernel;
    std::string initrd;
    std::string append;

    bool operator==(const KernelMode&) const = default;
};

constexpr std::size_t max_mode_bytes = 16 * 1024;

/// Words are free in their case; `default` stands for a part that the configuration names; `%%` and
/// `\%` are a `%` inside of a part (CTYS-REFERENCE 3.1), so that an empty part cannot be written in
/// the middle. A file of such a name is written `./default`.
/// Errors: Usage, naming the part, its column (1-based) and what would be accepted, for unknown
/// words with the nearest known one; also for control characters and for more than max_mode_bytes.
[[nodiscard]] Result<BootMode> parse_boot_mode(std::string_view text);

/// An empty text and parts left out at the end are `default`: nothing is emptied by leaving out.
[[nodiscard]] Result<InstallMode> parse_install_mode(std::string_view text);

/// From the third part on a `%` is a space: `append` is the rest of the line.
[[nodiscard]] Result<KernelMode> parse_kernel_mode(std::string_view text);

} // namespace ctys::qemu
