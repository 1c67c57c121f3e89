#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::qemu {

/// A file in the folder of a configuration that may complete it (CTYS-REFERENCE 4.1, S-077).
struct FurtherName {
    std::string name;     ///< without a folder
    bool sourced = false; ///< by the configuration: its assignments hold too, not its keys alone

    bool operator==(const FurtherName&) const = default;
};

/// Its text.
struct FurtherText {
    FurtherName file;
    std::string text;

    bool operator==(const FurtherText&) const = default;
};

constexpr std::size_t max_further_files = 8;
/// Of one such file; what is larger completes nothing.
constexpr std::size_t max_further_bytes = 24 * 1024;

/// Where keys are looked for that the configuration at `path` does not have, in this order: what it
/// sources by a literal name in its own folder (`. ./lab.conf`, `source
/// $CTYSWRAPPERPATH/lab.conf`), then NAME.vmx, NAME.conf and FOLDER.ctys. Each once, without the
/// configuration itself, at most max_further_files, of the first 32 lines that source one. What
/// these source in turn is not looked at. Pure.
[[nodiscard]] std::vector<FurtherName> further_names(std::string_view text, std::string_view path);

} // namespace ctys::qemu
