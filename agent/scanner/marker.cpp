#include "agent/scanner/marker.h"

#include "agent/scanner/mountinfo.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <charconv>

namespace ctys::agent {

namespace {

constexpr std::string_view first_line = "# ctys pool marker 1: written once, never to be copied";

} // namespace

std::string to_text(const MarkerText& marker) {
    return fmt::format("{}\nid={}\ninode={}\n", first_line, marker.id, marker.inode);
}

Result<MarkerText> parse_marker(std::string_view text) {
    if (text.size() > max_marker_bytes) {
        return fail(ErrorCode::Malformed, "the pool marker is larger than 4 KiB");
    }
    MarkerText marker;
    for (const auto line : split(text, '\n')) {
        if (line.starts_with("id=")) {
            auto id = PoolId::parse(trim(line.substr(3)));
            if (!id) return wrap("pool marker", std::move(id.error()));
            marker.id = *id;
        }
        if (line.starts_with("inode=")) {
            const auto digits = trim(line.substr(6));
            std::from_chars(digits.data(), digits.data() + digits.size(), marker.inode);
        }
    }
    if (!marker.id.uuid.identifies()) {
        return fail(ErrorCode::Malformed, "the pool marker holds no usable id");
    }
    return marker;
}

std::optional<std::string> copied_reason(const MarkerFacts& marker, std::string_view filesystem) {
    if (marker.written_inode == 0 || marker.written_inode == marker.inode) return std::nullopt;
    if (!keeps_inodes(filesystem)) return std::nullopt;
    return fmt::format(
        "its marker was copied: written as inode {}, found as {}; remove {} where the copy is",
        marker.written_inode,
        marker.inode,
        marker_name);
}

bool contradict(const MarkerFacts& a, const MarkerFacts& b) {
    if (a.id != b.id) return false;
    // Birth times agree on every path to one file where both are known; inodes do except through
    // forwarding file systems, which is why a differing inode alone proves nothing there.
    if (a.born_us != 0 && b.born_us != 0 && a.born_us != b.born_us) return true;
    return a.fsid != 0 && a.fsid == b.fsid && a.inode != b.inode;
}

} // namespace ctys::agent
