// guest_talks SOCKET: holds the conversation of the scripted guest with a real one, by the socket
// at which its QEMU listens. Status 0 where both say the same.
#include "mesh/loop/event_loop.h"
#include "tests/support/guest_conversation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <stdexcept>

using namespace ctys;

namespace {

int talk_with(const char* path) {
    loop::EventLoop loop;
    const auto wait = [&](const std::function<bool()>& done) {
        if (!loop.run_until(done, std::chrono::minutes{1}))
            throw std::runtime_error("it did not end");
    };
    const auto heard = support::hold_guest_conversation(loop, path, wait);
    std::fputs(fmt::format("{}\n", fmt::join(heard, ", ")).c_str(), stdout);
    return heard == support::expected_guest_conversation() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: guest_talks SOCKET\n", stderr);
        return 2;
    }
    try {
        return talk_with(argv[1]);
    } catch (const std::exception& error) {
        std::fputs(fmt::format("guest_talks: {}\n", error.what()).c_str(), stderr);
        return 1;
    }
}
