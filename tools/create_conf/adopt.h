#pragma once

#include "mesh/qemu/configuration.h"
#include "tools/create_conf/configuration_text.h"

namespace ctys::conf {

/// What is taken over from a configuration of the original.
struct Adoption {
    Values given; ///< by the names of the table, origin Adopted
    Remainder remainder;
    std::vector<std::string> notes; ///< sentences for the person who asked

    bool operator==(const Adoption&) const = default;
};

/// Reads an edited configuration of the original (or its wrapper, which may hold settings as well)
/// and executes none of it. `path` is absolute; images beside it stay beside the new one. Options
/// that QEMU has lost are translated, further disks become options, ${NAME:-default} becomes its
/// default; what only bash can tell is named in a note. `here` is the new directory: from another
/// one, paths become absolute. Errors: Malformed, Unsupported for VMs of another type.
[[nodiscard]] Result<Adoption>
adopt_configuration(std::string_view text, const std::string& path, const std::string& here);

} // namespace ctys::conf
