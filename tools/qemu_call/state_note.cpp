#include "tools/qemu_call/state_note.h"

#include "mesh/core/text.h"
#include "tools/qemu_call/file_error.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace ctys::call {

namespace {

Status write_all(int file, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const auto count = ::write(file, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return file_error("write", path);
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    if (::fsync(file) != 0) return file_error("write", path);
    return {};
}

Status sync_folder_of(const std::string& path) {
    const auto folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return file_error("open", folder);
    const auto synced = ::fsync(fd) == 0 ? Status{} : Status{file_error("write", folder)};
    ::close(fd);
    return synced;
}

} // namespace

Result<std::optional<qemu::StateNote>> read_state_note(const std::string& config) {
    const auto path = qemu::state_note_path(config);
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 && errno == ENOENT) return std::optional<qemu::StateNote>{};
    if (file < 0) return file_error("open", path);
    std::array<char, 8192> buffer{};
    const auto count = ::read(file, buffer.data(), buffer.size());
    const auto why = errno;
    ::close(file);
    errno = why;
    if (count < 0) return file_error("read", path);
    auto note = qemu::parse_state_note({buffer.data(), static_cast<std::size_t>(count)});
    if (!note) {
        auto error = within(printable(path), note.error());
        error.message += "; --discard-state boots it without what was saved";
        return tl::unexpected(std::move(error));
    }
    return std::optional{std::move(*note)};
}

Status write_state_note(const std::string& config, const qemu::StateNote& note) {
    const auto path = qemu::state_note_path(config);
    const auto draft = path + ".new";
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return file_error("write", draft);
    const auto written = write_all(file, qemu::to_text(note), draft);
    ::close(file);
    if (!written) return written;
    if (std::rename(draft.c_str(), path.c_str()) != 0) return file_error("rename to", path);
    return sync_folder_of(path);
}

Status remove_state_note(const std::string& config) {
    const auto path = qemu::state_note_path(config);
    if (::unlink(path.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return file_error("remove", path);
    }
    return sync_folder_of(path);
}

} // namespace ctys::call
