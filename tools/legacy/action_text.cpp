#include "mesh/core/masked_text.h"
#include "mesh/core/near_word.h"
#include "mesh/core/text.h"
#include "tools/legacy/keys.h"
#include "tools/legacy/request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace ctys::tools::legacy {

namespace {

// The original's DEFAULT_KILL_DELAY_POWEROFF (CTYS-REFERENCE 3.5).
constexpr Duration default_delay = std::chrono::seconds{20};

/// One suboption in the place it was found.
struct Suboption {
    Key key = Key::NotYet;
    std::string_view name;
    std::string_view value;
    bool has_value = false;
    std::size_t column = 1;
};

// A piece cut at its first colon (keys contain none); without one the value is absent.
struct KeyValue {
    std::string_view key;
    std::string_view value; // as it was typed: values differ in what they mask
    bool has_value = false;
};

KeyValue split_key(std::string_view piece) {
    const auto colon = piece.find(':');
    if (colon == std::string_view::npos) return {.key = piece};
    return {.key = piece.substr(0, colon), .value = piece.substr(colon + 1), .has_value = true};
}

tl::unexpected<Error> bad(std::size_t column, std::string_view what, std::string try_next = {}) {
    return fail(ErrorCode::Usage, fmt::format("column {}: {}", column, what), std::move(try_next));
}

tl::unexpected<Error> not_yet(const Suboption& option) {
    return fail(ErrorCode::Unsupported,
                fmt::format("column {}: not built yet: {}{}{}",
                            option.column,
                            printable(option.name, 40),
                            option.has_value ? ":" : "",
                            printable(option.value, 80)));
}

std::string_view action_name(KeySet set) {
    switch (set) {
    case KeySet::Create:
        return "create";
    case KeySet::Cancel:
        return "cancel";
    case KeySet::List:
        return "list";
    case KeySet::Enumerate:
        return "enumerate";
    }
    return "create";
}

Result<Suboption> parse_suboption(KeySet set, const Piece& piece) {
    const auto [name, value, has_value] = split_key(piece.text);
    if (trim(piece.text).empty()) return bad(piece.column, "an empty suboption");
    const auto key = find_key(set, trim(name));
    if (!key) {
        const auto names = key_names(set);
        const auto all = fmt::format("(all keys: ctys help {})", action_name(set));
        std::string hint = all;
        if (const auto near = near_word(trim(name), names))
            hint = fmt::format("{}{}{}   {}", *near, has_value ? ":" : "", value, all);
        return bad(
            piece.column, fmt::format("no such key \"{}\"", printable(name, 40)), std::move(hint));
    }
    return Suboption{.key = *key,
                     .name = trim(name),
                     .value = value,
                     .has_value = has_value,
                     .column = piece.column};
}

std::string unmasked(std::string_view text, char separator) {
    std::string out;
    for (const auto& piece : split_masked(text, separator)) {
        if (!out.empty() || piece.column != 1) out += separator;
        out += piece.text;
    }
    return out;
}

Status add_bases(std::vector<std::string>& bases, const Suboption& option) {
    for (const auto& base : split_masked(option.value, '%')) {
        if (base.text.empty() || base.text.front() != '/') {
            return bad(option.column,
                       fmt::format("{}: \"{}\" is not an absolute path",
                                   option.name,
                                   printable(base.text, 80)));
        }
        bases.push_back(base.text);
    }
    return {};
}

// Paths and labels mask a colon by doubling it; addresses of machines are full of colons and need
// no mask (CTYS-REFERENCE 3.1).
Status add_address(Address& address, const Suboption& option) {
    constexpr std::array<std::string_view, 6> raw = {"m", "mac", "t", "tcp", "u", "uuid"};
    const auto name = to_lower(option.name);
    const bool is_raw = std::find(raw.begin(), raw.end(), name) != raw.end();
    const auto value = is_raw ? std::string{option.value} : unmasked(option.value, ':');
    auto known = address.add(name, value, option.column);
    if (!known) return tl::unexpected(known.error());
    CTYS_ASSERT(*known);
    return {};
}

Status require_address(const Address& address) {
    if (address.names_a_vm()) return {};
    return fail(ErrorCode::Usage,
                "an address is missing: one of l: id: u: m: t: f:",
                "l:LABEL   (all keys: ctys help address)");
}

/// Paths in a mode mask a colon by doubling it; a percent sign between its parts is the wrapper's.
std::string mode_text(const Suboption& option) {
    return unmasked(option.value, ':');
}

Status add_mode(CreateRequest& request, const Suboption& option) {
    const auto name = to_lower(option.name);
    const auto prefix = name + (option.key == Key::Kernel ? "mode" : "");
    if (!option.has_value && option.key == Key::InstMode) {
        request.options.push_back("--instmode"); // all of it as the configuration says
        return {};
    }
    if (trim(option.value).empty())
        return bad(option.column, fmt::format("{} needs a value", printable(option.name, 40)));
    request.options.push_back(fmt::format("--{}={}", prefix, mode_text(option)));
    return {};
}

/// ARGSADD:S%<words>: the server's, which are QEMU's; there are no others (S-060 to S-062).
Status add_arguments(CreateRequest& request, const Suboption& option) {
    const auto percent = option.value.find('%');
    const auto target = to_lower(trim(option.value.substr(0, percent)));
    if (target == "c" || target == "b") {
        return fail(ErrorCode::Unsupported,
                    fmt::format("column {}: ARGSADD:{}: a client takes no arguments; S hands them "
                                "to QEMU",
                                option.column,
                                target == "c" ? 'C' : 'B'),
                    "argsadd:S%...");
    }
    if (target != "s" || percent == std::string_view::npos || percent + 1 == option.value.size()) {
        return bad(option.column,
                   "argsadd needs a target and words: S% and what QEMU is to be given",
                   "argsadd:S%-rtc base=localtime");
    }
    request.options.push_back("--argsadd=" + unmasked(option.value.substr(percent + 1), ':'));
    return {};
}

// A VM is prepared for all of them whoever looks at it (mesh/qemu/console_mode.h); who does is a
// program of its own. Two belong to the call of the wrapper.
Status add_console(CreateRequest& request, const Suboption& option) {
    constexpr std::array<std::string_view, 8> anywhere = {
        "cli", "xterm", "gterm", "emacs", "emacsm", "emacsa", "emacsam", "vnc"};
    auto word = to_lower(trim(option.value));
    if (word == "none") return {};
    if (word == "cli0" || word == "sdl") {
        return fail(ErrorCode::Unsupported,
                    fmt::format("column {}: console:{} belongs to the terminal or screen where the "
                                "wrapper of the VM is called",
                                option.column,
                                printable(option.value, 80)),
                    fmt::format("./VM.sh --console={}", word));
    }
    if (std::find(anywhere.begin(), anywhere.end(), word) == anywhere.end()) {
        return bad(option.column,
                   fmt::format("there is no console \"{}\"", printable(option.value, 80)),
                   fmt::format("one of {}, none", fmt::join(anywhere, ", ")));
    }
    request.console = std::move(word);
    return {};
}

tl::unexpected<Error> elsewhere(const Suboption& option) {
    const auto instead = instead_of(option.name);
    return fail(ErrorCode::Unsupported,
                fmt::format("column {}: {}{}{}: {}",
                            option.column,
                            printable(option.name, 40),
                            option.has_value ? ":" : "",
                            printable(option.value, 80),
                            instead.sentence),
                std::string{instead.try_next});
}

// What is off asks for nothing.
Status require_off(const Suboption& option) {
    if (equals_ignoring_case(trim(option.value), "off")) return {};
    return elsewhere(option);
}

Status apply(CreateRequest& request, const Suboption& option) {
    switch (option.key) {
    case Key::Address:
        return add_address(request.address, option);
    case Key::Base:
        return add_bases(request.address.bases, option);
    case Key::Connect:
    case Key::Reconnect: // which ends other clients; here all of them share a console
    case Key::Reuse: {
        const auto wanted = option.key == Key::Reuse ? IfRunning::Reuse : IfRunning::Connect;
        if (request.if_running != IfRunning::Refuse && request.if_running != wanted)
            return bad(option.column, "connect, reconnect and reuse exclude each other");
        if (request.resume) return bad(option.column, "resume excludes connect and reuse");
        request.if_running = wanted;
        return {};
    }
    case Key::Resume:
        if (request.if_running != IfRunning::Refuse)
            return bad(option.column, "resume excludes connect and reuse");
        request.resume = true;
        return {};
    case Key::User:
        request.user = split_masked(option.value, '%').front().text;
        return {};
    case Key::Console:
        return add_console(request, option);
    case Key::Ping:
    case Key::StackCheck:
        return require_off(option);
    case Key::Elsewhere:
        return elsewhere(option);
    case Key::BootMode:
    case Key::InstMode:
    case Key::Kernel:
        return add_mode(request, option);
    case Key::ArgsAdd:
        return add_arguments(request, option);
    case Key::Harmless:
        return {};
    default:
        return not_yet(option);
    }
}

// A span in seconds, or with a unit, as everywhere else.
Result<Duration> parse_delay(const Suboption& option) {
    auto span = parse_duration(trim(option.value));
    if (!span) return bad(option.column, span.error().message);
    return *span;
}

Status set_method(CancelRequest& request, bool& chosen, Verb verb, const Suboption& option) {
    if (chosen && request.verb != verb)
        return bad(option.column, "only one method: poweroff, reset, reboot, pause or suspend");
    chosen = true;
    request.verb = verb;
    return {};
}

// Inside the guest, never by the hypervisor: 0 ends it, 6 reboots it, others are entered by the
// agent in it (CTYS-REFERENCE 3.5).
Status set_level(CancelRequest& request, bool& chosen, const Suboption& option) {
    const auto level = trim(option.value);
    if (level.size() != 1 || level[0] < '0' || level[0] > '6')
        return bad(option.column, "a run level is 0 to 6");
    request.run_level = static_cast<std::uint8_t>(level[0] - '0');
    if (level == "0") return set_method(request, chosen, Verb::Shutdown, option);
    if (level == "6") return set_method(request, chosen, Verb::Reboot, option);
    return set_method(request, chosen, Verb::Init, option);
}

Status apply(CancelRequest& request,
             bool& chosen,
             std::optional<Duration>& timeout,
             const Suboption& option) {
    switch (option.key) {
    case Key::Address:
        return add_address(request.address, option);
    case Key::Base:
        return add_bases(request.address.bases, option);
    case Key::PowerOff:
        if (option.has_value) {
            auto delay = parse_delay(option);
            if (!delay) return tl::unexpected(delay.error());
            request.deadline = *delay;
        }
        return set_method(request, chosen, Verb::Shutdown, option);
    case Key::Reset:
        return set_method(request, chosen, Verb::Reset, option);
    case Key::Reboot:
        return set_method(request, chosen, Verb::Reboot, option);
    case Key::Pause:
        return set_method(request, chosen, Verb::Pause, option);
    case Key::Suspend:
        return set_method(request, chosen, Verb::Suspend, option);
    case Key::Force:
        request.force = true;
        return {};
    case Key::Stack:
        request.stack = true;
        return {};
    case Key::All:
        request.all = true;
        return {};
    case Key::Self:
        request.self = true;
        return {};
    case Key::Init:
        return set_level(request, chosen, option);
    case Key::Timeout: {
        auto delay = parse_delay(option);
        if (!delay) return tl::unexpected(delay.error());
        timeout = *delay;
        return {};
    }
    case Key::User:
        request.user = split_masked(option.value, '%').front().text;
        return {};
    case Key::Harmless:
        return {};
    default:
        return not_yet(option);
    }
}

Status apply(EnumerateRequest& request, const Suboption& option) {
    switch (option.key) {
    case Key::Base:
        return add_bases(request.bases, option);
    case Key::Machine:
        request.columns = Columns::Machine;
        return {};
    case Key::Title:
        request.title = true;
        return {};
    case Key::Table:
        return option.has_value ? Status{not_yet(option)} : Status{};
    case Key::Harmless:
        return {};
    default:
        return not_yet(option);
    }
}

// Runs `apply_one` over every suboption after the '='.
template <typename Apply>
Status for_each(KeySet set, std::string_view text, std::size_t column, Apply apply_one) {
    if (text.empty()) return {};
    for (const auto& piece : split_masked(text, ',', column)) {
        auto option = parse_suboption(set, piece);
        if (!option) return tl::unexpected(option.error());
        if (auto done = apply_one(*option); !done) return done;
    }
    return {};
}

/// KERNEL:<kernel>,<initrd>,<append> has the commas of suboptions between its parts (S-084): what
/// follows it and is no key of its own is one of them. The wrapper separates them by a percent
/// sign, as does who writes it so here.
std::vector<Piece> join_kernel(std::vector<Piece> pieces) {
    constexpr int most_parts = 3;
    std::vector<Piece> joined;
    int parts = 0; // of the kernel that came last
    for (auto& piece : pieces) {
        const auto key = find_key(KeySet::Create, trim(split_key(piece.text).key));
        if (!key && parts > 0 && parts < most_parts) {
            joined.back().text += '%' + piece.text;
            ++parts;
            continue;
        }
        parts = key == Key::Kernel ? 1 : 0;
        joined.push_back(std::move(piece));
    }
    return joined;
}

Result<What> parse_create(std::string_view text, std::size_t column) {
    CreateRequest request;
    if (!text.empty()) {
        for (const auto& piece : join_kernel(split_masked(text, ',', column))) {
            auto option = parse_suboption(KeySet::Create, piece);
            if (!option) return tl::unexpected(option.error());
            if (auto done = apply(request, *option); !done) return tl::unexpected(done.error());
        }
    }
    if (auto has = require_address(request.address); !has) return tl::unexpected(has.error());
    return request;
}

Result<What> parse_cancel(std::string_view text, std::size_t column) {
    CancelRequest request;
    bool chosen = false;
    std::optional<Duration> timeout;
    auto done = for_each(KeySet::Cancel, text, column, [&](const Suboption& o) {
        return apply(request, chosen, timeout, o);
    });
    if (!done) return tl::unexpected(done.error());
    if (request.self && !request.all)
        return fail(
            ErrorCode::Usage, "SELF means the worker beside ALL its VMs", "cancel=all,self");
    if (request.all && request.address.names_a_vm())
        return fail(ErrorCode::Usage, "ALL means every VM: no VM is named beside it");
    if (!request.all) {
        if (auto has = require_address(request.address); !has) return tl::unexpected(has.error());
    }
    if (request.run_level && request.force)
        return fail(ErrorCode::Usage, "INIT is done by the guest: FORCE is not", "poweroff,force");
    if (request.run_level) {
        request.deadline.reset();
    } else if (request.verb == Verb::Shutdown) {
        request.deadline = timeout.value_or(request.deadline.value_or(default_delay));
        request.always_cut = true;
    } else {
        request.deadline.reset();
        // With FORCE the original resets by the hypervisor for both words.
        if (request.verb == Verb::Reboot && request.force) request.verb = Verb::Reset;
    }
    return request;
}

Result<What> parse_enumerate(KeySet set, std::string_view text, std::size_t column) {
    EnumerateRequest request;
    auto done = for_each(set, text, column, [&](const Suboption& o) { return apply(request, o); });
    if (!done) return tl::unexpected(done.error());
    if (set == KeySet::Enumerate) return request;
    return ListRequest{.columns = request.columns, .title = request.title};
}

constexpr std::array<std::string_view, 8> actions = {
    "create", "cancel", "list", "enumerate", "info", "show", "getclientport", "isactive"};

} // namespace

