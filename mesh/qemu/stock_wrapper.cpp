#include "mesh/qemu/stock_wrapper.h"

#include "mesh/core/text.h"
#include "mesh/qemu/shell_statements.h"

#include <algorithm>
#include <array>
#include <set>

namespace ctys::qemu {

namespace {

template <std::size_t Size>
bool is_one_of(const std::array<std::string_view, Size>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

template <std::size_t Size>
bool begins_with_one_of(const std::array<std::string_view, Size>& beginnings,
                        std::string_view word) {
    return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view one) {
        return word.starts_with(one);
    });
}

// Of bash and the few tools that go with every framework.
constexpr auto plain_commands = std::to_array<std::string_view>(
    {"[",       "[[",    "basename", "break", "case",  "cat",    "cd",     "continue",
     "dirname", "echo",  "exit",     "false", "local", "printf", "return", "set",
     "shift",   "shopt", "test",     "tr",    "true",  "uname",  "unset",  ":"});

// As the framework names its functions.
constexpr auto framework_functions = std::to_array<std::string_view>({"print",
                                                                      "get",
                                                                      "gotoHell",
                                                                      "gwhich",
                                                                      "bootstrap",
                                                                      "base",
                                                                      "libManager",
                                                                      "net",
                                                                      "callOptions",
                                                                      "show",
                                                                      "splitArgs"});

// Programs by variables of the framework, and the call itself.
constexpr auto called_variables = std::to_array<std::string_view>(
    {"EXECALL", "QEMUIMG", "CTYS_DD", "CTYS_UNLINK", "CTYS_MKDIR", "CTYS_RM"});

// Where the call comes together.
constexpr auto call_variables = std::to_array<std::string_view>({"EXECALL", "LASTPATH"});

// What a configuration sets: a wrapper only hands it on.
constexpr auto configured_variables = std::to_array<std::string_view>(
    {"LABEL",       "UUID",       "MAC0",     "ACCELERATOR", "STARTERCALL",     "WRAPPERCALL",
     "ARCH",        "CPU",        "SMP",      "MEMSIZE",     "KBD_LAYOUT",      "TIMEOPT",
     "VGADRIVER",   "VGA_DRIVER", "NIC",      "ARGSADD",     "KERNELIMAGE",     "INITRDIMAGE",
     "APPEND",      "FDDIMAGE",   "FDA",      "FDB",         "HDDBOOTIMAGE",    "HDA",
     "HDB",         "HDC",        "HDD",      "QEMU_IMG",    "QEMUSOCK",        "QEMUMGMT",
     "QEMUMONSOCK", "QEMUBIOS",   "QEMUBASE", "QEMUKVM",     "VNCACCESSDISPLAY"});
constexpr auto configured_beginnings =
    std::to_array<std::string_view>({"DEFAULT", "INSTSRC", "HDDBOOTIMAGE_INST_"});

// Variables of the wrapper itself.
constexpr auto own_variables = std::to_array<std::string_view>(
    {"ABORT",      "VERSION",        "INSTMODE",     "INSTMODE_SETTINGS", "INSTSRC",
     "INSTTARGET", "INSTTARGETMODE", "INSTSTAGE",    "INITMODE",          "INITMODEONLY",
     "BOOTMODE",   "BOOTSRC",        "CONSOLE",      "KERNELMODE",        "ADDARGS",
     "CHK",        "QEMU_MAGIC",     "QEMU_VERSION", "REALSTARTERCALL",   "MYQEMUMONSOCK",
     "C_EXECLOCAL"});
constexpr auto own_beginnings = std::to_array<std::string_view>({"_", "MY", "CTYSWRAPPER"});

// Words of the call, an expansion as '$'.
constexpr auto call_words = std::to_array<std::string_view>({"-L",
                                                             "-append",
                                                             "-boot",
                                                             "-cdrom",
                                                             "-cpu",
                                                             "-daemonize",
                                                             "-fda",
                                                             "-fdb",
                                                             "-hda",
                                                             "-hdb",
                                                             "-hdc",
                                                             "-hdd",
                                                             "-initrd",
                                                             "-k",
                                                             "-kernel",
                                                             "-m",
                                                             "-name",
                                                             "-net",
                                                             "-no-kqemu",
                                                             "-no-quit",
                                                             "-nographic",
                                                             "-serial",
                                                             "-smp",
                                                             "-vnc",
                                                             "$",
                                                             "\"$\"",
                                                             ":$",
                                                             "a",
                                                             "c",
                                                             "d",
                                                             "mon:unix:$,server,nowait",
                                                             "n",
                                                             "nic,macaddr=$,model=$",
                                                             "qemu32",
                                                             "qemu64",
                                                             "vc:1000x300",
                                                             "vde,sock=$"});

struct NeededWord {
    std::string_view word;
    std::string_view words_for_people;
};
// Without one of them a VM would not be what its configuration says.
constexpr auto needed_words = std::to_array<NeededWord>({
    {"nic,macaddr=$,model=$", "its -net nic with MAC0 and NIC"},
    {"vde,sock=$", "its -net vde with QEMUSOCK"},
    {"-name", "its -name"},
    {"-m", "its -m"},
    {"-boot", "its -boot"},
});

bool is_variable_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

bool is_only_expansions(std::string_view shape) {
    return std::all_of(shape.begin(), shape.end(), [](char c) {
        return c == ScriptWord::expansion || c == ' ' || c == '\t';
    });
}

class WrapperJudge {
public:
    explicit WrapperJudge(std::string_view text)
        : lines_(split(text, '\n')), script_(read_shell_statements(text)) {}

