#include "mesh/store/file_system.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/vfs.h>

namespace ctys::store {

namespace {

struct RemoteType {
    std::uint64_t type;
    std::string_view name;
};

// Numbers of statfs(2) and linux/magic.h; the newer ones are missing in the headers of Debian 12.
constexpr std::array remote_types = {
    RemoteType{0x6969, "NFS"},
    RemoteType{0x517B, "SMB"},
    RemoteType{0xFF534D42, "CIFS"},
    RemoteType{0xFE534D42, "SMB2"},
    RemoteType{0x01021997, "9p"},
    RemoteType{0x65735546, "FUSE"},
    RemoteType{0x5346414F, "AFS"},
    RemoteType{0x6B414653, "AFS"},
    RemoteType{0x00C36400, "Ceph"},
    RemoteType{0x73757245, "Coda"},
    RemoteType{0x564C, "NCP"},
    RemoteType{0x01161970, "GFS2"},
    RemoteType{0x7461636F, "OCFS2"},
    RemoteType{0x0BD00BD0, "Lustre"},
    RemoteType{0x19830326, "BeeGFS"},
    RemoteType{0x47504653, "GPFS"},
};

} // namespace

Status check_file_system_type(const std::string& path, std::uint64_t type) {
    // f_type is signed on some architectures: the upper half may be copies of the sign bit.
    const auto low = type & 0xFFFFFFFFU;
    for (const auto& remote : remote_types) {
        if (remote.type != low) continue;
        return fail(ErrorCode::Storage,
                    fmt::format("{} is on {}, where a store can lose records: choose a directory "
                                "on a local disk with --state-dir",
                                path,
                                remote.name));
    }
    return {};
}

Status check_file_system(const std::string& path) {
    struct statfs facts {};
    if (::statfs(path.c_str(), &facts) != 0) {
        return fail(ErrorCode::Storage, fmt::format("{}: {}", path, std::strerror(errno)));
    }
    return check_file_system_type(path, static_cast<std::uint64_t>(facts.f_type));
}

} // namespace ctys::store
