#include "agent/discovery/proc_reader.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace ctys::agent {
namespace {

tl::unexpected<Error> failed(std::string_view what) {
    const auto code = errno == ENOENT || errno == ESRCH   ? ErrorCode::NotFound
                      : errno == EACCES || errno == EPERM ? ErrorCode::Refused
                                                          : ErrorCode::Failed;
    return fail(code, fmt::format("{}: {}", what, std::strerror(errno)));
}

/// 0 for names that are no pid.
std::uint32_t pid_of_name(const char* name) {
    std::uint32_t pid = 0;
    const auto* end = name + std::strlen(name);
    const auto [at, error] = std::from_chars(name, end, pid);
    return error == std::errc{} && at == end ? pid : 0;
}

/// comm is cut to 15 bytes and may be chosen with -name process=: good for a hint only.
bool name_fits(std::string_view comm) {
    return comm.substr(0, 11) == "qemu-system" || comm == "kvm" || comm == "qemu-kvm";
}

} // namespace

Result<ProcReader> ProcReader::open(const std::string& proc) {
    ProcReader out;
    out.folder_.reset(::open(proc.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!out.folder_.is_open()) return failed(proc);
    out.buffer_.resize(32768);
    return out;
}

Result<std::vector<ProcEntry>> ProcReader::list() {
    std::vector<ProcEntry> out;
    if (::lseek(folder_.value(), 0, SEEK_SET) < 0) return failed("rewind /proc");
    for (;;) {
        const auto got = ::getdents64(folder_.value(), buffer_.data(), buffer_.size());
        if (got < 0) return failed("list /proc");
        if (got == 0) return out;
        for (ssize_t at = 0; at < got;) {
            const auto* entry = reinterpret_cast<const dirent64*>(buffer_.data() + at);
            at += entry->d_reclen;
            const auto pid = pid_of_name(entry->d_name);
            if (pid != 0) out.push_back({.pid = pid, .inode = entry->d_ino});
        }
    }
}

Sight ProcReader::look(std::uint32_t pid) const {
    std::array<char, 4096> target{};
    const auto link = fmt::format("{}/exe", pid);
    const auto size = ::readlinkat(folder_.value(), link.c_str(), target.data(), target.size());
    if (size >= 0) {
        const std::string_view exe(target.data(), static_cast<std::size_t>(size));
        return is_qemu_executable(exe) ? Sight::Candidate : Sight::Other;
    }
    if (errno == ENOENT || errno == ESRCH) return Sight::Never;
    const auto seen = stat(pid);
    return seen && name_fits(seen->comm) ? Sight::Hidden : Sight::Other;
}

Result<ProcStat> ProcReader::stat(std::uint32_t pid) const {
    const auto text = read(fmt::format("{}/stat", pid));
    if (!text) return tl::unexpected(text.error());
    return parse_proc_stat(*text);
}

Result<MachineBoot> ProcReader::boot() const {
    const auto text = read("sys/kernel/random/boot_id");
    if (!text) return tl::unexpected(text.error());
    const auto id = BootId::parse(trim(*text));
    if (!id) return wrap("boot_id", id.error());
    timespec wall{};
    timespec since_boot{};
    if (::clock_gettime(CLOCK_REALTIME, &wall) != 0 ||
        ::clock_gettime(CLOCK_BOOTTIME, &since_boot) != 0) {
        return failed("clock_gettime");
    }
    const auto us = [](const timespec& time) {
        return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
    };
    return MachineBoot{.id = *id,
                       .booted = {us(wall) - us(since_boot)},
                       .ticks_per_second = static_cast<std::uint32_t>(::sysconf(_SC_CLK_TCK))};
}

Result<std::string> ProcReader::read(const std::string& below) const {
    const loop::UniqueFd file(::openat(folder_.value(), below.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return failed(below);
    std::array<char, 4096> text{};
    const auto got = ::read(file.value(), text.data(), text.size());
    if (got < 0) return failed(below);
    return std::string(text.data(), static_cast<std::size_t>(got));
}

} // namespace ctys::agent
