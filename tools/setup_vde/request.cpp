#include "tools/setup_vde/request.h"

#include "mesh/core/near_word.h"
#include "mesh/core/text.h"
#include "tools/words/option_words.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace ctys::vde {

namespace {

constexpr std::size_t max_machine = 255; // a name of a host, as DNS has it

struct Named {
    std::string_view word;
    Action action;
};
constexpr std::array actions = {Named{"create", Action::Create},
                                Named{"cancel", Action::Cancel},
                                Named{"check", Action::Check},
                                Named{"info", Action::Info},
                                Named{"ports", Action::Ports},
                                Named{"list", Action::List},
                                Named{"listall", Action::ListAll}};

constexpr std::string_view about =
    "Makes and takes down the network of a user's VMs: a VDE switch, a TAP device, and the bridge\n"
    "that leads out of this machine. VMs of that user join it by NETWORK=vde, without root.\n"
    "\n"
    "Actions:\n"
    "  create    the switch, its TAP and, where there is none, the bridge ctysbr0 (root)\n"
    "  cancel    all that create has made; not while VMs are attached (root)\n"
    "  check     ends with 0 where the switch works, else says what is wrong\n"
    "  info      the switch, its TAP and bridge, and who is attached\n"
    "  ports     its ports with what has passed them\n"
    "  list      the switches of this machine; listall: and their sockets";

constexpr std::string_view examples =
    "Examples:\n"
    "  ctys-setupVDE -u alice create            VMs of alice, on the network of this machine\n"
    "  ctys-setupVDE -u alice -i none create    among themselves and with this machine only\n"
    "  ctys-setupVDE -u alice -b br0 create     by a bridge that is there already\n"
    "  ctys-setupVDE -u alice --dry-run create  what would be done, and nothing done\n"
    "  ctys-setupVDE -u alice info\n"
    "  ctys-setupVDE -u alice --last cancel     as soon as the last VM has left\n"
    "  ctys-setupVDE -u alice create root@app2  on another machine, as root there, by ssh\n"
    "\n"
    "create moves the addresses of an interface to the bridge. It refuses to where the connection\n"
    "you work over would be cut: -f does it all the same. What fails, or is left by Ctrl-C, is\n"
    "undone. Ends with 0 done, 1 failed, 2 usage, 3 not found, 5 conflict, 7 refused.";

Status check_interface(std::string_view option, const std::string& name) {
    if (name.empty()) return {};
    if (name.size() > max_interface) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} {}: a name of an interface has at most {} characters, not {}",
                                option,
                                printable(name, 60),
                                max_interface,
                                name.size()));
    }
    if (!is_label(name))
        return fail(ErrorCode::Usage,
                    fmt::format("{} {}: no name of an interface", option, printable(name)));
    return {};
}

Result<Action> find_action(const std::string& word) {
    std::vector<std::string_view> known;
    for (const auto& named : actions) {
        if (equals_ignoring_case(named.word, word)) return named.action;
        known.push_back(named.word);
    }
    const auto near = near_word(word, known);
    return fail(ErrorCode::Usage,
                fmt::format("no action {}; there are {}", printable(word), fmt::join(known, ", ")),
                near ? fmt::format("ctys-setupVDE {}", *near) : "ctys-setupVDE --help");
}

// [USER@]HOST, and nothing that ssh would take for something else.
bool is_machine(const std::string& text) {
    if (text.empty() || text.size() > max_machine || text.front() == '-') return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool digit = c >= '0' && c <= '9';
        return letter || digit || std::string_view{"@.-_:%"}.find(c) != std::string_view::npos;
    });
}

// -l is for those that name nobody.
Status name_login(std::vector<std::string>& machines, const std::string& login) {
    if (login.empty()) return {};
    if (machines.empty())
        return fail(ErrorCode::Usage, "-l names who to be on another machine, and there is none");
    if (!is_machine(login) || login.find('@') != std::string::npos)
        return fail(ErrorCode::Usage, fmt::format("-l {}: no name of a user", printable(login)));
    for (auto& machine : machines) {
        if (machine != this_machine && machine.find('@') == std::string::npos)
            machine.insert(0, login + '@');
    }
    return {};
}

Status check_machines(const Request& request) {
    for (const auto& target : request.machines) {
        if (find_action(target)) {
            return fail(ErrorCode::Usage,
                        fmt::format("one action at a time, not {} and {}",
                                    to_string(request.action),
                                    printable(target)));
        }
        if (is_machine(target)) continue;
        return fail(ErrorCode::Usage,
                    fmt::format("\"{}\" is no machine as [USER@]HOST", printable(target, 60)));
    }
    if (request.stay != Stay::No && !request.machines.empty())
        return fail(ErrorCode::Usage, "what stays behind stays here");
    return {};
}

