#include "tools/setup_vde/commands.h"

#include "mesh/core/text.h"
#include "mesh/loop/child_process.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <unistd.h>

namespace ctys::vde {

namespace {

// ip and vde_switch take milliseconds.
constexpr Duration program_patience = std::chrono::seconds{20};
constexpr std::size_t most_output = std::size_t{16} * 1024 * 1024;

std::string path_variable() {
    const char* path = std::getenv("PATH");
    return path == nullptr ? "/usr/bin:/bin" : path;
}

std::vector<std::string> surroundings(const Account& owner) {
    return {"PATH=" + path_variable(),
            "HOME=" + owner.home,
            "USER=" + owner.name,
            "LOGNAME=" + owner.name,
            "LANG=C.UTF-8"};
}

// "vde_switch: Could not bind": the last line says most, and its author is known.
std::string words_of(const std::string& errors, const std::string& program) {
    auto text = trim(errors);
    text = trim(text.substr(text.rfind('\n') + 1));
    const auto name = text.find(program + ": ");
    if (name != std::string_view::npos) text.remove_prefix(name + program.size() + 2);
    return printable(text, 300);
}

} // namespace

Result<std::string>
run_program(loop::EventLoop& loop, const std::vector<std::string>& argv, const Account* owner) {
    loop::ChildSpec spec{.argv = argv,
                         .cwd = "/",
                         .new_session = true,
                         .output = loop::ToMemory{.limit = most_output},
                         .errors = loop::ToMemory{},
                         .deadline = program_patience};
    if (owner != nullptr && owner->uid != ::geteuid()) {
        spec.env = surroundings(*owner);
        spec.uid = owner->uid;
        spec.gid = owner->gid;
    }
    const auto& program = argv.front();
    std::optional<loop::ChildResult> result;
    auto child = loop::ChildProcess::start(
        loop, spec, [&](const loop::ChildResult& ended) { result = ended; });
    if (!child) {
        const bool absent = child.error().code == ErrorCode::NotFound;
        return fail(absent ? ErrorCode::Unsupported : child.error().code, child.error().message);
    }
    std::ignore = loop.run_until([&] { return result.has_value(); },
                                 program_patience + std::chrono::seconds{2});
    if (!result || result->timed_out)
        return fail(ErrorCode::TimedOut, fmt::format("{} takes too long", program));
    if (result->exit_status == 0 && result->term_signal == 0) return std::move(result->output);
    auto words = words_of(result->errors, program);
    if (words.empty()) {
        words = result->term_signal != 0 ? fmt::format("ended by signal {}", result->term_signal)
                                         : fmt::format("ended with {}", result->exit_status);
    }
    return fail(ErrorCode::Failed, fmt::format("{}: {}", program, words));
}

bool has_program(const std::string& name) {
    const auto path = path_variable();
    for (const auto folder : split(path, ':')) {
        const auto file = fmt::format("{}/{}", folder, name);
        if (!folder.empty() && ::access(file.c_str(), X_OK) == 0) return true;
    }
    return false;
}

void complete_path() {
    auto path = path_variable();
    for (const auto* folder : {"/usr/sbin", "/sbin", "/usr/bin", "/bin", "/opt/vde/bin"}) {
        const auto folders = split(path, ':');
        if (std::find(folders.begin(), folders.end(), folder) == folders.end())
            path.append(":").append(folder);
    }
    ::setenv("PATH", path.c_str(), 1);
}

} // namespace ctys::vde
