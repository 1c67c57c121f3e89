#pragma once

#include "mesh/core/query.h"

#include <string>
#include <string_view>
#include <vector>

namespace ctys::tools {

/// One setting of a VM as people ask for it, and where its value comes from.
struct SettingLine {
    std::string name;   ///< "memory", "cpus", "arch", "accelerator", "display", "mac"
    std::string value;  ///< "512 MB"
    std::string origin; ///< "line 8", "lab.conf, line 3", "default", "command line"

    bool operator==(const SettingLine&) const = default;
};

/// The settings everybody asks for first. What the configuration does not name as a constant has
/// the default of a start, of a VM known from its process only what its command line says.
[[nodiscard]] std::vector<SettingLine> setting_lines(const VmDetail& detail);

/// An image a configuration names, or the one a running process boots from.
struct DiskLine {
    std::string key;  ///< "HDDBOOTIMAGE", or "image" of a process
    std::string file; ///< as the scan read it
    std::string note; ///< "raw, snapshot: writes are thrown away, line 9"

    bool operator==(const DiskLine&) const = default;
};
/// Sizes are not told: the tool touches no image, whose mount may hang.
[[nodiscard]] std::vector<DiskLine> disk_lines(const VmDetail& detail);

} // namespace ctys::tools
