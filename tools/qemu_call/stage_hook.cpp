#include "tools/qemu_call/stage_hook.h"

#include "mesh/core/text.h"
#include "tools/qemu_call/install_target.h"
#include "tools/qemu_call/program_run.h"

#include <fmt/format.h>

#include <cstdlib>

namespace ctys::call {

namespace {

constexpr std::chrono::minutes stage_patience{10};
constexpr std::size_t shown_bytes = 400;

std::string last_words(std::string_view said) {
    const auto text = trim(said);
    if (text.empty()) return {};
    const auto tail = text.size() > shown_bytes ? text.substr(text.size() - shown_bytes) : text;
    return ": " + printable(tail, shown_bytes);
}

} // namespace

bool has_stage_hook() {
    return std::getenv("BASH_FUNC_inst_stage%%") != nullptr;
}

Status run_stage_hook(const qemu::InstallTarget& target) {
    if (auto alone = check_unused(target.file); !alone) return alone;
    const auto end = run_program({"bash",
                                  "-c",
                                  "inst_stage \"$@\"",
                                  "inst_stage",
                                  target.custom,
                                  target.file,
                                  target.format},
                                 stage_patience);
    if (!end) return wrap("inst_stage " + target.custom, end.error());
    if (end->cut)
        return fail(ErrorCode::Failed, fmt::format("inst_stage {} says too much", target.custom));
    if (end->status == 0) return {};
    return fail(ErrorCode::Failed,
                fmt::format("inst_stage {} of the configuration ended with {}{}",
                            target.custom,
                            end->status,
                            last_words(end->said)));
}

} // namespace ctys::call
