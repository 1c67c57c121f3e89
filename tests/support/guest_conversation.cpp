#include "tests/support/guest_conversation.h"

#include <fmt/format.h>

#include <optional>
#include <stdexcept>

namespace ctys::support {

namespace {

// A guest under emulation, in the middle of its boot, takes its time.
constexpr qmp::GuestTalkLimits patient{.sync = std::chrono::seconds{20},
                                       .answer = std::chrono::seconds{20}};

qmp::GuestRequest runs(std::vector<std::string> argv) {
    return {.kind = qmp::GuestRequest::Kind::Run, .argv = std::move(argv)};
}

std::string words(const Result<qmp::GuestAnswer>& answer) {
    if (!answer) return std::string{to_string(answer.error().code)};
    return answer->exit_status ? fmt::format("done {}", *answer->exit_status) : "done";
}

} // namespace

std::vector<std::string>
hold_guest_conversation(loop::EventLoop& loop,
                        const std::string& path,
                        const std::function<void(const std::function<bool()>&)>& wait) {
    std::vector<std::string> heard;
    const auto begin = [&](qmp::GuestRequest request, qmp::GuestClient::OnEnd on_end) {
        auto client = qmp::GuestClient::connect(loop,
                                                path,
                                                std::move(request),
                                                {.expected_pid = {}, .limits = patient},
                                                std::move(on_end));
        if (!client) throw std::runtime_error(client.error().message);
        return std::move(*client);
    };
    const auto talk = [&](const std::vector<std::string>& argv) {
        std::optional<std::string> end;
        const auto client =
            begin(runs(argv), [&](const Result<qmp::GuestAnswer>& answer) { end = words(answer); });
        wait([&] { return end.has_value(); });
        heard.push_back(*end);
    };
    talk({"/bin/sh", "-c", "exit 3"});
    talk({"/bin/sh", "-c", "kill -9 $$"});
    talk({"/nonexistent/program"});
    // Its sync is on the way, and nobody waits for the answer.
    begin(runs({"/bin/sh", "-c", "exit 4"}), [](const Result<qmp::GuestAnswer>&) {}).reset();
    talk({"/bin/sh", "-c", "exit 3"});
    return heard;
}

std::vector<std::string> expected_guest_conversation() {
    return {"done 3", "done 137", "failed", "done 3"};
}

} // namespace ctys::support