Result<Request> finish(Request request, const std::string& action) {
    if (action.empty()) {
        return fail(ErrorCode::Usage,
                    "an action is missing: create, cancel, check, info, ports, list or listall",
                    "ctys-setupVDE --help");
    }
    auto found = find_action(action);
    if (!found) return tl::unexpected(found.error());
    request.action = *found;
    if (auto fine = check_machines(request); !fine) return tl::unexpected(fine.error());
    if (auto fine = check_interface("-b", request.bridge); !fine)
        return tl::unexpected(fine.error());
    if (auto fine = check_interface("-i", request.uplink); !fine)
        return tl::unexpected(fine.error());
    const auto& [data, management] = request.paths;
    if (auto fine = qemu::check_vde_data(data); !data.empty() && !fine)
        return tl::unexpected(within("-s", fine.error()));
    if (auto fine = qemu::check_vde_management(management); !management.empty() && !fine)
        return tl::unexpected(within("-S", fine.error()));
    const bool changes = request.action == Action::Create || request.action == Action::Cancel;
    if ((request.with_last || request.only_shows) && !changes)
        return fail(ErrorCode::Usage, "--last and --dry-run are for create and cancel");
    return request;
}

} // namespace

std::string_view to_string(Action action) {
    for (const auto& named : actions) {
        if (named.action == action) return named.word;
    }
    return "info";
}

std::vector<std::string> words_of(const Request& request) {
    std::vector<std::string> words{"ctys-setupVDE"};
    const auto add = [&](const char* option, const std::string& value) {
        if (!value.empty()) words.insert(words.end(), {option, value});
    };
    if (request.force) words.emplace_back("-f");
    add("-u", request.user);
    add("-i", request.uplink);
    add("-b", request.bridge);
    add("-s", request.paths.data);
    add("-S", request.paths.management);
    add("-g", request.group);
    if (!request.header) words.emplace_back("-n");
    if (request.terse) words.emplace_back("-X");
    if (request.traces) words.insert(words.end(), {"-d", "1"});
    if (request.with_last) words.emplace_back("--last");
    if (request.only_shows) words.emplace_back("--dry-run");
    words.emplace_back(to_string(request.action));
    return words;
}

Result<std::variant<Request, Page>> parse_arguments(const std::vector<std::string>& arguments) {
    if (std::find(arguments.begin(), arguments.end(), "-Z") != arguments.end()) {
        return fail(ErrorCode::Usage,
                    "-Z: it changes no rights by itself: sudo stands before the call, root@HOST "
                    "behind it",
                    "sudo ctys-setupVDE ...");
    }
    Request request;
    std::string action;
    std::string level;
    std::string login;
    std::string more_machines;
    bool no_header = false;
    bool stays_for_last = false;
    bool stays_for_first = false;
    CLI::App app{std::string{about}, "ctys-setupVDE"};
    app.footer(std::string{examples});
    app.set_version_flag("-V,--version", CTYS_VERSION);
    app.add_option("-u", request.user, "USER[.GROUP] whose switch it is; you, if none is given");
    app.add_option("-i", request.uplink, "Interface the bridge leads out by; `none`: nowhere");
    app.add_option("-b", request.bridge, "Bridge to use, or to make");
    app.add_option("-s", request.paths.data, "QEMUSOCK: the folder VMs attach by");
    app.add_option("-S", request.paths.management, "QEMUMGMT: the management socket");
    app.add_option("-g", request.group, "GROUP whose members may attach VMs too");
    app.add_flag(
        "-f", request.force, "Go on where it would refuse: cut a connection, VMs, a hung switch");
    app.add_flag("-n", no_header, "No titles above lists");
    app.add_flag("-X", request.terse, "Say nothing of what went well");
    app.add_option("-d", level, "LEVEL: tell each step before it is done; 0: do not");
    app.add_option("-r", more_machines, "HOST,... where it is done, as behind the action");
    app.add_option("-l", login, "USER to be there, of a HOST without one");
    app.add_flag("--last", request.with_last, "Stay behind, and cancel when the last VM has left");
    app.add_flag("--dry-run", request.only_shows, "Print the steps and do none");
    // Of the process that --last leaves behind, for no person.
    app.add_flag("--stay", stays_for_last)->group("");
    app.add_flag("--stay-for-first", stays_for_first)->group("");
    app.add_option("action", action, "create, cancel, check, info, ports, list or listall");
    app.add_option("machine", request.machines, "[USER@]HOST where it is done, by ssh; here");
    // As the library wants them: from the last to the first.
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
        app.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
        return Page{app.help()};
    } catch (const CLI::CallForVersion&) {
        return Page{std::string{CTYS_VERSION} + "\n"};
    } catch (const CLI::ParseError& error) {
        return fail(ErrorCode::Usage, tools::option_words(app, error), "ctys-setupVDE --help");
    }
    request.header = !no_header;
    request.traces = !level.empty() && level != "0";
    std::replace(more_machines.begin(), more_machines.end(), ' ', ',');
    for (const auto machine : split(more_machines, ',')) {
        if (!machine.empty()) request.machines.emplace_back(machine);
    }
    if (auto named = name_login(request.machines, login); !named)
        return tl::unexpected(named.error());
    if (stays_for_last) request.stay = Stay::Last;
    if (stays_for_first) request.stay = Stay::FirstAndLast;
    auto finished = finish(std::move(request), action);
    if (!finished) return tl::unexpected(finished.error());
    return std::move(*finished);
}

} // namespace ctys::vde
