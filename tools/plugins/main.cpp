// ctys-plugins: in which state the session types of the original are on this machine, what is
// missing, and the command that provides it.
#include "mesh/core/text.h"
#include "mesh/loop/event_loop.h"
#include "mesh/setup/process.h"
#include "tools/client/terminal.h"
#include "tools/client/tool_settings.h"
#include "tools/output/error_report.h"
#include "tools/plugins/options.h"
#include "tools/plugins/report.h"
#include "tools/plugins/survey_call.h"
#include "tools/words/option_words.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <unistd.h>

using namespace ctys;
using namespace ctys::tools;

namespace {

constexpr int not_green = 1;

struct Options {
    std::string loaded;
    std::string working;
    std::string debug;
    std::string state_dir;
    std::string runtime_dir;
    std::string timeout = "130s"; // the survey's own bound is two minutes
    bool as_server = false;
    bool quick_list = false;
    bool quick_tab = false;
    bool fresh = false;
};

Result<PluginRequest> request_of(const Options& options) {
    PluginRequest request{.as_server = options.as_server};
    const bool names_none = options.loaded.empty() && options.working.empty();
    const auto names = names_none ? std::string{"ALL"} : options.loaded;
    if (!names.empty()) {
        auto loaded = parse_plugin_types(names);
        if (!loaded) return tl::unexpected(within("-T", loaded.error()));
        request.loaded = std::move(*loaded);
    }
    if (!options.working.empty()) {
        const auto working = parse_plugin_type(options.working);
        if (!working) return tl::unexpected(within("-t", working.error()));
        request.working = *working;
    }
    const auto settings = load_tool_settings();
    if (!settings) return tl::unexpected(settings.error());
    for (const auto& name : settings->texts("plugins.ignore")) {
        const auto type = parse_plugin_type(name);
        if (!type) {
            return tl::unexpected(
                within(fmt::format("plugins.ignore ({})", settings->origin("plugins.ignore")),
                       type.error()));
        }
        request.ignored.push_back(*type);
    }
    return request;
}

std::vector<std::string> survey_command(const Options& options) {
    std::vector<std::string> call{setup::program_beside("ctys-agent"), "--probe", "-o", "record"};
    if (options.fresh) call.emplace_back("--fresh");
    if (!options.state_dir.empty()) call.insert(call.end(), {"--state-dir", options.state_dir});
    if (!options.runtime_dir.empty())
        call.insert(call.end(), {"--runtime-dir", options.runtime_dir});
    return call;
}

Result<int> run(const Options& options) {
    const auto request = request_of(options);
    if (!request) return tl::unexpected(request.error());
    bool traces = false;
    if (!options.debug.empty()) {
        const auto asked = traces_checks(options.debug);
        if (!asked) return tl::unexpected(asked.error());
        traces = *asked;
    }
    const auto patience = parse_duration(options.timeout);
    if (!patience) {
        return fail(ErrorCode::Usage,
                    within("--timeout", patience.error()).message,
                    "ctys-plugins --timeout 3m -T QEMU -E");
    }
    loop::EventLoop loop;
    const auto worker = survey_this_machine(loop, survey_command(options), *patience);
    if (!worker) return tl::unexpected(worker.error());
    const auto plugins = judge_plugins(*request, *worker);
    if (traces) {
        fmt::memory_buffer trace;
        render_trace(trace, plugins);
        static_cast<void>(write_all(STDERR_FILENO, {trace.data(), trace.size()}));
    }
    const auto view = view_of(STDOUT_FILENO);
    fmt::memory_buffer out;
    if (options.quick_list) render_quick_list(out, *request, plugins, *worker, view);
    if (options.quick_tab) render_quick_tab(out, plugins, *worker, view);
    if (!options.quick_list && !options.quick_tab)
        render_report(out, *request, plugins, *worker, view);
    if (auto written = write_all(STDOUT_FILENO, {out.data(), out.size()}); !written)
        return tl::unexpected(written.error());
    return all_green(*request, plugins) ? 0 : not_green;
}

int report(const Error& error) {
    fmt::memory_buffer text;
    render_error(text, "", error);
    // The same report as that of ctys, under this name.
    auto words = fmt::to_string(text);
    if (words.starts_with("ctys: ")) words.insert(4, "-plugins");
    static_cast<void>(write_all(STDERR_FILENO, words));
    return traits(error.code).exit_status;
}

int serve_words(int argc, char** argv) {
    Options options;
    CLI::App app{"In which state the session types of the original are on this machine, what is "
                 "missing, and the command that provides it."};
    app.name("ctys-plugins");
    app.footer(
        "Exit status: 0 all that are asked for are green (ENABLED, IDLE, BUSY), 1 one is not, "
        "2 wrong usage.\nExamples:\n"
        "  ctys-plugins -T QEMU,VNC,X11,CLI -E      after QEMU and VDE were installed\n"
        "  ctys-plugins -d 64,p -T qemu -E          each thing that is looked at\n"
        "  ctys-plugins -T ALL -E --quick-list");
    app.set_version_flag("-V,--version", std::string{"ctys-plugins "} + CTYS_VERSION);
    app.add_option(
        "-T", options.loaded, "Plugins to look at: QEMU, VNC, X11, CLI, or ALL (default)");
    app.add_option(
        "-t", options.working, "The working one: BUSY where it is green, the others IDLE");
    app.add_flag("-E", options.as_server, "As execution target: what sessions need where they run");
    app.add_option("-d", options.debug, "Debug as in the original: 64,p traces the checks");
    app.add_flag("--quick-list", options.quick_list, "One line for each plugin");
    app.add_flag("--quick-tab", options.quick_tab, "One line for the machine");
    app.add_flag("--fresh", options.fresh, "Ask all emulators and try KVM anew");
    app.add_option("--timeout", options.timeout, "Longest wait for the answers (default 130s)");
    app.add_option("--state-dir", options.state_dir, "As for ctys-agent (CTYS_STATE_DIR)");
    app.add_option("--runtime-dir", options.runtime_dir, "As for ctys-agent (CTYS_RUNTIME_DIR)");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        return report({.code = ErrorCode::Usage,
                       .message = tools::option_words(app, error),
                       .try_next = "ctys-plugins --help"});
    }
    const auto status = run(options);
    return status ? *status : report(status.error());
}

} // namespace

int main(int argc, char** argv) {
    try {
        return serve_words(argc, argv);
    } catch (const Fault& fault) {
        return report(fault.error());
    } catch (const std::exception& failure) {
        return report({.code = ErrorCode::Failed, .message = failure.what()});
    }
}
