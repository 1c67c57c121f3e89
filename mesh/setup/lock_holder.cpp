#include "mesh/setup/lock_holder.h"

#include <array>
#include <charconv>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace ctys::setup {

namespace {

/// Nothing: it cannot be looked at; empty: nobody holds it; else the holder, 0 for one without a
/// name.
std::optional<std::optional<pid_t>> look(const std::string& path) {
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
    return std::optional<std::optional<pid_t>>{holder};
}

} // namespace

std::optional<pid_t> lock_holder(const std::string& path) {
    return look(path).value_or(std::nullopt);
}

bool is_unheld(const std::string& path) {
    const auto seen = look(path);
    return seen && !*seen;
}

} // namespace ctys::setup
