#pragma once

#include "mesh/core/id.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ctys::agent {

constexpr std::string_view marker_name = ".ctys-pool";
constexpr std::string_view probe_directory = ".ctys-probe";
constexpr std::size_t max_marker_bytes = 4096;

/// Content of a marker file. The inode is that of the marker itself when it was written: a copied
/// pool carries the inode of its original.
struct MarkerText {
    PoolId id;
    std::uint64_t inode = 0; ///< 0 where it is not known

    bool operator==(const MarkerText&) const = default;
};
[[nodiscard]] std::string to_text(const MarkerText& marker);
/// Unknown lines are ignored, so that later versions may add some. Errors: Malformed.
[[nodiscard]] Result<MarkerText> parse_marker(std::string_view text);

/// A marker as it was found: what tells a copy from a second path to one storage.
struct MarkerFacts {
    PoolId id;
    std::uint64_t written_inode = 0;
    std::uint64_t inode = 0;
    std::int64_t born_us = 0;    ///< btime; 0 where the file system keeps none
    std::int64_t changed_us = 0; ///< ctime
    std::uint64_t fsid = 0;      ///< statfs f_fsid; 0 on NFS: says nothing

    bool operator==(const MarkerFacts&) const = default;
};

/// Why a marker cannot be the one that was written into this pool; nothing where it may be.
[[nodiscard]] std::optional<std::string> copied_reason(const MarkerFacts& marker,
                                                       std::string_view filesystem);

/// Two markers with one id that cannot be one file: one of the pools is a copy of the other.
[[nodiscard]] bool contradict(const MarkerFacts& a, const MarkerFacts& b);

} // namespace ctys::agent
