#include "tools/plugins/survey_call.h"

#include "mesh/core/text.h"
#include "mesh/loop/child_process.h"
#include "schema/codec.h"

#include <fmt/format.h>

#include <csignal>
#include <optional>
#include <span>

namespace ctys::tools {

namespace {

constexpr std::size_t most_survey = 4UL * 1024 * 1024;
/// For the survey to end the QEMUs it has begun, once it is asked to.
constexpr Duration farewell = std::chrono::seconds{3};

} // namespace

Result<WorkerRecord>
survey_this_machine(loop::EventLoop& loop, std::vector<std::string> call, Duration patience) {
    loop::ChildSpec spec{.argv = std::move(call)};
    spec.output = loop::ToMemory{most_survey};
    spec.errors = loop::ToMemory{};
    std::optional<loop::ChildResult> ended;
    auto child = loop::ChildProcess::start(
        loop, std::move(spec), [&](const loop::ChildResult& result) { ended = result; });
    if (!child) return tl::unexpected(within("ctys-agent --probe", child.error()));
    const auto is_over = [&] { return ended.has_value(); };
    if (!loop.run_until(is_over, patience)) {
        if (auto asked = child->kill(SIGTERM); asked)
            static_cast<void>(loop.run_until(is_over, farewell));
        return fail(ErrorCode::TimedOut,
                    fmt::format("this machine was not surveyed within {}", to_short_text(patience)),
                    "ctys-plugins --timeout 3m -T QEMU -E");
    }
    if (ended->term_signal != 0 || ended->exit_status != 0) {
        return fail(ErrorCode::Failed,
                    fmt::format("ctys-agent --probe ended with {} {}",
                                ended->term_signal != 0 ? "signal" : "status",
                                ended->term_signal != 0 ? ended->term_signal : ended->exit_status),
                    {},
                    {printable(trim(ended->errors), 1000)});
    }
    auto record =
        schema::decode_worker(std::as_bytes(std::span{ended->output.data(), ended->output.size()}));
    if (!record) return wrap("ctys-agent --probe", record.error());
    return record;
}

} // namespace ctys::tools
