#include "mesh/setup/lock_holder.h"

#include <array>
#include <charconv>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace ctys::setup {

std::optional<pid_t> lock_holder(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return std::nullopt;
    std::optional<pid_t> holder;
    // A shared lock is refused exactly while somebody holds the exclusive one; it is given back
    // with the descriptor.
    if (::flock(fd, LOCK_SH | LOCK_NB) != 0) {
        std::array<char, 24> text{};
        const auto size = ::pread(fd, text.data(), text.size(), 0);
        pid_t pid = 0;
        if (size > 0) std::from_chars(text.data(), text.data() + size, pid);
        holder = pid;
    }
    ::close(fd);
    return holder;
}

} // namespace ctys::setup
