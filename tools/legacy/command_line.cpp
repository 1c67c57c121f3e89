#include "tools/legacy/command_line.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace ctys::tools::legacy {

namespace {

constexpr std::size_t most_targets = 1000;

/// Options as they stand at one place of the line: targets inherit from left to right.
struct Settings {
    std::string type;
    std::string action;
    std::string user;
    std::optional<bool> sync;
    bool dry_run = false;
};

// CTYS-REFERENCE 3.8. Those without a meaning in a mesh (ssh, caches, colours, debugging) are
// accepted and change nothing, so that old scripts go on working.
constexpr std::string_view with_value = "aAbcCdDFgHjklLMprsSTtWxzZ";
constexpr std::string_view harmless = "cCdfxXyYzZ";
constexpr std::string_view known_flags = "EfhnPvVXyY";

Result<bool> parse_background(std::string_view text) {
    std::optional<bool> sync;
    for (const auto word : split(text, ',')) {
        const auto value = to_lower(trim(word));
        if (value == "sync" || value == "off" || value == "0") {
            sync = true;
        } else if (value == "async" || value == "on" || value == "1") {
            sync = false;
        } else if (value == "stack") {
            return fail(ErrorCode::Unsupported, "-b stack: not built yet: stacks");
        } else if (value != "seq" && value != "2" && value != "par" && value != "3") {
            return fail(ErrorCode::Usage,
                        fmt::format("-b {}: no such value", printable(text, 40)),
                        "-b sync, -b async, -b sync,seq");
        }
    }
    return sync.value_or(false);
}

// A list that preloads plugins for consoles names QEMU as well; without it only sessions of kinds
// that do not exist here are asked for.
Status check_type(char option, std::string_view type) {
    constexpr std::array<std::string_view, 2> built = {"qemu", "all"};
    constexpr std::array<std::string_view, 10> others = {
        "cli", "x11", "vnc", "rdp", "vmw", "vbox", "xen", "pm", "kvm", "ovz"};
    const auto is_one = [](const auto& names, const std::string& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    bool is_built = false;
    for (const auto word : split(type, ',')) {
        const auto name = to_lower(trim(word));
        is_built = is_built || is_one(built, name);
        if (is_one(built, name) || is_one(others, name)) continue;
        return fail(ErrorCode::Usage,
                    fmt::format("-{} {}: no such type", option, printable(type, 40)),
                    "-t QEMU");
    }
    if (is_built) return {};
    if (to_lower(trim(type)) == "kvm") {
        return fail(ErrorCode::Unsupported,
                    fmt::format("-{} {}: KVM is no type of its own but an accelerator of QEMU",
                                option,
                                printable(type, 40)),
                    fmt::format("-{} QEMU, and ACCELERATOR=KVM in the configuration", option));
    }
    return fail(ErrorCode::Unsupported,
                fmt::format("-{} {}: not built yet: sessions of this type; QEMU is there",
                            option,
                            printable(type, 40)),
                "-t QEMU");
}

Status apply_option(Settings& settings, char option, std::string_view value) {
    switch (option) {
    case 't':
    case 'T':
        if (auto ok = check_type(option, value); !ok) return ok;
        if (option == 't' || settings.type.empty()) settings.type = value;
        for (auto& c : settings.type)
            c = static_cast<char>(std::toupper(c));
        return {};
    case 'a':
        settings.action = value;
        return {};
    case 'b': {
        auto sync = parse_background(value);
        if (!sync) return tl::unexpected(sync.error());
        settings.sync = *sync;
        return {};
    }
    case 'l':
        settings.user = value;
        return {};
    case 'n':
        settings.dry_run = true;
        return {};
    case 'g':
        return fail(ErrorCode::Unsupported,
                    "-g: the size of a window is its client's, and none is opened here");
    case 'r':
        return fail(ErrorCode::Unsupported, "-r: never had a meaning for QEMU, and has none");
    default:
        if (harmless.find(option) != std::string_view::npos) return {};
        if (with_value.find(option) != std::string_view::npos ||
            known_flags.find(option) != std::string_view::npos) {
            return fail(ErrorCode::Unsupported, fmt::format("-{}: not built yet", option));
        }
        return fail(ErrorCode::Usage,
                    fmt::format("-{}: no such option", printable(std::string(1, option))),
                    "ctys help legacy");
    }
}

// Behind a host, action and type come too late: they are of the whole line.
enum class Where : std::uint8_t { Line, Bracket };

// Options from the front of `words`; returns how many words they took.
Result<std::size_t>
apply_options(Settings& settings, const std::vector<std::string>& words, Where where) {
    std::size_t at = 0;
    while (at < words.size() && words[at].size() > 1 && words[at][0] == '-' && words[at] != "--") {
        const auto& word = words[at++];
        if (word[1] == '-') {
            return fail(ErrorCode::Usage,
                        fmt::format("{}: no such option beside -a", printable(word, 60)),
                        "ctys help legacy");
        }
        if (where == Where::Bracket &&
            std::string_view{"atT"}.find(word[1]) != std::string_view::npos)
            return fail(
                ErrorCode::Unsupported,
                fmt::format("-{} in brackets: not built yet: an action or a type of its own "
                            "for one host",
                            word[1]),
                "one call for each action");
        std::string value = word.substr(2);
        if (with_value.find(word[1]) != std::string_view::npos) {
            if (value.empty()) {
                if (at == words.size())
                    return fail(ErrorCode::Usage, fmt::format("{}: needs a value", word));
                value = words[at++];
            }
        } else if (!value.empty()) {
            return fail(ErrorCode::Usage,
                        fmt::format("{}: -{} takes no value", printable(word, 60), word[1]));
        }
        if (auto done = apply_option(settings, word[1], value); !done)
            return tl::unexpected(done.error());
    }
    return at;
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    for (const auto word : split(text, ' ')) {
        if (!trim(word).empty()) words.emplace_back(trim(word));
    }
    return words;
}

// The end of the bracket that opens at `open`, npos when it never closes.
std::size_t closing(std::string_view text, std::size_t open) {
    int depth = 0;
    for (std::size_t i = open; i < text.size(); ++i) {
        if (text[i] == '(') ++depth;
        if (text[i] == ')' && --depth == 0) return i;
    }
    return std::string_view::npos;
}

Result<Target> parse_target(std::string_view text, const Settings& settings) {
    if (text.find_first_of("[]{}") != std::string_view::npos || text.starts_with("macro:")) {
        return fail(
            ErrorCode::Unsupported,
            fmt::format("{}: not built yet: stacks, groups and macros", printable(text, 80)));
    }
    if (text.starts_with('-')) {
        return fail(ErrorCode::Usage,
                    fmt::format("{}: options stand before the hosts, or in brackets behind one",
                                printable(text, 80)),
                    "ctys help legacy");
    }
    const auto at = text.find('@');
    Target target{.user = settings.user, .host = std::string{text}};
    target.sync = settings.sync.value_or(false);
    if (at != std::string_view::npos) {
        target.user = text.substr(0, at);
        target.host = text.substr(at + 1);
    }
    if (target.host.empty() || (at == 0) || target.host.find('@') != std::string::npos) {
        return fail(ErrorCode::Usage,
                    fmt::format("\"{}\" is not [user@]host", printable(text, 80)));
    }
    return target;
}

// ['('OPTS')'] HOST['('OPTS')'] ...: options hold from where they stand to the end of the line.
Result<std::vector<Target>> parse_targets(std::string_view text, Settings& settings) {
    std::vector<Target> targets;
    std::size_t at = 0;
    while (at < text.size()) {
        if (text[at] == ' ') {
            ++at;
            continue;
        }
        const auto end = std::min(text.find_first_of(" (", at), text.size());
        const auto name = text.substr(at, end - at);
        at = end;
        if (at < text.size() && text[at] == '(') {
            const auto close = closing(text, at);
            if (close == std::string_view::npos)
                return fail(ErrorCode::Usage,
                            fmt::format("\"{}\": the bracket is not closed",
                                        printable(text.substr(at), 80)));
            const auto words = words_of(text.substr(at + 1, close - at - 1));
            auto used = apply_options(settings, words, Where::Bracket);
            if (!used) return tl::unexpected(used.error());
            if (*used != words.size())
                return fail(ErrorCode::Usage,
                            fmt::format("\"{}\" is no option", printable(words[*used], 80)));
            at = close + 1;
        }
        if (name.empty()) continue;
        auto target = parse_target(name, settings);
        if (!target) return tl::unexpected(target.error());
        targets.push_back(std::move(*target));
        if (targets.size() > most_targets)
            return fail(ErrorCode::Usage, fmt::format("more than {} hosts", most_targets));
    }
    return targets;
}

Status require_type(const CommandLine& line) {
    const bool acts = std::holds_alternative<CreateRequest>(line.what) ||
                      std::holds_alternative<CancelRequest>(line.what);
    if (!acts || !line.type.empty()) return {};
    return fail(ErrorCode::Usage,
                "-t is missing, and the original's default, VNC, does not exist yet",
                fmt::format("ctys -t QEMU -a {}", line.action_text));
}

// -h among the options, not as the value of one.
bool asks_for_help(const std::vector<std::string>& args) {
    for (std::size_t i = 0; i < args.size() && args[i] != "--"; ++i) {
        if (args[i] == "-h" || args[i] == "--help") return true;
        const bool takes_next = args[i].size() == 2 && args[i][0] == '-' &&
                                with_value.find(args[i][1]) != std::string_view::npos;
        if (takes_next) ++i;
    }
    return false;
}

} // namespace

bool is_legacy(const std::vector<std::string>& args, const std::vector<std::string_view>& verbs) {
    for (const auto& arg : args) {
        if (arg == "--") return false;
        if (arg.size() > 1 && arg[0] == '-' && (arg[1] == 'a' || arg[1] == 't' || arg[1] == 'T'))
            return true;
        if (std::find(verbs.begin(), verbs.end(), arg) != verbs.end()) return false;
    }
    return false;
}

std::vector<std::string> spell_out(const std::vector<std::string>& args) {
    std::vector<std::string> words;
    for (const auto& arg : args) {
        const auto equals = arg.find('=');
        if (arg.starts_with("--") && arg.size() > 2 && equals != std::string::npos) {
            words.push_back(arg.substr(0, equals));
            words.push_back(arg.substr(equals + 1));
        } else if (arg.starts_with("-o")) {
            words.emplace_back("--output");
            if (arg.size() > 2) words.push_back(arg.substr(2));
        } else {
            words.push_back(arg);
        }
    }
    return words;
}

Result<CommandLine> parse_command_line(const std::vector<std::string>& args) {
    if (asks_for_help(args)) {
        CommandLine line;
        line.help = true;
        return line;
    }
    Settings settings;
    auto used = apply_options(settings, args, Where::Line);
    if (!used) return tl::unexpected(used.error());
    auto at = *used;
    if (at < args.size() && args[at] == "--") ++at;
    if (settings.action.empty()) {
        return fail(ErrorCode::Unsupported,
                    "-a is missing, and the original's default, create with VNC, is not built yet",
                    "ctys -t QEMU -a list");
    }
    std::string rest;
    for (; at < args.size(); ++at)
        rest += (rest.empty() ? "" : " ") + args[at];

    CommandLine line;
    line.action_text = settings.action;
    auto what = parse_action(settings.action);
    if (!what) return tl::unexpected(within(fmt::format("-a {} ", settings.action), what.error()));
    line.what = std::move(*what);
    auto targets = parse_targets(rest, settings);
    if (!targets) return tl::unexpected(targets.error());
    line.targets = std::move(*targets);
    line.type = settings.type;
    line.sync = settings.sync.value_or(false);
    line.dry_run = settings.dry_run;
    if (auto typed = require_type(line); !typed)
        return tl::unexpected(within(fmt::format("-a {} ", settings.action), typed.error()));
    return line;
}

} // namespace ctys::tools::legacy
