#include "agent/scanner/mountinfo.h"

#include "mesh/core/text.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace ctys::agent {

namespace {

bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

std::string unescape(std::string_view field) {
    std::string out;
    out.reserve(field.size());
    for (std::size_t i = 0; i < field.size(); ++i) {
        if (field[i] == '\\' && i + 3 < field.size() && is_octal(field[i + 1]) &&
            is_octal(field[i + 2]) && is_octal(field[i + 3])) {
            const int value =
                (field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 + (field[i + 3] - '0');
            out += static_cast<char>(value);
            i += 3;
            continue;
        }
        out += field[i];
    }
    return out;
}

bool has_option(std::string_view options, std::string_view wanted) {
    const auto words = split(options, ',');
    return std::find(words.begin(), words.end(), wanted) != words.end();
}

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue": the number of
// optional fields before the single hyphen varies.
std::optional<Mount> parse_line(std::string_view line) {
    const auto fields = split(line, ' ');
    if (fields.size() < 9) return std::nullopt;
    const auto hyphen = std::find(fields.begin() + 6, fields.end(), "-");
    if (fields.end() - hyphen < 3) return std::nullopt;
    Mount mount;
    const auto [end, failed] =
        std::from_chars(fields[0].data(), fields[0].data() + fields[0].size(), mount.id);
    if (failed != std::errc{} || end != fields[0].data() + fields[0].size()) return std::nullopt;
    mount.root = unescape(fields[3]);
    mount.point = unescape(fields[4]);
    mount.filesystem = unescape(*(hyphen + 1));
    mount.source = unescape(*(hyphen + 2));
    if (fields.end() - hyphen > 3) mount.super_options = unescape(*(hyphen + 3));
    mount.read_only = has_option(fields[5], "ro") || has_option(mount.super_options, "ro");
    return mount;
}

} // namespace

std::vector<Mount> parse_mountinfo(std::string_view text) {
    std::vector<Mount> mounts;
    while (!text.empty() && mounts.size() < max_mounts) {
        const auto end = std::min(text.find('\n'), text.size());
        if (auto mount = parse_line(text.substr(0, end))) mounts.push_back(std::move(*mount));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return mounts;
}

bool is_within(std::string_view directory, std::string_view path) {
    while (!directory.empty() && directory.back() == '/') {
        directory.remove_suffix(1);
    }
    if (directory.empty()) return true;
    if (!path.starts_with(directory)) return false;
    return path.size() == directory.size() || path[directory.size()] == '/';
}

std::optional<Mount> find_mount(const std::vector<Mount>& mounts, std::string_view path) {
    const Mount* best = nullptr;
    for (const auto& mount : mounts) {
        if (!is_within(mount.point, path)) continue;
        if (best == nullptr || mount.point.size() >= best->point.size()) best = &mount;
    }
    if (best == nullptr) return std::nullopt;
    return *best;
}

std::optional<Mount> find_mount_by_id(const std::vector<Mount>& mounts, std::uint64_t id) {
    const auto at = std::find_if(
        mounts.begin(), mounts.end(), [&](const Mount& mount) { return mount.id == id; });
    if (at == mounts.end()) return std::nullopt;
    return *at;
}

bool is_network_filesystem(std::string_view type) {
    // virtiofs and vboxsf come from the carrier, 9p from there or from elsewhere: none reports the
    // changes of the other side.
    static constexpr std::array<std::string_view, 24> network = {
        "nfs",        "nfs3",      "nfs4",        "cifs",         "smb3",        "smbfs",
        "9p",         "virtiofs",  "vboxsf",      "ceph",         "glusterfs",   "fuse.glusterfs",
        "lustre",     "beegfs",    "afs",         "ocfs2",        "gfs2",        "gpfs",
        "fuse.sshfs", "fuse.ceph", "fuse.cephfs", "fuse.moosefs", "fuse.rclone", "fuse.s3fs",
    };
    return std::find(network.begin(), network.end(), type) != network.end();
}

bool is_automount(std::string_view type) {
    return type == "autofs";
}

bool keeps_inodes(std::string_view type) {
    static constexpr std::array<std::string_view, 8> steady = {
        "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "tmpfs"};
    return std::find(steady.begin(), steady.end(), type) != steady.end();
}

} // namespace ctys::agent
