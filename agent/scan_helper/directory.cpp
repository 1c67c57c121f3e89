#include "agent/scan_helper/directory.h"

#include "agent/scanner/helper_protocol.h"
#include "agent/scanner/magic.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace ctys::agent {

namespace {

constexpr std::size_t max_directories = 1'000'000;
constexpr std::size_t max_configs = 100'000;
constexpr std::size_t max_links = 64;

// The layout the kernel fills (getdents(2)); d_name follows.
struct KernelEntry {
    std::uint64_t d_ino;
    std::int64_t d_off;
    std::uint16_t d_reclen;
    std::uint8_t d_type;
};
constexpr std::size_t name_offset = 19;

std::uint8_t type_by_stat(int fd, const char* name) {
    struct stat facts {};
    if (::fstatat(fd, name, &facts, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
    return static_cast<std::uint8_t>(IFTODT(facts.st_mode));
}

bool is_plain_ascii(std::string_view name) {
    return std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

void sort_in(Listing& out, int fd, std::uint8_t type, const char* raw_name) {
    const std::string_view name = raw_name;
    if (name == "." || name == ".." || name == probe_directory) return;
    if (name == marker_name) {
        out.has_marker = true;
        return;
    }
    const bool config = is_config_name(name);
    const bool wrapper = is_wrapper_name(name);
    // Most entries of a pool are images and other files nobody asked for.
    const bool vmx = is_vmx_name(name);
    if (type == DT_REG && !config && !wrapper && !vmx) return;
    if (type == DT_UNKNOWN) type = type_by_stat(fd, raw_name);
    if (type != DT_REG && type != DT_DIR && type != DT_LNK) return;
    if (!is_plain_ascii(name) && !is_utf8(name)) {
        out.has_bad_names = true;
        return;
    }
    if (type == DT_DIR) {
        out.directories.emplace_back(name);
    } else if (type == DT_REG && config) {
        out.configs.emplace_back(name);
    } else if (type == DT_REG && vmx) {
        if (out.vmx.size() < max_wrappers) out.vmx.emplace_back(name);
    } else if (wrapper) {
        if (out.wrappers.size() < max_wrappers) out.wrappers.emplace_back(name);
    } else if (type == DT_LNK && out.links.size() < max_links) {
        out.links.emplace_back(name);
    }
}

} // namespace

Error os_error(int number, std::string_view what) {
    const auto code = number == ENOENT || number == ENOTDIR || number == ELOOP ? ErrorCode::NotFound
                      : number == EACCES || number == EPERM || number == EROFS ? ErrorCode::Refused
                                                                               : ErrorCode::Failed;
    return {code, fmt::format("{}: {}", what, std::strerror(number))};
}

Result<Listing> list_directory(int fd) {
    // One buffer for all: the walk lists one directory at a time.
    alignas(std::uint64_t) static std::array<char, 64 * 1024> buffer;
    Listing out;
    for (;;) {
        const auto got = ::syscall(SYS_getdents64, fd, buffer.data(), buffer.size());
        if (got < 0) return tl::unexpected(os_error(errno, "list"));
        if (got == 0) return out;
        for (long at = 0; at < got;) {
            const char* record = buffer.data() + at;
            KernelEntry entry;
            std::memcpy(&entry, record, name_offset);
            at += entry.d_reclen;
            sort_in(out, fd, entry.d_type, record + name_offset);
        }
        if (out.directories.size() > max_directories || out.configs.size() > max_configs) {
            out.is_cut = true;
            return out;
        }
    }
}

Result<loop::UniqueFd> open_directory_at(int parent, const std::string& name) {
    loop::UniqueFd fd(
        ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.is_open()) return tl::unexpected(os_error(errno, "open"));
    return fd;
}

} // namespace ctys::agent
