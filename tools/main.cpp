#include "tools/client/terminal.h"
#include "tools/legacy/command_line.h"
#include "tools/output/error_report.h"
#include "tools/verbs/command_line.h"
#include "tools/verbs/help_pages.h"
#include "tools/verbs/legacy_call.h"

#include <fmt/format.h>

#include <exception>
#include <system_error>
#include <unistd.h>

namespace {

using namespace ctys;
using namespace ctys::tools;

constexpr int broken_pipe_status = 141; // as a shell reports a death by SIGPIPE

int report(const Error& error, std::string_view subject, const Globals& globals) {
    // The reader of our output has gone: no news for anybody.
    if (error.code == ErrorCode::Failed && error.message.empty()) return broken_pipe_status;
    fmt::memory_buffer out;
    const auto format = parse_format(globals.format);
    if (format && (*format == Format::Json || *format == Format::Jsonl)) {
        append_error_json(out, subject, error);
    } else {
        render_error(out, subject, error);
    }
    static_cast<void>(write_all(STDERR_FILENO, {out.data(), out.size()}));
    return traits(error.code).exit_status;
}

int show_page(std::string_view text) {
    return write_all(STDOUT_FILENO, text) ? 0 : broken_pipe_status;
}

int run_original(const std::vector<std::string>& args, Globals& globals) {
    auto rest = take_globals(legacy::spell_out(args), globals);
    if (!rest) return report(rest.error(), "", globals);
    auto line = legacy::parse_command_line(*rest);
    if (!line) return report(line.error(), "", globals);
    if (line->help) return show_page(help_page("legacy", {}).value_or(""));
    auto session = Session::open(globals, common_formats());
    if (!session) return report(session.error(), "", globals);
    auto done = run_legacy(**session, *line);
    return done ? 0 : report(done.error(), "-a " + line->action_text + " ", globals);
}

int run(const std::vector<std::string>& args) {
    Globals globals;
    const auto verbs = all_subcommands();
    std::vector<std::string_view> names;
    for (const auto& verb : verbs)
        names.push_back(verb->name());
    if (legacy::is_legacy(args, names)) return run_original(args, globals);

    auto parsed = parse_arguments(args, verbs, globals);
    if (!parsed) return report(parsed.error(), "", globals);
    if (const auto* page = std::get_if<Page>(&*parsed)) return show_page(page->text);
    auto& verb = *std::get<Chosen>(*parsed).verb;
    auto session = Session::open(globals, verb.formats());
    if (!session) return report(session.error(), verb.name(), globals);
    auto done = verb.run(**session);
    if (done) return verb.status_when_done();
    const auto object = verb.subject();
    return report(done.error(),
                  fmt::format("{}{}{}", verb.name(), object.empty() ? "" : " ", object),
                  globals);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run({argv + 1, argv + argc});
    } catch (const Fault& fault) {
        return report(fault.error(), "", {});
    } catch (const std::exception& error) {
        return report({.code = ErrorCode::Failed, .message = error.what()}, "", {});
    }
}
