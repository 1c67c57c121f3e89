#include "tools/qemu_call/install_target.h"

#include "mesh/core/text.h"
#include "mesh/qemu/image_path.h"
#include "mesh/qemu/option_text.h"
#include "tools/qemu_call/file_error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ctys::call {

namespace {

constexpr std::size_t target_block = 64 * 1024;

class OpenTarget {
public:
    OpenTarget(const std::string& path, int flags)
        : file_(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0666)) {}
    ~OpenTarget() {
        if (file_ >= 0) ::close(file_);
    }
    OpenTarget(const OpenTarget&) = delete;
    OpenTarget& operator=(const OpenTarget&) = delete;

    int get() const { return file_; }

private:
    int file_;
};

tl::unexpected<Error> in_use(const std::string& path) {
    return fail(ErrorCode::Conflict, fmt::format("the target {} is in use", printable(path)));
}

// QEMU holds locks on bytes 100 to 103 and 201 to 203 of every image it has open.
bool held_by_qemu(int file) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 100;
    lock.l_len = 104;
    return ::fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

Status write_zeros(int file, const std::string& path, std::uint64_t bytes) {
    const std::array<char, target_block> zeros{};
    std::uint64_t done = 0;
    while (done < bytes) {
        const auto wanted = std::min<std::uint64_t>(zeros.size(), bytes - done);
        const auto count = ::pwrite(file, zeros.data(), wanted, static_cast<off_t>(done));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return file_error("empty", path);
        done += static_cast<std::uint64_t>(count);
    }
    if (::fsync(file) != 0) return file_error("empty", path);
    return {};
}

// Images of other formats than raw are qemu-img's: it knows them all.
Status make_by_qemu_img(const qemu::InstallTarget& target) {
    std::array<std::string, 7> words{
        "qemu-img", "create", "-q", "-f", target.format, target.file, fmt::to_string(target.size)};
    std::array<char*, 8> argv{};
    std::transform(
        words.begin(), words.end(), argv.begin(), [](auto& word) { return word.data(); });
    pid_t child = 0;
    const int error = ::posix_spawnp(&child, "qemu-img", nullptr, nullptr, argv.data(), environ);
    if (error != 0) {
        errno = error;
        return file_error("run", "qemu-img");
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return file_error("wait for", "qemu-img");
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return fail(ErrorCode::Failed,
                fmt::format("qemu-img could not make {} of the format {}",
                            printable(target.file),
                            printable(target.format)));
}

Status create_image(const qemu::InstallTarget& target) {
    // Not over a file that came since it was looked for.
    const OpenTarget file{target.file, O_WRONLY | O_CREAT | O_EXCL};
    if (file.get() < 0 && errno == EEXIST) {
        return fail(ErrorCode::Conflict,
                    fmt::format("the target {} exists by now", printable(target.file)));
    }
    if (file.get() < 0) return file_error("make", target.file);
    Status made;
    if (target.format != "raw") {
        made = make_by_qemu_img(target);
    } else if (::ftruncate(file.get(), static_cast<off_t>(target.size)) != 0) {
        made = file_error("make", target.file);
    }
    if (!made) ::unlink(target.file.c_str());
    return made;
}

Status fill_image(const qemu::InstallTarget& target) {
    if (target.format != "raw") return make_by_qemu_img(target);
    if (::truncate(target.file.c_str(), static_cast<off_t>(target.size)) != 0)
        return file_error("make", target.file);
    return {};
}

Status empty_image(const qemu::InstallTarget& target) {
    struct stat status {};
    if (::stat(target.file.c_str(), &status) != 0) return file_error("look at", target.file);
    const bool device = S_ISBLK(status.st_mode);
    if (!device && !S_ISREG(status.st_mode)) {
        return fail(ErrorCode::Conflict,
                    printable(target.file) + " is neither a file nor a block device");
    }
    // On a block device O_EXCL fails while it is mounted.
    const OpenTarget file{target.file, O_RDWR | (device ? O_EXCL : 0)};
    if (file.get() < 0 && errno == EBUSY) return in_use(target.file);
    if (file.get() < 0) return file_error("open", target.file);
    if (held_by_qemu(file.get())) return in_use(target.file);
    if (target.format != "raw") return make_by_qemu_img(target);
    const auto size = device ? qemu::emptied_bytes : static_cast<std::uint64_t>(status.st_size);
    return write_zeros(file.get(), target.file, std::min(size, qemu::emptied_bytes));
}

} // namespace

Result<qemu::TargetFacts> look_at_target(const std::string& path) {
    const OpenTarget file{path, O_RDONLY};
    if (file.get() < 0 && errno == ENOENT)
        return qemu::TargetFacts{.device_folder = qemu::is_device_path(path)};
    struct stat status {};
    if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return file_error("open", path);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    qemu::TargetFacts facts{.exists = true,
                            .device = S_ISBLK(status.st_mode),
                            .blank = true,
                            .file_size = size,
                            .size = size};
    std::array<char, target_block> bytes{};
    std::uint64_t done = 0;
    while (facts.blank && done < qemu::emptied_bytes) {
        const auto wanted = std::min<std::uint64_t>(bytes.size(), qemu::emptied_bytes - done);
        const auto count = ::pread(file.get(), bytes.data(), wanted, static_cast<off_t>(done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return file_error("read", path);
        if (count == 0) break;
        facts.blank =
            std::all_of(bytes.begin(), bytes.begin() + count, [](char byte) { return byte == 0; });
        done += static_cast<std::uint64_t>(count);
    }
    return facts;
}

Status prepare_target(const qemu::InstallTarget& target, qemu::Preparation what) {
    switch (what) {
    case qemu::Preparation::Nothing:
        return {};
    case qemu::Preparation::Create:
        return create_image(target);
    case qemu::Preparation::Fill:
        return fill_image(target);
    case qemu::Preparation::Empty:
        return empty_image(target);
    }
    return {};
}

std::string describe(const qemu::InstallTarget& target, qemu::Preparation what) {
    const auto path = printable(target.file);
    switch (what) {
    case qemu::Preparation::Nothing:
        return {};
    case qemu::Preparation::Create:
    case qemu::Preparation::Fill:
        return fmt::format("INIT creates {}: {} bytes, {}", path, target.size, target.format);
    case qemu::Preparation::Empty:
        return target.format == "raw"
                   ? fmt::format("INIT empties {}: its first {} bytes", path, qemu::emptied_bytes)
                   : fmt::format(
                         "INIT makes {} anew: {} bytes, {}", path, target.size, target.format);
    }
    return {};
}

} // namespace ctys::call