    std::vector<WrapperEdit> run() {
        for (const auto& statement : script_.statements) {
            if (!is_known(statement)) differs(statement.line);
        }
        // A substitution is read before the statement that it is part of.
        std::sort(
            out_.begin(), out_.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
        for (const auto& part : needed_words) {
            if (!said_.contains(part.word)) out_.push_back({0, std::string{part.words_for_people}});
        }
        return std::move(out_);
    }

private:
    void differs(std::uint32_t line) {
        if (line == 0 || line > lines_.size() || !told_.insert(line).second) return;
        out_.push_back({line, printable(trim(lines_[line - 1]), 120)});
    }

    bool is_known(const ShellStatement& statement) {
        std::size_t first = 0;
        for (const auto& word : statement.words) {
            const auto equals = word.shape.find('=');
            if (equals == std::string::npos || !is_variable_name(word.shape.substr(0, equals)))
                break;
            if (!is_known_assignment(word, equals)) return false;
            ++first;
        }
        if (first == statement.words.size()) return true;
        // NAME=value COMMAND: of no stock wrapper.
        return first == 0 && is_known_command(statement);
    }

    bool is_known_assignment(const ScriptWord& word, std::size_t equals) {
        const auto name = std::string_view{word.shape}.substr(0, equals);
        const auto value = std::string_view{word.shape}.substr(equals + 1);
        if (is_one_of(call_variables, name)) return is_known_call(value);
        if (is_one_of(own_variables, name)) return true;
        if ((name == "WRAPPERCALL" || name == "ARGSADD") && value.empty()) return true;
        if (is_one_of(configured_variables, name) ||
            begins_with_one_of(configured_beginnings, name)) {
            const bool default_of_original = name == "QEMUSOCK" || name == "WRAPPERCALL";
            return !value.empty() && is_only_expansions(value) &&
                   (default_of_original || !word.has_constant_default);
        }
        return begins_with_one_of(own_beginnings, name);
    }

    bool is_known_call(std::string_view value) {
        bool known = true;
        for (const auto word : split(value, ' ')) {
            const auto bare = trim(word);
            if (bare.empty() || is_only_expansions(bare)) continue;
            said_.emplace(bare);
            known = known && is_one_of(call_words, bare);
        }
        return known;
    }

    bool is_known_command(const ShellStatement& statement) const {
        const auto& words = statement.words;
        const auto& command = words.front();
        const auto& name = command.shape;
        if (is_one_of(plain_commands, name)) return true;
        if (name == "." || name == "source") {
            return words.size() == 2 && words[1].shape.starts_with(ScriptWord::expansion);
        }
        // Only what was put together, word by word, is evaluated.
        if (name == "eval") {
            return words.size() == 2 && words[1].shape == "$" && words[1].variable == "EXECALL";
        }
        if (name == "$") return is_one_of(called_variables, command.variable);
        const auto& functions = script_.functions;
        return begins_with_one_of(framework_functions, name) ||
               std::find(functions.begin(), functions.end(), name) != functions.end();
    }

    std::vector<std::string_view> lines_;
    ShellStatements script_;
    std::set<std::uint32_t> told_;
    std::set<std::string, std::less<>> said_;
    std::vector<WrapperEdit> out_;
};

// In code: a comment may tell of the original.
bool mentions(std::string_view text, std::string_view word) {
    for (const auto line : split(text, '\n')) {
        const auto code = trim(line);
        if (!code.starts_with('#') && code.find(word) != std::string_view::npos) return true;
    }
    return false;
}

} // namespace

WrapperKind judge_wrapper(std::string_view text) {
    WrapperKind out;
    out.of_original = mentions(text, "CTYS_LIBPATH") && !mentions(text, "ctys-wrapper-lib") &&
                      !mentions(text, "--wrapper-lib");
    if (out.of_original) out.edits = WrapperJudge{text}.run();
    return out;
}

} // namespace ctys::qemu
