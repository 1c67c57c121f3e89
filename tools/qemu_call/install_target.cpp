// Happy path
// - a target that exists is opened once, without a side effect, and written by that descriptor
// only;
//   QEMU's lock bytes are held until it is done;
// - a new image is made under a name of our own beside its place, and linked into it when complete;
// - an image of another format than raw is made by qemu-img in memory, where it is small;
// - what is rewritten in its place has a mark at its beginning until all the rest is there.
//
// Failure modes
// - somebody has it open or mounted, or that cannot be told: refused, nothing is written;
// - the name leads to another file than was looked at, or came in between: refused;
// - qemu-img fails or hangs: its words are told, the target is as it was;
// - this process is killed, as by an agent whose start is cancelled: a draft may stay, under its
// own
//   name, or the mark does: no start takes such a target, and INIT goes on without asking.
#include "tools/qemu_call/install_target.h"

#include "mesh/core/text.h"
#include "mesh/loop/unique_fd.h"
#include "mesh/qemu/image_path.h"
#include "mesh/qemu/option_text.h"
#include "tools/qemu_call/file_error.h"
#include "tools/qemu_call/program_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace ctys::call {

namespace {

using loop::UniqueFd;

constexpr std::size_t target_block = 64 * 1024;
// It makes a few hundred kilobytes; storage over a network may need its time.
constexpr std::chrono::seconds image_patience{120};
constexpr int max_drafts = 100;

struct OpenedTarget {
    UniqueFd file;
    struct stat status {};

