#pragma once

#include "mesh/core/vm.h"
#include "tools/create_conf/settings.h"

namespace ctys::conf {

/// When and by what a configuration is made.
struct Stamp {
    std::string date;    ///< "20261130115012", UTC
    std::string version; ///< of ctys-mesh

    bool operator==(const Stamp&) const = default;
};

/// What an adopted configuration holds beyond the variables of the table.
struct Remainder {
    std::vector<Setting> keys; ///< `#@#` keys, as they were
    std::vector<std::string> notes;

    bool operator==(const Remainder&) const = default;
};

/// `<label>.ctys` (CTYS-REFERENCE 4.1): keys of the scan and bash assignments, which the wrapper
/// hands to ctys-qemu-call. Only an ACTIVE one is not marked as ignored.
[[nodiscard]] std::string render_configuration(const Settings& settings,
                                               const HostFacts& host,
                                               const Stamp& stamp,
                                               const Remainder& remainder = {});

/// A configuration that was there before: the same text, to be ignored by every scan.
[[nodiscard]] std::string ignored_configuration(std::string_view text);

/// A defaults file that gives these values again: all that a person chose, without what belongs to
/// one VM only.
[[nodiscard]] std::string render_defaults(const Settings& settings, const Stamp& stamp);

} // namespace ctys::conf
