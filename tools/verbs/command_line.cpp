#include "tools/verbs/command_line.h"

#include "mesh/core/near_word.h"
#include "mesh/core/text.h"
#include "tools/verbs/help_pages.h"
#include "tools/words/option_words.h"
#include "tools/words/reflex.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <array>

namespace ctys::tools {

namespace {

// Global options that are followed by a value: their values are no verbs.
constexpr std::array<std::string_view, 8> valued = {"-o",
                                                    "--output",
                                                    "--broker",
                                                    "--key",
                                                    "--broker-key",
                                                    "--runtime-dir",
                                                    "--state-dir",
                                                    "--timeout"};

void declare_globals(Arguments& arguments, Globals& globals) {
    arguments.text("-o,--output", globals.format, "FORMAT", "table wide json jsonl csv name");
    arguments.text("--broker", globals.broker, "ENDPOINT", "ipc:///PATH or tcp://HOST:7510");
    arguments.text("--key", globals.key, "FILE", "this user's keys for tcp");
    arguments.text("--broker-key",
                   globals.broker_key,
                   "KEY|FILE",
                   "the broker's public key, or a file with it");
    arguments.text("--runtime-dir", globals.runtime_dir, "DIR", "of another mesh");
    arguments.text("--state-dir", globals.state_dir, "DIR", "of another mesh");
    arguments.span("--timeout", globals.timeout, "my patience (status 124); actions go on");
    arguments.flag("--no-header", globals.no_header, "rows only");
    arguments.flag("-q,--quiet", globals.quiet, "results only");
    arguments.flag("-y,--yes", globals.yes, "do not ask");
}

std::string options_page() {
    Globals unused;
    CLI::App app{"Options of every verb, before it or behind it"};
    Arguments arguments(app);
    declare_globals(arguments, unused);
    app.set_version_flag("--version", CTYS_VERSION, "the version, without a verb");
    app.footer("  ctys --broker tcp://lab01:7510 list -o json\n"
               "  ctys shutdown web01 --deadline 3m --timeout 10s\n"
               "A TIME is 90, 90s, 3m or 2h.\n");
    return app.help("ctys");
}

// Where the first word stands that is no option and no value of one; the size when none is there.
std::size_t find_word(const std::vector<std::string>& args, std::size_t from) {
    for (auto i = from; i < args.size(); ++i) {
        if (std::find(valued.begin(), valued.end(), args[i]) != valued.end()) {
            ++i;
        } else if (!args[i].starts_with('-')) {
            return i;
        }
    }
    return args.size();
}

// The value of the last -o, in whichever way it was written; empty without one.
std::string_view asked_format(const std::vector<std::string>& args) {
    std::string_view format;
    for (std::size_t i = 0; i < args.size(); ++i) {
        const std::string_view arg = args[i];
        if (arg == "-o" || arg == "--output") {
            if (++i < args.size()) format = args[i];
        } else if (arg.starts_with("--output=")) {
            format = arg.substr(arg.find('=') + 1);
        } else if (arg.starts_with("-o") && !arg.starts_with("--")) {
            format = arg.substr(arg.starts_with("-o=") ? 3 : 2);
        }
    }
    return format;
}

std::vector<std::string_view> names_of(const Subcommands& verbs) {
    std::vector<std::string_view> names;
    for (const auto& verb : verbs)
        names.push_back(verb->name());
    return names;
}

Status check_verb(std::string_view word, const std::vector<std::string_view>& names) {
    if (word.empty() || word == "help") return {};
    if (std::find(names.begin(), names.end(), word) != names.end()) return {};
    if (const auto absent = absent_verb(word))
        return fail(ErrorCode::Unsupported,
                    fmt::format("{}: {}", word, absent->message),
                    std::string{absent->instead});
    if (const auto answer = reflex(word))
        return fail(ErrorCode::Usage,
                    fmt::format("{}: {}", word, answer->message),
                    std::string{answer->instead});
    const auto near = near_word(word, names);
    return fail(ErrorCode::Usage,
                fmt::format("{}: no such verb", printable(word, 40)),
                near ? "ctys " + *near : std::string{"ctys help"});
}

std::string near_option(const CLI::App& app, const std::string& typed) {
    std::vector<std::string> names;
    const auto collect = [&](const CLI::App& from) {
        for (const auto* option : from.get_options()) {
            for (const auto& name : option->get_lnames())
                names.push_back("--" + name);
        }
    };
    collect(app);
    if (app.get_parent() != nullptr) collect(*app.get_parent());
    const std::vector<std::string_view> known(names.begin(), names.end());
    const auto plain = typed.substr(0, typed.find('='));
    return near_word(plain, known).value_or("");
}

// CLI11's words are for developers; ours name the option and what to type.
Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    const auto& place = chosen.empty() ? app : *chosen.front();
    const auto help =
        chosen.empty() ? std::string{"ctys help"} : fmt::format("ctys {} --help", place.get_name());
    const auto prefix = chosen.empty() ? std::string{} : place.get_name() + ": ";
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
        const auto extras = app.remaining(/*recurse=*/true);
        const auto typed = extras.empty() ? std::string{} : extras.front();
        const auto near = typed.starts_with('-') ? near_option(place, typed) : std::string{};
        return Error{
            .code = ErrorCode::Usage,
            .message = fmt::format("{}{}: {}",
                                   prefix,
                                   printable(typed, 60),
                                   typed.starts_with('-') ? "no such option" : "one word too many"),
            .try_next = near.empty() ? help : near};
    }
    return Error{
        .code = ErrorCode::Usage, .message = prefix + option_words(place, error), .try_next = help};
}

} // namespace

