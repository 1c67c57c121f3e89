// ctys-qemu-call: what a VM's wrapper script calls to assemble, check, print and run QEMU.
#include "mesh/core/digest.h"
#include "mesh/core/shell_quoted.h"
#include "mesh/core/text.h"
#include "mesh/qemu/command_line.h"
#include "mesh/qemu/vnc.h"
#include "mesh/setup/process.h"
#include "tools/qemu_call/check.h"
#include "tools/qemu_call/configuration_check.h"
#include "tools/qemu_call/consent.h"
#include "tools/qemu_call/console_link.h"
#include "tools/qemu_call/empty_values.h"
#include "tools/qemu_call/emulator_check.h"
#include "tools/qemu_call/free_display.h"
#include "tools/qemu_call/ignored_signals.h"
#include "tools/qemu_call/image_check.h"
#include "tools/qemu_call/install_target.h"
#include "tools/qemu_call/instance_dir.h"
#include "tools/qemu_call/lease.h"
#include "tools/qemu_call/problem_place.h"
#include "tools/qemu_call/qemu_build.h"
#include "tools/qemu_call/shim.h"
#include "tools/qemu_call/stage_hook.h"
#include "tools/qemu_call/state_note.h"
#include "tools/qemu_call/switch_check.h"
#include "tools/qemu_call/wrapper_run.h"
#include "tools/words/option_words.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace ctys;
using namespace ctys::call;