Result<What> parse_action(std::string_view text) {
    if (auto ok = check_text("the action", text, 64 * 1024); !ok)
        return fail(ErrorCode::Usage, ok.error().message);
    const auto equals = text.find('=');
    const auto name = to_lower(trim(text.substr(0, equals)));
    const auto rest =
        equals == std::string_view::npos ? std::string_view{} : text.substr(equals + 1);
    const auto column = equals == std::string_view::npos ? text.size() + 1 : equals + 2;
    if (name == "create") return parse_create(rest, column);
    if (name == "cancel") return parse_cancel(rest, column);
    if (name == "list") return parse_enumerate(KeySet::List, rest, column);
    if (name == "enumerate") return parse_enumerate(KeySet::Enumerate, rest, column);
    if (name == "info") {
        if (!rest.empty()) return fail(ErrorCode::Unsupported, "not built yet: suboptions of info");
        return InfoRequest{};
    }
    if (std::find(actions.begin(), actions.end(), name) != actions.end())
        return fail(ErrorCode::Unsupported, fmt::format("not built yet: action {}", name));
    const auto near = near_word(name, actions);
    return bad(1,
               fmt::format("no such action \"{}\"", printable(name, 40)),
               near ? *near : "-a create, cancel, list, enumerate, info");
}

} // namespace ctys::tools::legacy
