#include "tools/qemu_call/console_link.h"

#include "mesh/core/text.h"
#include "mesh/qemu/assemble.h"
#include "tools/qemu_call/file_error.h"
#include "tools/qemu_call/file_look.h"
#include "tools/qemu_call/local_socket.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::call {

namespace {

constexpr std::string_view console_name = "/console.sock"; // of qemu::instance_files()

// Of a link that this program has made for this account; nothing else may be replaced.
std::optional<std::string> target_of_own_link(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode) ||
        status.st_uid != ::geteuid())
        return std::nullopt;
    std::array<char, 4096> target{};
    const auto size = ::readlink(path.c_str(), target.data(), target.size());
    if (size <= 0) return std::nullopt;
    std::string out(target.data(), static_cast<std::size_t>(size));
    if (!out.ends_with(console_name)) return std::nullopt;
    return out;
}

Status check_folder(const std::string& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        return fail(ErrorCode::NotFound,
                    fmt::format("the folder {} does not exist", printable(folder)));
    }
    if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
        return fail(ErrorCode::Failed,
                    fmt::format("in {} everybody may replace what lies there", printable(folder)));
    }
    if (::access(folder.c_str(), W_OK) == 0) return {};
    return fail(ErrorCode::Failed,
                fmt::format("this account may make nothing in {}", printable(folder)));
}

} // namespace

std::string default_console_link(const std::string& label) {
    const char* user = std::getenv("USER");
    const bool sane = user != nullptr && is_label(user);
    return fmt::format("/var/tmp/qemumon.{}.{}.{}",
                       label,
                       ::getpid(),
                       sane ? std::string{user} : fmt::to_string(::geteuid()));
}

Status check_console_link(const std::string& path) {
    if (!path.starts_with('/') || path.ends_with('/')) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} is not the absolute path of a file", printable(path)));
    }
    if (path.size() > qemu::max_socket_path) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} has {} bytes, the name of a socket at most {}",
                                printable(path),
                                path.size(),
                                qemu::max_socket_path));
    }
    if (auto fine = check_folder(folder_of(path)); !fine) return fine;
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? Status{} : file_error("look at", path);
    }
    const auto target = target_of_own_link(path);
    if (!target) {
        return fail(ErrorCode::Conflict,
                    fmt::format("{} is there already, and no link to a console of this account",
                                printable(path)));
    }
    if (!somebody_listens_at(*target)) return {};
    return fail(ErrorCode::Conflict,
                fmt::format("{} leads to the console of a VM that runs; ACTUALPID in QEMUMONSOCK "
                            "tells them apart",
                            printable(path)));
}

ConsoleLink::~ConsoleLink() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

Status ConsoleLink::make(const std::string& console, const std::string& path) {
    if (auto fine = check_console_link(path); !fine) return fine;
    if (target_of_own_link(path)) ::unlink(path.c_str());
    if (::symlink(console.c_str(), path.c_str()) != 0) return file_error("link", path);
    path_ = path;
    return {};
}

} // namespace ctys::call
