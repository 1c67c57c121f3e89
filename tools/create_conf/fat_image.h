#pragma once

#include "mesh/core/error.h"

#include <string>
#include <string_view>
#include <vector>

namespace ctys::conf {

struct FatFile {
    std::string name; ///< 1 to 13 characters of ASCII
    std::string bytes;
};

/// A floppy of 1.44 MB with these files in its root, as a file system that every installer reads
/// (FAT12 with long names). Pure: the same input gives the same bytes. Errors: Usage where they do
/// not fit, or a name does not.
[[nodiscard]] Result<std::string> fat_image(std::string_view label,
                                            const std::vector<FatFile>& files);

constexpr std::size_t fat_image_bytes = 2880 * 512;

} // namespace ctys::conf
