#include "tools/qemu_call/image_check.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::call {

namespace {

ErrorCode code_of_errno(int why) {
    if (why == ENOENT || why == ENOTDIR) return ErrorCode::NotFound;
    return why == EACCES || why == EPERM ? ErrorCode::Refused : ErrorCode::Failed;
}

} // namespace

Status check_image(const std::string& path) {
    // Not to wait for the other end of a pipe, nor for a drive without a medium.
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        const auto why = errno;
        return fail(code_of_errno(why),
                    fmt::format("cannot read the image {} as uid {}: {}",
                                printable(path),
                                ::geteuid(),
                                std::strerror(why)));
    }
    struct stat facts {};
    const bool is_told = ::fstat(file, &facts) == 0;
    ::close(file);
    if (is_told && (S_ISREG(facts.st_mode) || S_ISBLK(facts.st_mode))) return {};
    return fail(
        ErrorCode::Failed,
        fmt::format("the image {} is neither a regular file nor a block device", printable(path)));
}

} // namespace ctys::call