namespace {

// For a person to look at the disk again.
constexpr std::chrono::minutes answer_time{5};

struct Options {
    std::string config;
    std::string instance_directory;
    bool print = false;
    bool check = false;
    bool run = false;
    bool list_options = false;
    bool confirm_start = false;
    bool alone = false;
    bool discard_state = false;
    bool forget_state = false;
    std::string note_state;  ///< tag
    std::string image_check; ///< path
    ModeOptions modes;
    std::vector<std::string> assignments;
};

void say(const std::string& text) {
    std::fprintf(stderr, "ctys-qemu-call: %s\n", text.c_str());
}

int give_up(const Error& error) {
    say(error.message);
    return traits(error.code).exit_status;
}

Result<std::string> absolute(const std::string& path) {
    auto resolved = real_path(path);
    if (!resolved.empty()) return resolved;
    return fail(ErrorCode::NotFound, "the configuration " + printable(path) + " does not exist");
}

// What the agent hands to the wrapper it starts; by hand, the lease it grants.
Status obtain_right(const Options& options, const Request& request, qemu::InstanceFacts& facts) {
    const char* action = std::getenv("CTYS_ACTION");
    const char* token = std::getenv("CTYS_TOKEN");
    if (action != nullptr) {
        const auto id = ActionId::parse(action);
        if (!id) return wrap("CTYS_ACTION", id.error());
        facts.action = *id;
        facts.token = token == nullptr ? 0 : std::strtoull(token, nullptr, 10);
        return {};
    }
    const auto lease = ask_agent_for_lease(
        setup::program_folder() + "/ctys-ask-lease", options.config, request.plan.label);
    switch (lease.kind) {
    case LeaseAnswer::Kind::Granted:
        facts.action = lease.action;
        facts.token = lease.token;
        return {};
    case LeaseAnswer::Kind::Refused:
        return fail(ErrorCode::Conflict, lease.reason);
    case LeaseAnswer::Kind::Alone:
        say(request.plan.label + " starts without a lease: " + lease.reason);
        return {};
    case LeaseAnswer::Kind::NoAgent:
        break;
    }
    const auto why =
        lease.reason.empty() ? std::string{"no agent answers on this machine"} : lease.reason;
    auto files = written_files(request);
    if (request.plan.boot) files.push_back(request.plan.boot->file);
    for (const auto& file : files) {
        if (options.alone || !is_on_shared_storage(file)) continue;
        return fail(ErrorCode::Conflict,
                    fmt::format("{}, and {} is on shared storage: another machine may be running "
                                "it; --alone starts it all the same",
                                why,
                                printable(file)));
    }
    say(fmt::format("{}, {} starts without a lease", why, request.plan.label));
    return {};
}

// Before anything is asked of an agent: a person may take their time.
Status agree(const Request& request) {
    if (request.question.empty()) return {};
    if (has_consent(
            "ctys-qemu-call: " + request.question, STDIN_FILENO, STDERR_FILENO, answer_time))
        return {};
    return fail(ErrorCode::Conflict, printable(request.target->file) + " is kept as it is");
}

// A saved state is thrown away when nothing can stand against it any more.
Status prepare(const Options& options, const Request& request) {
    if (request.target) {
        auto done = prepare_target(*request.target, request.preparation, request.seen);
        if (!done) return done;
        if (request.has_hook && request.target->stage == qemu::Stage::Custom) {
            if (auto ran = run_stage_hook(*request.target); !ran) return ran;
        }
    }
    return options.discard_state ? remove_state_note(options.config) : Status{};
}

// Only the storage, for an installation that comes later. No lease: nothing is started, and QEMU's
// lock on an image is respected, but that ends at the machine where others mount it too. What is
// made there is over nothing.
int make_storage(const Options& options, const Request& request) {
    const auto what = request.preparation;
    const bool writes = what == qemu::Preparation::Empty || what == qemu::Preparation::Fill;
    if (writes && !options.alone && is_on_shared_storage(request.target->file)) {
        return give_up({.code = ErrorCode::Conflict,
                        .message = printable(request.target->file) +
                                   " is on shared storage: another machine may be running it; "
                                   "--alone empties it all the same"});
    }
    if (auto agreed = agree(request); !agreed) return give_up(agreed.error());
    const auto done = prepare(options, request);
    return done ? 0 : give_up(done.error());
}

// What the wrapper's library has made of QEMUMONSOCK; nothing where nobody has set it.
std::optional<std::string> asked_link() {
    const char* link = std::getenv("CTYS_CONSOLE_LINK");
    if (link == nullptr) return std::nullopt;
    return link;
}

Status check_link() {
    const auto link = asked_link();
    return link && !link->empty() ? check_console_link(*link) : Status{};
}

// Of a VM that a person runs.
Result<IgnoredSignals> ignored_signals() {
    const char* text = std::getenv("CTYS_SIGIGNORESPEC");
    return parse_ignored_signals(text == nullptr ? "" : text);
}

void ignore_signals(const IgnoredSignals& asked) {
    for (const int signal : asked.signals) {
        ::signal(signal, SIG_IGN);
    }
}

// What the environment of the wrapper says, from its library or from the caller.
std::vector<Problem> check_surroundings(const Options& options, std::vector<std::string>& notes) {
    std::vector<Problem> problems;
    if (auto fine = check_link(); !fine)
        problems.push_back({"QEMUMONSOCK", fine.error().message, fine.error().code});
    if (options.confirm_start || std::getenv("CTYS_ACTION") != nullptr) return problems;
    const auto asked = ignored_signals();
    if (!asked) {
        problems.push_back({"CTYS_SIGIGNORESPEC", asked.error().message, asked.error().code});
        return problems;
    }
    notes.insert(notes.end(), asked->notes.begin(), asked->notes.end());
    if (!asked->signals.empty())
        notes.push_back("ignored by CTYS_SIGIGNORESPEC: " + names_of(asked->signals));
    return problems;
}

int run(const Options& options, const Request& request, const std::vector<std::string>& argv) {
    qemu::InstanceFacts facts{
        .label = request.plan.label, .uuid = request.plan.uuid, .config = options.config};
    facts.resumes = !request.plan.load_state.empty();
    if (auto agreed = agree(request); !agreed) return give_up(agreed.error());
    if (auto right = obtain_right(options, request, facts); !right) return give_up(right.error());
    // What QEMU is really told, with what ARGSADD says; one CPU is its own default.
    const auto line = qemu::parse(argv);
    facts.arch = qemu::arch_of_program(argv.front());
    facts.vcpus = std::max(line.vcpus, 1U);
    facts.memory_mb = line.memory_mb;
    std::string joined;
    for (const auto& argument : argv) {
        joined.append(argument).push_back('\0');
    }
    facts.argv_digest = digest(joined);
    if (auto done = prepare(options, request); !done) return give_up(done.error());
    const auto& directory = request.plan.instance_directory;
    if (auto made = prepare_directory(directory); !made) return give_up(made.error());
    const auto files = qemu::instance_files(directory);
    if (facts.action.is_none()) {
        say("console " + files.console + ", log " + files.stderr_log);
    }
    if (request.free_display && !options.confirm_start) {
        const auto display = request.plan.vnc_display.value_or(0);
        say(fmt::format("VNC 127.0.0.1:{} (port {})", display, qemu::vnc_base_port + display));
    }
    if (std::getenv("CTYS_PRINT_FINAL") != nullptr) say(shell_quoted(argv));
    // Only an agent lets a VM wait for its word; it listens at the monitor, too.
    const auto link = asked_link();
    Parenthood parenthood{.console_link = link.value_or(default_console_link(facts.label)),
                          .needs_link = link.has_value()};
    if (!options.confirm_start) {
        if (const auto asked = ignored_signals()) ignore_signals(*asked);
        parenthood.signals = Signals::AskGuest;
        if (request.attached) parenthood.seat = Seat::Terminal;
    }
    const auto ended = run_qemu(argv, files, facts, parenthood);
    if (!ended) return give_up(ended.error());
    if (ended->signal != 0) say(fmt::format("QEMU was ended by signal {}", ended->signal));
    if (ended->code > 0) {
        say(fmt::format("QEMU ended with {}; its words are in {}", ended->code, files.stderr_log));
    }
    return ended->signal != 0 ? 128 + ended->signal : ended->code;
}

int note_state(const Options& options) {
    using namespace std::chrono;
    const auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    const auto done =
        options.forget_state
            ? remove_state_note(options.config)
            : write_state_note(options.config, {.tag = options.note_state, .at = {now}});
    return done ? 0 : give_up(done.error());
}

// What was saved is loaded: only by an agent, which knows whether the VM may run, takes the note
// away before it does, and deletes the snapshot.
Status plan_saved_state(const Options& options, Request& request) {
    if (options.discard_state) return {};
    const auto note = read_state_note(options.config);
    if (!note) return tl::unexpected(note.error());
    if (!*note) return {};
    const auto& label = request.plan.label;
    if (options.run && !options.confirm_start) {
        return fail(ErrorCode::Conflict,
                    fmt::format("{0} is suspended to disk: `ctys start {0}` goes on from there; "
                                "--discard-state starts it anew",
                                label));
    }
    if (options.modes.any()) {
        return fail(ErrorCode::Conflict,
                    fmt::format("{} is suspended to disk and goes on with the devices it had; "
                                "--discard-state boots it anew",
                                label));
    }
    request.plan.load_state = (*note)->tag;
    return {};
}

void tell(const std::vector<Problem>& problems, const std::string& config) {
    const auto text = text_of_configuration(config);
    for (const auto& problem : problems) {
        if (problem.key.empty()) {
            say(problem.text);
            continue;
        }
        const auto line = line_of(problem.key, text);
        const auto place =
            line == 0 ? std::string{} : fmt::format("{}:{}: ", printable(config), line);
        say(fmt::format("{}{}: {}", place, problem.key, problem.text));
    }
}

/// Becomes the QEMU of this VM, which tells its own options.
int list_options(const Request& request, const std::vector<Problem>& problems) {
    const auto& binary = request.plan.binary;
    if (binary.starts_with('/')) {
        ::execl(binary.c_str(), binary.c_str(), "-help", nullptr);
        return give_up({.code = ErrorCode::Failed,
                        .message = fmt::format(
                            "cannot execute {}: {}", printable(binary), std::strerror(errno))});
    }
    for (const auto& problem : problems) {
        if (problem.key == "STARTERCALL")
            return give_up({.code = problem.code, .message = problem.text});
    }
    return give_up({.code = ErrorCode::NotFound, .message = "there is no QEMU"});
}

/// In words of the QEMU that is started. Which one that is, the same variables say.
Request request_of(const Options& options, const std::string& folder) {
    auto request = read_request(options.assignments, folder, options.modes, own_user());
    if (options.list_options || options.modes.init_only) return request;
    std::vector<std::string> none; // of these check() will tell
    const auto binary = find_qemu(request.plan, none);
    if (binary.empty()) return request;
    auto build = version_of(binary, read_kvm_note());
    if (build.version != request.plan.version) {
        request =
            read_request(options.assignments, folder, options.modes, own_user(), build.version);
    }
    if (!build.note.empty()) request.notes.push_back(std::move(build.note));
    return request;
}

int serve(Options options) {
    if (!options.image_check.empty()) {
        const auto fine = check_image(options.image_check);
        return fine ? 0 : give_up(fine.error());
    }
    auto config = absolute(options.config);
    if (!config) return give_up(config.error());
    options.config = *config;
    if (options.forget_state || !options.note_state.empty()) return note_state(options);
    auto request = request_of(options, folder_of(*config));
    request.has_hook = has_stage_hook();
    request.may_ask = !options.print && !options.check && is_terminal(STDIN_FILENO, STDERR_FILENO);
    auto& plan = request.plan;
    plan.instance_directory = options.instance_directory.empty()
                                  ? default_instance_directory(plan.label)
                                  : options.instance_directory;
    // At -S somebody must send `cont`: only an agent does.
    plan.paused = options.confirm_start;
    if (auto planned = plan_saved_state(options, request); !planned)
        return give_up(planned.error());

    std::vector<std::string> notes;
    if (options.modes.boot && request.target)
        notes.emplace_back("an installation goes before a boot mode: --bootmode is not used");
    if (request.attached && !request.nographic && options.confirm_start) {
        notes.emplace_back(
            "console CLI0: an agent starts it, which has no terminal; `ctys console` "
            "attaches one");
    }
    auto problems = check(request, notes);
    // Nothing at a start, which has no time for it, that of a foreign wrapper by an agent included.
    if (options.check && !request.storage_only && plan.binary.starts_with('/') &&
        std::getenv("CTYS_ACTION") == nullptr) {
        for (auto& problem : ask_emulator(plan, notes))
            problems.push_back(std::move(problem));
    }
    if (!request.storage_only) {
        for (auto& problem : check_configuration(options.config, plan.label, notes)) {
            const bool is_told =
                std::any_of(problems.begin(), problems.end(), [&](const auto& one) {
                    return !one.key.empty() && one.key == problem.key;
                });
            if (!is_told) problems.push_back(std::move(problem));
        }
    }
    if (!request.storage_only) {
        for (auto& problem : check_surroundings(options, notes))
            problems.push_back(std::move(problem));
    }
    if (options.list_options) return list_options(request, problems);
    if (!problems.empty()) {
        tell(problems, *config);
        return traits(problems.front().code).exit_status;
    }
    for (const auto& note : notes) {
        say(note);
    }
    if (options.modes.init_only)
        return options.print || options.check ? 0 : make_storage(options, request);
    FreeDisplay kept; // until QEMU has ended
    if (request.free_display) {
        const auto display = kept.take(first_free_display, last_free_display);
        if (!display) return give_up(display.error());
        plan.vnc_display = *display;
    }
    const auto argv = qemu::assemble(plan);
    if (!argv) return give_up(argv.error());
    if (options.print) std::printf("%s\n", shell_quoted(*argv).c_str());
    return options.run ? run(options, request, *argv) : 0;
}

// Calls that need nothing but the path; the options of a wrapper are its own.
std::optional<int> serve_wrapper(const std::vector<std::string>& given) {
    if (given.size() >= 2 && given[0] == "--wrapper")
        return run_wrapper(given[1], std::span{given}.subspan(2));
    if (given.size() != 1 || given[0] != "--wrapper-lib") return std::nullopt;
    const auto text = library_text();
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}

/// Options that no wrapper takes: it gives them, or an agent does.
constexpr auto of_callers = "For wrappers and agents";

constexpr auto valued_options = std::to_array<std::string_view>({"--bootmode",
                                                                 "--check-image",
                                                                 "--config-file",
                                                                 "--console",
                                                                 "--instance-dir",
                                                                 "--instmode",
                                                                 "--kernelmode",
                                                                 "--note-state",
                                                                 "--vncaccessdisplay"});

// A value of its own for each: an empty one is not the same as none.
void add_modes(CLI::App& app, Options& options) {
    const auto add = [&](const char* name, std::optional<std::string>& value, const char* text) {
        app.add_option_function<std::string>(
               name, [&value](const std::string& typed) { value = typed; }, text)
            ->take_last();
    };
    auto& modes = options.modes;
    add("--bootmode", modes.boot, "MODE[%PATH] to boot: CD DVD FDD HDD VHDD USB PXE INSTALL");
    add("--instmode",
        modes.install,
        "SOURCE%PATH%TARGET%PATH%STAGE to install; `default` is what the configuration says");
    add("--kernelmode", modes.kernel, "KERNEL%INITRD%ARGUMENTS to boot");
    add("--console",
        modes.console,
        "CLI CLI0 XTERM GTERM EMACS EMACSM EMACSA EMACSAM SDL VNC NONE");
    add("--vncaccessdisplay",
        modes.vnc_display,
        "VNC display N on the loopback address; free: the first one that nobody has");
    app.add_flag("--initmode", modes.init, "Install with the stage INIT");
    app.add_flag("--initmodeonly,--initonly",
                 modes.init_only,
                 "Only prepare the storage of an installation, as INIT does");
    app.add_flag("--force", modes.force, "INIT may destroy what the target holds");
}

int serve_words(int argc, char** argv) {
    Options options;
    CLI::App app{"Assembles, checks, prints or runs the QEMU of one VM directory. People call the "
                 "wrapper there,\n./web.sh, which starts the VM; with --print or --check it does "
                 "not. See ctys-qemu-call(1).",
                 "ctys-qemu-call"};
    app.set_version_flag("--version", CTYS_VERSION);
    // Of an option that is given again the last one holds (CTYS-REFERENCE 3.1).
    app.add_option("--config-file", options.config, "The VM's configuration")
        ->required()
        ->take_last()
        ->group(of_callers);
    app.add_flag("--print", options.print, "Print the command line");
    app.add_flag("--check", options.check, "Check what can be checked without starting");
    app.add_flag("--run", options.run, "Start QEMU and stay its parent")
        ->excludes("--check")
        ->group(of_callers);
    app.add_flag("--list-options", options.list_options, "Print the options of the VM's QEMU")
        ->group(of_callers);
    app.add_option("--instance-dir", options.instance_directory, "Directory of this start")
        ->envname("CTYS_INSTANCE_DIR")
        ->take_last();
    app.add_flag("--confirm-start", options.confirm_start, "Keep the VM stopped until `cont`")
        ->envname("CTYS_CONFIRM_START");
    app.add_flag("--alone", options.alone, "Start from shared storage without an agent");
    app.add_flag("--discard-state",
                 options.discard_state,
                 "Throw away what `ctys suspend` has saved, and boot")
        ->envname("CTYS_DISCARD_STATE");
    app.add_option("--note-state", options.note_state, "Note that this snapshot is its state")
        ->take_last()
        ->group(of_callers);
    app.add_flag("--forget-state", options.forget_state, "Take that note away")
        ->excludes("--note-state")
        ->group(of_callers);
    app.add_option("--check-image", options.image_check, "Can this account give it to the VM?")
        ->take_last()
        ->group(of_callers);
    add_modes(app, options);
    app.add_option("assignments", options.assignments, "KEY=VALUE of the configuration");
    app.footer("A wrapper also takes:\n"
               "  --argsadd='-rtc base=localtime'  Further options of QEMU\n"
               "  --startercall=PROGRAM            Another QEMU\n"
               "  --listoptions                    Print the options of the VM's QEMU\n"
               "  -d LEVEL                         What the configuration prints, as 64,p\n"
               "ctys-qemu-call --wrapper FILE.ctys [OPTIONS]: becomes the VM's wrapper, with its "
               "options;\n  with --check-first one that is not of this version is run with --check "
               "before\nctys-qemu-call --wrapper-lib: prints ctys-wrapper-lib.sh");
    const std::vector<std::string> given{argv + 1, argv + argc};
    if (const auto status = serve_wrapper(given)) return *status;
    auto arguments = split_empty_values(given, valued_options);
    if (!arguments) return give_up(arguments.error());
    std::reverse(arguments->begin(), arguments->end()); // as CLI11 takes a vector
    try {
        app.parse(std::move(*arguments));
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        say(tools::option_words(app, error) + "; --help lists the options");
        return traits(ErrorCode::Usage).exit_status;
    }
    if (options.modes.init_only) options.modes.init = true;
    if (options.modes.init_only && options.run) {
        say("--initmodeonly starts nothing: without --run");
        return traits(ErrorCode::Usage).exit_status;
    }
    const bool notes =
        options.forget_state || !options.note_state.empty() || !options.image_check.empty();
    if (!options.print && !options.check && !options.run && !options.modes.init_only && !notes &&
        !options.list_options) {
        say("one of --print, --check and --run is needed");
        return traits(ErrorCode::Usage).exit_status;
    }
    return serve(std::move(options));
}

} // namespace

int main(int argc, char** argv) {
    try {
        return serve_words(argc, argv);
    } catch (const std::exception& failure) {
        return give_up({.code = ErrorCode::Failed, .message = failure.what()});
    }
}