    [[nodiscard]] bool is_device() const { return S_ISBLK(status.st_mode); }
};

tl::unexpected<Error> in_use(const std::string& path) {
    return fail(ErrorCode::Conflict, fmt::format("the target {} is in use", printable(path)));
}

tl::unexpected<Error> came_in_between(const std::string& path) {
    return fail(ErrorCode::Conflict,
                fmt::format("the target {} has changed since it was looked at", printable(path)));
}

// By the descriptor, so that it is the file that was looked at, whatever becomes of its name.
Result<OpenedTarget> open_target(const std::string& path, int access) {
    OpenedTarget target;
    const UniqueFd place{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    if (!place.is_open() || ::fstat(place.value(), &target.status) != 0)
        return file_error("open", path);
    if (!target.is_device() && !S_ISREG(target.status.st_mode)) {
        return fail(ErrorCode::Conflict, printable(path) + " is neither a file nor a block device");
    }
    // On a block device O_EXCL fails while it is mounted.
    const auto way = fmt::format("/proc/self/fd/{}", place.value());
    target.file.reset(::open(way.c_str(), access | O_CLOEXEC | (target.is_device() ? O_EXCL : 0)));
    if (!target.file.is_open() && errno == EBUSY) return in_use(path);
    if (!target.file.is_open()) return file_error("open", path);
    return target;
}

// QEMU locks bytes 100 to 103 and 201 to 203 of every image it opens: whoever holds them all is the
// only one. What cannot be told counts as used.
Status lock_out_qemu(int file, const std::string& path) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 100;
    lock.l_len = 104;
    if (::fcntl(file, F_OFD_SETLK, &lock) == 0) return {};
    if (errno == EAGAIN || errno == EACCES) return in_use(path);
    return fail(ErrorCode::Conflict,
                fmt::format("whether the target {} is in use cannot be told: {}",
                            printable(path),
                            std::strerror(errno)));
}

bool is_zero(std::span<const char> bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

Status write_at(int file, std::span<const char> bytes, std::uint64_t at, const std::string& path) {
    while (!bytes.empty()) {
        const auto count = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return file_error("write", path);
        at += static_cast<std::uint64_t>(count);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Status make_durable(int file, const std::string& path) {
    return ::fsync(file) == 0 ? Status{} : Status{file_error("write", path)};
}

Status write_mark(int file, const std::string& path) {
    if (auto fine = write_at(file, half_made_mark, 0, path); !fine) return fine;
    return make_durable(file, path);
}

// The first block comes last, over the mark, when the others are on the disk.
Status write_zeros(int file, const std::string& path, std::uint64_t bytes) {
    const std::array<char, target_block> zeros{};
    if (bytes > half_made_mark.size()) {
        if (auto marked = write_mark(file, path); !marked) return marked;
    }
    for (std::uint64_t done = zeros.size(); done < bytes; done += zeros.size()) {
        const auto part = std::min<std::uint64_t>(zeros.size(), bytes - done);
        if (auto fine = write_at(file, std::span{zeros}.first(part), done, path); !fine)
            return fine;
    }
    if (auto kept = make_durable(file, path); !kept) return kept;
    const auto first = std::min<std::uint64_t>(zeros.size(), bytes);
    if (auto fine = write_at(file, std::span{zeros}.first(first), 0, path); !fine) return fine;
    return make_durable(file, path);
}

// Where it wrote is a name of ours: people know the target, which stands before these words
// already.
std::string words_of_qemu_img(std::string_view said, std::string_view way, std::string_view path) {
    std::string out;
    for (auto line : split(said, '\n')) {
        line = trim(line);
        for (const auto& before : {std::string{"qemu-img: "}, fmt::format("{}: ", way)}) {
            if (line.starts_with(before)) line.remove_prefix(before.size());
        }
        if (line.empty()) continue;
        if (!out.empty()) out += "; ";
        for (auto at = line.find(way); at != std::string_view::npos; at = line.find(way)) {
            out.append(line.substr(0, at)).append(path);
            line.remove_prefix(at + way.size());
        }
        out += line;
    }
    return printable(out, 300);
}

// The bytes of an empty image, in memory.
Result<UniqueFd> make_image_bytes(const qemu::InstallTarget& target) {
    UniqueFd memory{::memfd_create("ctys-init", MFD_CLOEXEC)};
    if (!memory.is_open()) return file_error("make", target.file);
    const auto name = fmt::format("/proc/{}/fd/{}", ::getpid(), memory.value());
    const auto end = run_program(
        {"qemu-img", "create", "-q", "-f", target.format, name, fmt::to_string(target.size)},
        image_patience);
    if (!end) return tl::unexpected(end.error());
    if (end->status == 0) return memory;
    return fail(ErrorCode::Failed,
                fmt::format("qemu-img could not make {} of the format {}: {}",
                            printable(target.file),
                            printable(target.format),
                            words_of_qemu_img(end->said, name, target.file)));
}

// Zeros of a file are left out; it is empty. The first block comes last, over what marks the
// target.
Status copy_image(int from, const OpenedTarget& to, const std::string& path) {
    const auto size = static_cast<std::uint64_t>(::lseek(from, 0, SEEK_END));
    const auto copy = [&](std::uint64_t at) -> Status {
        std::array<char, target_block> bytes{};
        const auto wanted = std::min<std::uint64_t>(bytes.size(), size - at);
        std::uint64_t got = 0;
        while (got < wanted) {
            const auto count =
                ::pread(from, bytes.data() + got, wanted - got, static_cast<off_t>(at + got));
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return file_error("make", path);
            got += static_cast<std::uint64_t>(count);
        }
        const auto part = std::span{bytes}.first(static_cast<std::size_t>(wanted));
        const bool is_left_out = at > 0 && !to.is_device() && is_zero(part);
        return is_left_out ? Status{} : write_at(to.file.value(), part, at, path);
    };
    for (std::uint64_t at = target_block; at < size; at += target_block) {
        if (auto fine = copy(at); !fine) return fine;
    }
    if (!to.is_device() && ::ftruncate(to.file.value(), static_cast<off_t>(size)) != 0)
        return file_error("make", path);
    if (auto kept = make_durable(to.file.value(), path); !kept) return kept;
    if (auto fine = copy(0); !fine) return fine;
    return make_durable(to.file.value(), path);
}

// A file of our own beside the target; its name goes with it.
class Draft {
public:
    static Result<Draft> beside(const std::string& path) {
        for (int i = 0; i < max_drafts; ++i) {
            auto name = fmt::format("{}/.ctys-init-{}-{}", folder_of(path), ::getpid(), i);
            UniqueFd file{::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
            if (file.is_open()) return Draft{std::move(name), std::move(file)};
            if (errno != EEXIST) break;
        }
        return file_error("make", path);
    }
    ~Draft() {
        if (!name_.empty()) ::unlink(name_.c_str());
    }
    Draft(Draft&& other) noexcept
        : name_(std::exchange(other.name_, {})), file_(std::move(other.file_)) {}
    Draft& operator=(Draft&&) = delete;

    UniqueFd take_file() { return std::move(file_); }

    // Over nothing that is there. FAT and the like have no links: there a rename does the same.
    Status become(const std::string& path) {
        if (::link(name_.c_str(), path.c_str()) == 0) return {};
        if (errno != EEXIST &&
            ::renameat2(AT_FDCWD, name_.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) {
            name_.clear();
            return {};
        }
        return errno == EEXIST ? came_in_between(path) : file_error("make", path);
    }

private:
    Draft(std::string name, UniqueFd file) : name_(std::move(name)), file_(std::move(file)) {}

    std::string name_;
    UniqueFd file_;
};

Status make_raw(int file, const qemu::InstallTarget& target) {
    if (::ftruncate(file, static_cast<off_t>(target.size)) != 0 || ::fsync(file) != 0)
        return file_error("make", target.file);
    return {};
}

// Raw: its zeros. Others grow into it, at their end.
Status take_room(int file, const qemu::InstallTarget& target) {
    const auto size = static_cast<off_t>(target.size);
    const int mode = target.format == "raw" ? 0 : FALLOC_FL_KEEP_SIZE;
    while (::fallocate(file, mode, 0, size) != 0) {
        if (errno != EINTR) return file_error("take the room of", target.file);
    }
    return {};
}

Status create_image(const qemu::InstallTarget& target) {
    auto draft = Draft::beside(target.file);
    if (!draft) return tl::unexpected(draft.error());
    const OpenedTarget file{.file = draft->take_file()};
    if (target.format == "raw") {
        if (auto made = make_raw(file.file.value(), target); !made) return made;
    } else {
        const auto bytes = make_image_bytes(target);
        if (!bytes) return tl::unexpected(bytes.error());
        if (auto made = copy_image(bytes->value(), file, target.file); !made) return made;
    }
    if (target.preallocated) {
        if (auto taken = take_room(file.file.value(), target); !taken) return taken;
    }
    return draft->become(target.file);
}

std::uint64_t size_of(const OpenedTarget& target) {
    if (!target.is_device()) return static_cast<std::uint64_t>(target.status.st_size);
    const auto end = ::lseek(target.file.value(), 0, SEEK_END);
    return end < 0 ? 0 : static_cast<std::uint64_t>(end);
}

Status make_anew(const qemu::InstallTarget& target, const OpenedTarget& file) {
    const auto bytes = make_image_bytes(target);
    if (!bytes) return tl::unexpected(bytes.error());
    const auto needed = ::lseek(bytes->value(), 0, SEEK_END);
    if (file.is_device() && size_of(file) < static_cast<std::uint64_t>(needed)) {
        return fail(ErrorCode::Failed,
                    fmt::format("{} has {} bytes, an empty image of {} needs {}",
                                printable(target.file),
                                size_of(file),
                                printable(target.format),
                                needed));
    }
    if (!file.is_device() && ::ftruncate(file.file.value(), 0) != 0)
        return file_error("empty", target.file);
    if (auto marked = write_mark(file.file.value(), target.file); !marked) return marked;
    return copy_image(bytes->value(), file, target.file);
}

Status rewrite_image(const qemu::InstallTarget& target,
                     qemu::Preparation what,
                     const std::optional<FileIdentity>& seen) {
    auto file = open_target(target.file, O_RDWR);
    if (!file) return tl::unexpected(file.error());
    if (seen && identity_of(file->status) != *seen) return came_in_between(target.file);
    if (auto alone = lock_out_qemu(file->file.value(), target.file); !alone) return alone;
    // It may have grown before the lock.
    if (::fstat(file->file.value(), &file->status) != 0) return file_error("open", target.file);
    const bool fills = what == qemu::Preparation::Fill;
    if (fills && size_of(*file) != 0) return came_in_between(target.file);
    if (target.format != "raw") return make_anew(target, *file);
    if (fills) return make_raw(file->file.value(), target);
    return write_zeros(
        file->file.value(), target.file, std::min(size_of(*file), qemu::emptied_bytes));
}

Result<bool> is_blank(const OpenedTarget& target, const std::string& path) {
    std::array<char, target_block> bytes{};
    for (std::uint64_t done = 0; done < qemu::emptied_bytes;) {
        const auto wanted = std::min<std::uint64_t>(bytes.size(), qemu::emptied_bytes - done);
        const auto count =
            ::pread(target.file.value(), bytes.data(), wanted, static_cast<off_t>(done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return file_error("read", path);
        if (count == 0) break;
        if (!is_zero(std::span{bytes}.first(static_cast<std::size_t>(count)))) return false;
        done += static_cast<std::uint64_t>(count);
    }
    return true;
}

// What qemu-img does not understand holds something.
Status look_into_image(const qemu::InstallTarget& target, qemu::TargetFacts& facts) {
    const auto ask = [&](std::string_view what) {
        return run_program({"qemu-img",
                            std::string{what},
                            "-U",
                            "--output=json",
                            "-f",
                            target.format,
                            target.file},
                           image_patience);
    };
    const auto info = ask("info");
    if (!info) return tl::unexpected(info.error());
    if (info->status != 0) return {};
    if (const auto values = qemu::parse_json_properties(trim(info->said)))
        facts.size = qemu::parse_number(qemu::find(*values, "virtual-size")).value_or(0);
    const auto map = ask("map");
    if (!map) return tl::unexpected(map.error());
    facts.blank =
        map->status == 0 && !map->cut && map->said.find("\"data\": true") == std::string::npos;
    return {};
}

Result<TargetLook> look_at_nothing(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0) {
        return fail(ErrorCode::Conflict,
                    printable(path) + " is a link to something that does not exist");
    }
    const auto folder = real_path(folder_of(path));
    if (folder.empty()) {
        return fail(ErrorCode::NotFound,
                    fmt::format("the folder of the target {} does not exist", printable(path)));
    }
    return TargetLook{.facts = {.device_folder = qemu::is_device_path(folder + "/target")}};
}

} // namespace

Result<TargetLook> look_at_target(const qemu::InstallTarget& target) {
    struct stat status {};
    if (::stat(target.file.c_str(), &status) != 0 && errno == ENOENT)
        return look_at_nothing(target.file);
    const auto file = open_target(target.file, O_RDONLY);
    if (!file) return tl::unexpected(file.error());
    TargetLook look{.identity = identity_of(file->status)};
    auto& facts = look.facts;
    facts.exists = true;
    facts.device = file->is_device();
    facts.file_size = size_of(*file);
    facts.half_made = is_half_made(target.file);
    if (target.format != "raw" && facts.file_size > 0) {
        if (target.stage != qemu::Stage::Init) return look;
        if (auto looked = look_into_image(target, facts); !looked)
            return tl::unexpected(looked.error());
        return look;
    }
    facts.size = facts.file_size;
    const auto blank = is_blank(*file, target.file);
    if (!blank) return tl::unexpected(blank.error());
    facts.blank = *blank;
    return look;
}

Status check_unused(const std::string& path) {
    const auto target = open_target(path, O_RDWR);
    if (!target) return tl::unexpected(target.error());
    return lock_out_qemu(target->file.value(), path);
}

Status prepare_target(const qemu::InstallTarget& target,
                      qemu::Preparation what,
                      const std::optional<FileIdentity>& seen) {
    switch (what) {
    case qemu::Preparation::Nothing:
        return {};
    case qemu::Preparation::Create:
        return create_image(target);
    case qemu::Preparation::Fill:
    case qemu::Preparation::Empty:
        return rewrite_image(target, what, seen);
    }
    return {};
}

std::string describe(const qemu::InstallTarget& target,
                     qemu::Preparation what,
                     const qemu::TargetFacts& facts) {
    const auto path = printable(target.file);
    const auto image = fmt::format("{}: {} bytes, {}", path, target.size, target.format);
    switch (what) {
    case qemu::Preparation::Nothing:
        return {};
    case qemu::Preparation::Create:
    case qemu::Preparation::Fill:
        return "INIT creates " + image;
    case qemu::Preparation::Empty:
        return target.format == "raw"
                   ? fmt::format("INIT empties {}: its first {} bytes",
                                 path,
                                 std::min(facts.file_size, qemu::emptied_bytes))
                   : fmt::format(
                         "INIT makes {} anew: {} bytes, {}", path, target.size, target.format);
    }
    return {};
}

} // namespace ctys::call
