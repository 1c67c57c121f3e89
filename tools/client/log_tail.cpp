#include "tools/client/log_tail.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::tools {

namespace {

constexpr off_t most_bytes = 64 * 1024; // of one file: a tail, not an archive

tl::unexpected<Error> no_file(const std::string& path) {
    return fail(ErrorCode::Conflict,
                fmt::format("{} is no regular file and is not read", printable(path)));
}

Result<std::string> end_of(int file, const std::string& path) {
    struct stat facts {};
    if (::fstat(file, &facts) != 0)
        return fail(ErrorCode::Failed,
                    fmt::format("{}: {}", printable(path), std::strerror(errno)));
    if (!S_ISREG(facts.st_mode)) return no_file(path);
    std::string text(static_cast<std::size_t>(std::min(facts.st_size, most_bytes)), '\0');
    const auto count =
        ::pread(file, text.data(), text.size(), std::max<off_t>(facts.st_size - most_bytes, 0));
    if (count < 0)
        return fail(ErrorCode::Failed,
                    fmt::format("{}: {}", printable(path), std::strerror(errno)));
    text.resize(static_cast<std::size_t>(count));
    return text;
}

/// Without what steers a terminal (ECMA-48: ESC and one letter, or a control sequence), which a
/// firmware begins with.
std::string without_escapes(std::string_view line) {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] != '\x1b') {
            out += line[i];
            continue;
        }
        if (++i == line.size() || line[i] != '[') continue;
        do {
            ++i;
        } while (i < line.size() && (line[i] < '@' || line[i] > '~'));
    }
    return out;
}

} // namespace

Result<std::string> log_tail(const std::string& path, std::uint64_t lines) {
    // Non-blocking: opening a pipe in this place would wait for its writer.
    const int file =
        ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    if (file < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return std::string{};
        if (errno == ELOOP || errno == ENXIO) return no_file(path);
        return fail(errno == EACCES ? ErrorCode::Refused : ErrorCode::Failed,
                    fmt::format("{}: {}", printable(path), std::strerror(errno)));
    }
    auto text = end_of(file, path);
    ::close(file);
    if (!text || text->empty()) return text;
    const auto all = split(*text, '\n');
    const auto count = all.size() - (all.back().empty() ? 1 : 0);
    std::string out;
    for (auto i = count - std::min<std::size_t>(count, lines); i < count; ++i) {
        auto line = all[i];
        if (line.ends_with('\r')) line.remove_suffix(1);
        out += "  " + printable(without_escapes(line), 2000) + "\n";
    }
    return out;
}

} // namespace ctys::tools
