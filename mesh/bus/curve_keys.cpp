#include "mesh/bus/curve_keys.h"

#include "mesh/bus/zmq_call.h"
#include "mesh/core/text.h"
#include "mesh/loop/unique_fd.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <system_error>

namespace ctys::bus {

namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t key_chars = 40;
constexpr std::size_t max_secret_file_bytes = 4096;
constexpr int max_key_lines = 100;

Error file_error(ErrorCode code, const std::string& path, std::string_view why) {
    return Error{.code = code, .message = fmt::format("key file {}: {}", path, why)};
}

Error system_file_error(const std::string& path) {
    const int number = errno;
    const auto code = number == ENOENT   ? ErrorCode::NotFound
                      : number == EACCES ? ErrorCode::Refused
                      : number == EEXIST ? ErrorCode::Conflict
                                         : ErrorCode::Storage;
    return file_error(code, path, std::generic_category().message(number));
}

Status check_owner(int fd, const std::string& path) {
    struct stat found {};
    if (::fstat(fd, &found) != 0) return tl::unexpected(system_file_error(path));
    if (!S_ISREG(found.st_mode)) {
        return tl::unexpected(file_error(ErrorCode::Refused, path, "it is not a regular file"));
    }
    if (found.st_uid != ::geteuid()) {
        const auto why = fmt::format(
            "it belongs to uid {}, but this process runs as uid {}", found.st_uid, ::geteuid());
        auto error = file_error(ErrorCode::Refused, path, why);
        error.try_next = fmt::format("chown {} {}", ::geteuid(), path);
        return tl::unexpected(std::move(error));
    }
    if ((found.st_mode & 077) != 0) {
        const auto why = fmt::format("others may use it (mode {:04o}); a secret key is 0600 only",
                                     found.st_mode & 07777);
        auto error = file_error(ErrorCode::Refused, path, why);
        error.try_next = fmt::format("chmod 600 {}", path);
        return tl::unexpected(std::move(error));
    }
    return {};
}

Result<std::string> read_bounded(int fd, const std::string& path) {
    std::array<char, max_secret_file_bytes + 1> buffer{};
    std::size_t size = 0;
    while (size < buffer.size()) {
        const auto got = ::read(fd, buffer.data() + size, buffer.size() - size);
        if (got < 0) return tl::unexpected(system_file_error(path));
        if (got == 0) return std::string(buffer.data(), size);
        size += static_cast<std::size_t>(got);
    }
    return tl::unexpected(file_error(ErrorCode::Malformed, path, "it is too large for a key"));
}

/// The key of the line `secret = "..."`; "#" begins a comment only at the start of a line, since
/// it may be part of a key.
std::string_view find_secret(std::string_view content) {
    for (auto line : split(content, '\n')) {
        line = trim(line);
        if (line.starts_with('#') || !line.starts_with("secret")) continue;
        const auto open = line.find('"');
        const auto close = line.rfind('"');
        if (open == std::string_view::npos || close == open) return {};
        return line.substr(open + 1, close - open - 1);
    }
    return {};
}

} // namespace

bool is_z85_key(std::string_view text) {
    if (text.size() != key_chars) return false;
    std::array<std::uint8_t, key_bytes> raw{};
    return zmq_z85_decode(raw.data(), std::string(text).c_str()) != nullptr;
}

CurveKeyPair CurveKeyPair::generate() {
    std::array<char, key_chars + 1> open{};
    std::array<char, key_chars + 1> secret{};
    if (zmq_curve_keypair(open.data(), secret.data()) != 0) throw_zmq_fault("make a key pair");
    return {open.data(), secret.data()};
}

Result<CurveKeyPair> CurveKeyPair::load(const std::string& path) {
    const loop::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd.is_open()) return tl::unexpected(system_file_error(path));
    if (auto owned = check_owner(fd.value(), path); !owned) {
        return tl::unexpected(std::move(owned.error()));
    }
    const auto content = read_bounded(fd.value(), path);
    if (!content) return tl::unexpected(content.error());
    const std::string secret(find_secret(*content));
    std::array<char, key_chars + 1> open{};
    if (!is_z85_key(secret) || zmq_curve_public(open.data(), secret.c_str()) != 0) {
        return tl::unexpected(
            file_error(ErrorCode::Malformed, path, "no line secret = \"...\" with 40 characters"));
    }
    return CurveKeyPair{open.data(), secret};
}

Status CurveKeyPair::save(const std::string& path) const {
    const loop::UniqueFd fd(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.is_open()) return tl::unexpected(system_file_error(path));
    const auto content =
        fmt::format("# The public half is {}\nsecret = \"{}\"\n", public_key, secret_key);
    const auto written = ::write(fd.value(), content.data(), content.size());
    const bool is_whole = written == static_cast<ssize_t>(content.size());
    if (!is_whole || ::fchmod(fd.value(), 0600) != 0 || ::fsync(fd.value()) != 0) {
        auto error = system_file_error(path);
        ::unlink(path.c_str());
        return tl::unexpected(std::move(error));
    }
    return {};
}

Result<std::string> public_key_from(const std::string& key_or_file) {
    if (is_z85_key(key_or_file)) return key_or_file;
    std::ifstream file(key_or_file);
    std::string line;
    for (int lines = 0; lines < max_key_lines && std::getline(file, line); ++lines) {
        auto text = trim(line);
        if (text.starts_with("key")) {
            const auto open = text.find_first_of("\"'");
            const auto close = text.find_last_of("\"'");
            if (open != std::string_view::npos && close > open)
                text = text.substr(open + 1, close - open - 1);
        }
        if (is_z85_key(text)) return std::string{text};
    }
    return fail(
        ErrorCode::Usage,
        fmt::format("{} is no public key, nor a file with one", printable(key_or_file, 200)),
        "--broker-key KEY, or --broker-key FILE with the broker's public key");
}

} // namespace ctys::bus
