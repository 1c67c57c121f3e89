#include "tools/qemu_call/file_look.h"

#include "mesh/loop/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace ctys::call {

FileIdentity identity_of(const struct stat& status) {
    if (S_ISBLK(status.st_mode)) return {.device = status.st_rdev};
    return {.device = status.st_dev, .inode = status.st_ino};
}

std::optional<FileIdentity> identity_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return identity_of(status);
    if (::stat(folder_of(path).c_str(), &status) != 0) return std::nullopt;
    auto identity = identity_of(status);
    identity.name = path.substr(path.rfind('/') + 1);
    return identity;
}

namespace {

bool begins_with(const std::string& path, std::string_view mark) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return false;
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) return false;
    const loop::UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    std::string bytes(mark.size(), '\0');
    return file.is_open() &&
           ::read(file.value(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
           bytes == mark;
}

} // namespace

bool has_qcow2_header(const std::string& path) {
    return begins_with(path, "QFI\xfb");
}

bool is_half_made(const std::string& path) {
    return begins_with(path, half_made_mark);
}

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

std::string real_path(const std::string& path) {
    char* resolved = ::realpath(path.c_str(), nullptr);
    if (resolved == nullptr) return {};
    std::string out{resolved};
    std::free(resolved);
    return out;
}

std::optional<std::uint32_t> file_system_of(const std::string& path) {
    struct statfs status {};
    int failed = ::statfs(path.c_str(), &status);
    if (failed != 0 && errno == ENOENT) failed = ::statfs(folder_of(path).c_str(), &status);
    if (failed != 0) return std::nullopt;
    return static_cast<std::uint32_t>(status.f_type);
}

bool is_on_shared_storage(const std::string& path) {
    // NFS, SMB, CIFS, CEPH, OCFS2, GFS2, LUSTRE, AFS, 9P.
    constexpr auto shared = std::to_array<std::uint32_t>({0x6969,
                                                          0xfe534d42,
                                                          0xff534d42,
                                                          0x00c36400,
                                                          0x7461636f,
                                                          0x01161970,
                                                          0x0bd00bd0,
                                                          0x5346414f,
                                                          0x01021997});
    const auto type = file_system_of(path);
    return type && std::find(shared.begin(), shared.end(), *type) != shared.end();
}

} // namespace ctys::call
