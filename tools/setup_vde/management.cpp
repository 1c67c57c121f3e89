#include "tools/setup_vde/management.h"

#include "mesh/core/text.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace ctys::vde {

namespace {

using Clock = std::chrono::steady_clock;

Result<loop::UniqueFd> connect_to(const std::string& path, int& why) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    why = path.size() < sizeof address.sun_path ? 0 : ENAMETOOLONG;
    if (why != 0) return fail(ErrorCode::Usage, printable(path) + " is too long for a socket");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    loop::UniqueFd one{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const bool connected =
        one.is_open() &&
        ::connect(one.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (connected) return one;
    why = errno;
    const auto code = why == ENOENT         ? ErrorCode::NotFound
                      : why == ECONNREFUSED ? ErrorCode::Conflict
                      : why == EACCES       ? ErrorCode::Refused
                      : why == EAGAIN       ? ErrorCode::TimedOut
                                            : ErrorCode::Failed;
    return fail(code, fmt::format("{}: {}", printable(path), std::strerror(why)));
}

} // namespace

bool is_silent(const std::string& path) {
    int why = 0;
    std::ignore = connect_to(path, why);
    return why == ENOENT || why == ECONNREFUSED;
}

Result<Management> Management::open(const std::string& path, std::chrono::milliseconds patience) {
    int why = 0;
    auto socket = connect_to(path, why);
    if (!socket) return tl::unexpected(socket.error());
    Management out{std::move(*socket), patience};
    const auto greets = [](const std::string& bytes) {
        return bytes.find(prompt) != std::string::npos;
    };
    if (out.read_until(greets) != Read::Complete)
        return fail(ErrorCode::TimedOut, printable(path) + " takes calls and says nothing");
    return out;
}

Management::Read Management::read_until(const std::function<bool(const std::string&)>& complete) {
    const auto end = Clock::now() + patience_;
    while (!complete(bytes_)) {
        if (bytes_.size() > max_answer_bytes) return Read::TooMuch;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
        if (left.count() <= 0) return Read::Late;
        pollfd one{socket_.value(), POLLIN, 0};
        if (::poll(&one, 1, static_cast<int>(left.count())) <= 0) continue;
        std::array<char, 16384> part{};
        const auto count = ::read(socket_.value(), part.data(), part.size());
        if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return Read::Closed;
        if (count > 0) bytes_.append(part.data(), static_cast<std::size_t>(count));
    }
    return Read::Complete;
}

Status Management::send(std::string_view command) {
    bytes_.clear();
    const auto line = fmt::format("{}\n", command);
    // Far less than the buffer of a socket.
    if (::send(socket_.value(), line.data(), line.size(), MSG_NOSIGNAL) ==
        static_cast<ssize_t>(line.size()))
        return {};
    return fail(ErrorCode::Failed, "the switch does not listen");
}

Result<std::string> Management::ask(std::string_view command) {
    if (auto sent = send(command); !sent) return tl::unexpected(sent.error());
    std::optional<Answer> answer;
    const auto read = read_until([&](const std::string& bytes) {
        answer = read_answer(bytes);
        return answer.has_value();
    });
    switch (read) {
    case Read::Late:
        return fail(ErrorCode::TimedOut,
                    fmt::format("no answer to {} within {} ms", command, patience_.count()));
    case Read::Closed:
        return fail(ErrorCode::Failed, "the switch has closed the connection");
    case Read::TooMuch:
        return fail(ErrorCode::Malformed, fmt::format("no end of the answer to {}", command));
    case Read::Complete:
        break;
    }
    if (!answer->is_success())
        return fail(ErrorCode::Failed,
                    fmt::format("it answers {} with {}", command, answer->status));
    return std::move(answer->data);
}

Status Management::shut_down() {
    if (auto sent = send("shutdown"); !sent) return {}; // it has gone by itself
    if (read_until([](const std::string&) { return false; }) == Read::Closed) return {};
    return fail(ErrorCode::TimedOut,
                fmt::format("it was asked and has not ended within {} ms", patience_.count()));
}

} // namespace ctys::vde