Result<std::vector<std::string>> take_globals(const std::vector<std::string>& args,
                                              Globals& globals) {
    struct Row {
        std::string_view name;
        std::string* target;
    };
    const std::array rows = {Row{"--broker", &globals.broker},
                             Row{"--key", &globals.key},
                             Row{"--broker-key", &globals.broker_key},
                             Row{"--runtime-dir", &globals.runtime_dir},
                             Row{"--state-dir", &globals.state_dir},
                             Row{"--output", &globals.format}};
    std::vector<std::string> rest;
    for (std::size_t i = 0; i < args.size(); ++i) {
        const auto row =
            std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == args[i]; });
        if (row == rows.end()) {
            rest.push_back(args[i]);
            continue;
        }
        if (++i == args.size())
            return fail(ErrorCode::Usage, fmt::format("{}: needs a value", row->name));
        *row->target = args[i];
    }
    return rest;
}

namespace {

Result<Parsed>
read_arguments(const std::vector<std::string>& args, const Subcommands& verbs, Globals& globals) {
    const auto at = find_word(args, 0);
    const auto word = at < args.size() ? args[at] : std::string{};
    if (auto known = check_verb(word, names_of(verbs)); !known)
        return tl::unexpected(known.error());
    if (word.empty() || word == "help") {
        if (word.empty() && std::find(args.begin(), args.end(), "--version") != args.end())
            return Page{fmt::format("ctys {}\n", CTYS_VERSION)};
        const bool asks = word == "help" || args.empty() ||
                          std::find(args.begin(), args.end(), "--help") != args.end() ||
                          std::find(args.begin(), args.end(), "-h") != args.end();
        if (asks) {
            const auto next = find_word(args, at + 1);
            const auto topic = next < args.size() ? args[next] : std::string{};
            if (topic == "options") return Page{options_page()};
            auto page = help_page(topic == "help" ? std::string{} : topic, verbs);
            if (page) return Page{std::move(*page)};
            if (auto known = check_verb(topic, names_of(verbs)); !known)
                return tl::unexpected(known.error());
            return read_arguments({topic, "--help"}, verbs, globals);
        }
    }
    CLI::App app{"ctys: virtual machines of a mesh", "ctys"};
    app.require_subcommand(1);
    Arguments global_arguments(app);
    declare_globals(global_arguments, globals);
    std::vector<std::pair<CLI::App*, Subcommand*>> apps;
    for (const auto& verb : verbs) {
        if (verb->name() != word) continue; // the others need not be built to be left alone
        auto* sub = app.add_subcommand(std::string{verb->name()}, std::string{verb->summary()});
        sub->fallthrough();
        sub->footer("Examples:\n" + std::string{verb->examples()});
        Arguments arguments(*sub);
        verb->declare(arguments);
        apps.emplace_back(sub, verb.get());
    }
    try {
        std::vector<std::string> reversed(args.rbegin(), args.rend());
        app.parse(reversed);
    } catch (const CLI::CallForHelp&) {
        const auto chosen = app.get_subcommands();
        return Page{chosen.empty() ? app.help() : chosen.front()->help("ctys")};
    } catch (const CLI::ParseError& error) {
        return tl::unexpected(usage_error(app, error));
    }
    return Chosen{apps.front().second};
}

} // namespace

Result<Parsed>
parse_arguments(const std::vector<std::string>& args, const Subcommands& verbs, Globals& globals) {
    auto parsed = read_arguments(args, verbs, globals);
    // Who asked for JSON gets the refusal of his words in JSON, wherever the reading ended.
    if (!parsed) {
        if (const auto format = asked_format(args); !format.empty()) globals.format = format;
    }
    return parsed;
}

} // namespace ctys::tools
