#include "tools/qemu_call/consent.h"

#include "mesh/core/text.h"

#include <array>
#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace ctys::call {

namespace {

constexpr std::size_t max_answer = 64;

} // namespace

bool is_terminal(int in, int out) {
    return ::isatty(in) == 1 && ::isatty(out) == 1;
}

bool has_consent(const std::string& question, int in, int out, std::chrono::milliseconds patience) {
    const auto text = question + " [y/N] ";
    if (::write(out, text.data(), text.size()) < 0) return false;
    pollfd one{in, POLLIN, 0};
    int count = -1;
    do {
        count = ::poll(&one, 1, static_cast<int>(patience.count()));
    } while (count < 0 && errno == EINTR);
    if (count <= 0) return false;
    // A terminal gives one line at a time.
    std::array<char, max_answer> bytes{};
    const auto size = ::read(in, bytes.data(), bytes.size());
    if (size <= 0) return false;
    const auto answer = trim({bytes.data(), static_cast<std::size_t>(size)});
    return equals_ignoring_case(answer, "y") || equals_ignoring_case(answer, "yes");
}

} // namespace ctys::call
