#include "tools/qemu_call/instance_dir.h"

#include "mesh/core/text.h"
#include "tools/qemu_call/file_error.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::call {

namespace {

std::string runtime_directory() {
    if (const char* given = std::getenv("CTYS_RUNTIME_DIR"); given != nullptr && *given == '/') {
        return given;
    }
    if (::geteuid() == 0) return "/run/ctys";
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    if (runtime != nullptr && *runtime == '/') return std::string{runtime} + "/ctys";
    return fmt::format("/run/user/{}/ctys", ::geteuid());
}

} // namespace

std::string default_instance_directory(const std::string& label) {
    return fmt::format("{}/instances/{}-{}", runtime_directory(), label, ::getpid());
}

Status prepare_directory(const std::string& directory) {
    for (std::size_t slash = directory.find('/', 1);; slash = directory.find('/', slash + 1)) {
        const auto part = directory.substr(0, slash);
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return file_error("make", part);
        if (slash == std::string::npos) break;
    }
    struct stat status {};
    if (::lstat(directory.c_str(), &status) != 0) return file_error("look at", directory);
    const bool ours = S_ISDIR(status.st_mode) && status.st_uid == ::geteuid();
    if (!ours || (status.st_mode & 077) != 0) {
        return fail(ErrorCode::Refused,
                    fmt::format("{} is not a directory of this user that is closed to others",
                                printable(directory)));
    }
    return {};
}

Status write_atomically(const std::string& path, std::string_view text) {
    const auto draft = path + ".new";
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return file_error("write", draft);
    while (!text.empty()) {
        const auto count = ::write(file, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            const auto error = file_error("write", draft);
            ::close(file);
            return error;
        }
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    ::close(file);
    if (std::rename(draft.c_str(), path.c_str()) != 0) return file_error("rename to", path);
    return {};
}

} // namespace ctys::call
