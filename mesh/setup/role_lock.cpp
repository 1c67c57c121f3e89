#include "mesh/setup/role_lock.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace ctys::setup {

namespace {

/// The pid in a lock file; 0 where the holder has not written it yet.
long holder_of(int lock) {
    std::array<char, 24> text{};
    const auto size = ::pread(lock, text.data(), text.size(), 0);
    long pid = 0;
    if (size > 0) std::from_chars(text.data(), text.data() + size, pid);
    return pid;
}

Status write_pid(int lock, const std::string& path) {
    const auto text = fmt::format("{}\n", ::getpid());
    if (::ftruncate(lock, 0) == 0 &&
        ::pwrite(lock, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())) {
        return {};
    }
    return fail(ErrorCode::Storage, fmt::format("write {}: {}", path, std::strerror(errno)));
}

Result<int> lock_file(const std::string& folder, std::string_view role) {
    const auto path = folder + "/lock";
    const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) {
        return fail(ErrorCode::Storage, fmt::format("open {}: {}", path, std::strerror(errno)));
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        const int code = errno;
        const auto holder = holder_of(lock);
        ::close(lock);
        if (code != EWOULDBLOCK) {
            return fail(ErrorCode::Storage, fmt::format("lock {}: {}", path, std::strerror(code)));
        }
        return fail(ErrorCode::Conflict,
                    fmt::format("another {} already uses {} (pid {})",
                                role,
                                folder,
                                holder > 0 ? std::to_string(holder) : std::string("unknown")));
    }
    if (auto written = write_pid(lock, path); !written) {
        ::close(lock);
        return tl::unexpected(written.error());
    }
    return lock;
}

} // namespace

Result<RoleLock> RoleLock::acquire(const Directories& directories,
                                   std::string_view role,
                                   std::string_view name,
                                   const DirectoryAccess& runtime_access) {
    if (!name.empty() && !is_label(name)) {
        return fail(ErrorCode::Usage,
                    fmt::format("the name \"{}\" may have letters, digits, '_', '.' and '-' only",
                                printable(name)));
    }
    const auto folder = name.empty() ? std::string(role) : fmt::format("{}-{}", role, name);
    RoleLock held(
        Directories{directories.state + "/" + folder, directories.runtime + "/" + folder});
    // The directories themselves first: a folder is as safe as what it lies in. Whoever may enter a
    // role's runtime folder must get through the directory above it.
    const DirectoryAccess shared{
        .group = runtime_access.group, .keep_group = true, .passable = runtime_access.passable};
    const auto prepared =
        prepare_directory(directories.state, {.group = {}, .keep_group = true})
            .and_then([&] { return prepare_directory(held.folders_.state); })
            .and_then([&] { return prepare_directory(directories.runtime, shared); })
            .and_then([&] { return prepare_directory(held.folders_.runtime, runtime_access); });
    if (!prepared) return tl::unexpected(prepared.error());
    auto state = lock_file(held.folders_.state, role);
    if (!state) return tl::unexpected(state.error());
    held.state_lock_ = *state;
    auto runtime = lock_file(held.folders_.runtime, role);
    if (!runtime) return tl::unexpected(runtime.error());
    held.runtime_lock_ = *runtime;
    return held;
}

RoleLock::RoleLock(RoleLock&& other) noexcept
    : folders_(std::move(other.folders_)), state_lock_(std::exchange(other.state_lock_, -1)),
      runtime_lock_(std::exchange(other.runtime_lock_, -1)) {}

RoleLock& RoleLock::operator=(RoleLock&& other) noexcept {
    std::swap(folders_, other.folders_);
    std::swap(state_lock_, other.state_lock_);
    std::swap(runtime_lock_, other.runtime_lock_);
    return *this;
}

RoleLock::~RoleLock() {
    for (const int lock : {runtime_lock_, state_lock_}) {
        if (lock >= 0) ::close(lock);
    }
}

} // namespace ctys::setup
