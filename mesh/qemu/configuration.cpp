#include "mesh/qemu/configuration.h"

#include "mesh/core/text.h"
#include "mesh/qemu/option_text.h"
#include "mesh/qemu/shell_word.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <utility>

namespace ctys::qemu {

namespace {

constexpr std::size_t max_settings = 4096;
constexpr std::size_t max_warnings = 100;
constexpr int max_interfaces = 32;
constexpr std::size_t max_start_after = 64;
constexpr std::string_view key_mark = "#@#";
constexpr std::size_t max_file_name = 255;
// A file is read each time that it is sourced: all of it no more than a configuration may have.
constexpr std::size_t max_sourced = 32;

std::string upper(std::string_view text) {
    std::string out{text};
    for (auto& c : out) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return out;
}

bool is_name(std::string_view text) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    return !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
           std::all_of(text.begin(), text.end(), fits);
}

std::string_view directory_of(std::string_view path) {
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    return slash == 0 ? std::string_view{"/"} : path.substr(0, slash);
}

std::string_view without_extension(std::string_view path) {
    const auto slash = path.rfind('/');
    const auto dot = path.rfind('.');
    const auto first = slash == std::string_view::npos ? 0 : slash + 1;
    return dot == std::string_view::npos || dot <= first ? path : path.substr(0, dot);
}

std::string_view file_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

// The word behind `.` or `source` of a line, also of "[ -f FILE ] && . FILE"; empty where it does
// not source.
std::string_view sourced_word(std::string_view line) {
    if (line.starts_with("[ ") || line.starts_with("[[ ") || line.starts_with("test ")) {
        const auto at = line.find("&&");
        if (at == std::string_view::npos) return {};
        line = trim(line.substr(at + 2));
    }
    for (const std::string_view command : {".", "source"}) {
        if (!line.starts_with(command)) continue;
        const auto rest = line.substr(command.size());
        if (rest.starts_with(' ') || rest.starts_with('\t')) return trim(rest);
    }
    return {};
}

// A line of another file is told in words: it would be that of something else.
Warning warning_at(const Setting& place, std::string text) {
    if (place.file.empty()) return {place.line, std::move(text)};
    return {0, fmt::format("{}: {}", place_text(place), text)};
}

// Goes through the lines once and sorts them into keys, constants and what only bash can tell.
class LineReader {
public:
    explicit LineReader(std::string_view path, std::span<const FurtherText> further = {})
        : directory_(directory_of(path)), own_name_(file_name(path)), further_(further) {
        variables_.emplace("CTYSWRAPPERPATH", directory_);
    }

    // What the configuration sources was read with it.
    void read_others() {
        open_quote_ = 0;
        for (const auto& other : further_) {
            in_ = &other;
            if (!other.file.sourced) std::ignore = read_lines(other.text); // up to a bad line
        }
        in_ = nullptr;
    }

    /// Names of files beside it that it sources, in order.
    [[nodiscard]] const std::vector<std::string>& sourced() const { return sourced_; }

    Status read(std::string_view text) { return read_lines(text); }

    Configuration take() {
        out_.keys = keys_.size();
        out_.vm.settings = std::move(keys_);
        out_.vm.settings.insert(out_.vm.settings.end(),
                                std::make_move_iterator(constants_.begin()),
                                std::make_move_iterator(constants_.end()));
        for (auto& key : further_keys_) {
            auto& all = out_.vm.settings;
            const bool is_said = std::any_of(
                all.begin(), all.end(), [&](const Setting& one) { return one.key == key.key; });
            if (!is_said) all.push_back(std::move(key));
        }
        return std::move(out_);
    }

private:
    Status read_lines(std::string_view text) {
        std::uint32_t number = 0;
        for (const auto raw : split(text, '\n')) {
            ++number;
            if (raw.size() > max_configuration_line) {
                return fail(ErrorCode::Malformed,
                            fmt::format("line {} has {} bytes, at most {} are allowed",
                                        number,
                                        raw.size(),
                                        max_configuration_line));
            }
            if (raw.find('\0') != std::string_view::npos) {
                return fail(ErrorCode::Malformed,
                            fmt::format("line {} contains a NUL byte", number));
            }
            if (keys_.size() + further_keys_.size() + constants_.size() + out_.dynamic.size() >=
                max_settings) {
                warn(number,
                     fmt::format("more than {} settings; the rest is not read", max_settings));
                return {};
            }
            line(raw, number);
        }
        return {};
    }

    void warn(std::uint32_t number, std::string text) {
        if (out_.warnings.size() >= max_warnings) return;
        out_.warnings.push_back(warning_at(here(number), std::move(text)));
    }

    [[nodiscard]] Setting
    here(std::uint32_t number, std::string key = {}, std::string value = {}) const {
        return {.key = std::move(key),
                .value = std::move(value),
                .line = number,
                .file = in_ == nullptr ? std::string{} : in_->file.name};
    }

    // Values travel as UTF-8; configurations of the original may be in another encoding.
    std::string clean(std::string_view value, std::uint32_t number, std::string_view key) {
        if (is_utf8(value)) return std::string{value};
        warn(number, fmt::format("{} is not UTF-8; the bytes are shown as '?'", printable(key)));
        return printable(value, max_configuration_line);
    }

    void line(std::string_view raw, std::uint32_t number) {
        if (open_quote_ != 0) {
            // Still inside a quoted text of an earlier line.
            if (raw.find(open_quote_) != std::string_view::npos) open_quote_ = 0;
            return;
        }
        const auto text = trim(raw);
        if (text.starts_with(key_mark)) return key_line(text.substr(key_mark.size()), number);
        if (text.empty() || text[0] == '#' || (in_ != nullptr && !in_->file.sourced)) return;
        if (in_ == nullptr && depth_ == 0) source(sourced_word(text));
        follow_blocks(text);
        assignment(text, number);
    }

    // One level: what a sourced file sources is not looked at.
    void source(std::string_view word) {
        if (word.empty()) return;
        const auto path = read_shell_word(word, variables_).value.value_or("");
        std::string_view name = path;
        if (name.starts_with(directory_ + "/")) name.remove_prefix(directory_.size() + 1);
        if (name.starts_with("./")) name.remove_prefix(2);
        if (name.size() == path.size() || name.empty() || name.size() > max_file_name ||
            name.find('/') != std::string_view::npos || name == own_name_ || name == "." ||
            name == ".." || !is_utf8(name) || sourced_.size() == max_sourced)
            return;
        sourced_.emplace_back(name);
        for (const auto& other : further_) {
            if (other.file.name != name || !other.file.sourced) continue;
            in_ = &other;
            const auto quote = std::exchange(open_quote_, '\0');
            std::ignore = read_lines(other.text); // a bad line ends that file alone
            open_quote_ = quote;
            depth_ = 0;
            in_ = nullptr;
            return;
        }
    }

    void key_line(std::string_view text, std::uint32_t number) {
        text = trim(text);
        const auto stop = text.find_first_of("= \t");
        const auto key = upper(text.substr(0, stop));
        // What marks this VM stands in its own configuration.
        if (key.starts_with("MAGICID")) {
            if (in_ == nullptr) magic(key);
            return;
        }
        const auto equals = text.find('=');
        // Comments may start like keys; only "KEY =" is one.
        if (equals == std::string_view::npos || !is_name(key) ||
            !trim(text.substr(key.size(), equals - key.size())).empty()) {
            return;
        }
        const auto value = unquoted(trim(text.substr(equals + 1)), number, key);
        auto& keys = in_ == nullptr ? keys_ : further_keys_;
        keys.push_back(here(number, key, clean(value, number, key)));
        if (key == "LABEL") variables_.emplace("LABEL", keys.back().value);
    }

    std::string_view unquoted(std::string_view value, std::uint32_t number, std::string_view key) {
        if (!value.starts_with('"') && !value.starts_with('\'')) return value;
        const auto close = value.find(value[0], 1);
        if (close == std::string_view::npos) {
            warn(number, fmt::format("the quote of {} is not closed", key));
            return value.substr(1);
        }
        return value.substr(1, close - 1);
    }

    void magic(std::string_view key) {
        // MAGICID-DO-NOT-IGNORE is what createConfVM leaves when it activates a configuration.
        if (key == "MAGICID-QEMU") out_.is_qemu = true;
        if (key == "MAGICID-IGNORE") out_.ignored = true;
        if (key == "MAGICID-NOENUM") out_.not_listed = true;
    }

    // Counts blocks, in which an assignment may or may not happen.
    void follow_blocks(std::string_view text) {
        const auto first = text.substr(0, text.find_first_of(" \t;"));
        for (const auto* opens : {"if", "for", "while", "until", "case"}) {
            if (first == opens) ++depth_;
        }
        if (text.ends_with('{')) ++depth_;
        const bool on_one_line = text.ends_with("; fi") || text.ends_with(";fi") ||
                                 text.ends_with("; done") || text.ends_with(";done") ||
                                 text.ends_with("esac") || text.ends_with("; }");
        const bool closes = first == "fi" || first == "done" || first == "esac" || first == "}";
        if ((on_one_line || closes) && depth_ > 0) --depth_;
    }

    void assignment(std::string_view text, std::uint32_t number) {
        if (text.starts_with("export ")) text = trim(text.substr(7));
        const auto equals = text.find('=');
        if (equals == std::string_view::npos || !is_name(text.substr(0, equals))) return;
        const std::string name{text.substr(0, equals)};
        const auto source = text.substr(equals + 1);
        const auto word = read_shell_word(source, variables_);
        open_quote_ = word.open_quote;
        if (word.followed) return;
        // The last assignment is the one that holds when the wrapper has sourced the file.
        if (const auto before = places_.extract(name)) constants_.erase(before.mapped());
        if (word.value && depth_ == 0) {
            variables_.insert_or_assign(name, *word.value);
            constants_.push_back(here(number, name, clean(*word.value, number, name)));
            places_.emplace(name, std::prev(constants_.end()));
        } else {
            variables_.erase(name);
            out_.dynamic.push_back(here(number, name, printable(source, max_configuration_line)));
        }
    }

    const std::string directory_;
    const std::string own_name_;
    std::span<const FurtherText> further_;
    const FurtherText* in_ = nullptr; // the file that is being read; none: the configuration
    std::vector<std::string> sourced_;
    Variables variables_;
    std::vector<Setting> keys_;
    std::vector<Setting> further_keys_;
    std::list<Setting> constants_;
    std::map<std::string, std::list<Setting>::iterator, std::less<>> places_; // among the constants
    int depth_ = 0;
    char open_quote_ = 0;
    Configuration out_;
};

// Draws the VM's record from the settings.
class RecordReader {
public:
    RecordReader(Configuration& configuration, std::string_view path)
        : out_(configuration), path_(path) {}

    void read() {
        label();
        uuid();
        addresses();
        size();
        grace();
        policy();
        const auto* state = find({"VMSTATE"});
        if (state != nullptr) out_.vmstate = upper(trim(state->value));
        const auto* type = find({"SESSIONTYPE"});
        if (type != nullptr && !type->value.empty()) out_.vm.type = upper(type->value);
        const auto prefix = without_extension(path_);
        out_.wrapper = std::string{prefix} + ".sh";
    }

private:
    const Setting* find(std::initializer_list<std::string_view> keys) const {
        for (const auto key : keys) {
            const auto& all = out_.vm.settings;
            const auto found = std::find_if(
                all.begin(), all.end(), [&](const Setting& one) { return one.key == key; });
            if (found != all.end()) return &*found;
        }
        return nullptr;
    }

    void warn(const Setting& setting, std::string_view what) {
        if (out_.warnings.size() >= max_warnings) return;
        out_.warnings.push_back(warning_at(
            setting, fmt::format("{} \"{}\" {}", setting.key, printable(setting.value, 80), what)));
    }

    void label() {
        const auto prefix = without_extension(path_);
        const auto slash = prefix.rfind('/');
        const auto stem = slash == std::string_view::npos ? prefix : prefix.substr(slash + 1);
        const auto* given = find({"LABEL"});
        if (given != nullptr && is_label(given->value)) {
            out_.vm.label = given->value;
            return differing_label(*given);
        }
        if (given != nullptr) warn(*given, "is not a label; the file's name is used");
        out_.vm.label = is_label(stem) ? std::string{stem} : printable(stem, 63);
    }

    // The scan reads the key and the wrapper the assignment: a start would run another name.
    void differing_label(const Setting& given) {
        for (const auto& other : out_.vm.settings) {
            if (other.key != "LABEL" || other.value == given.value) continue;
            warn(other, fmt::format("differs from {}, which is used", place_text(given)));
        }
    }

    void uuid() {
        const auto* given = find({"UUID"});
        if (given == nullptr || trim(given->value).empty()) return;
        const auto parsed = Uuid::parse(trim(given->value));
        if (!parsed) return warn(*given, "is not a UUID");
        if (!parsed->identifies()) return warn(*given, "identifies nothing and counts as none");
        out_.vm.id = VmId{*parsed};
        out_.uuid_usable = true;
    }

    void add_mac(const Setting& setting) {
        const auto text = trim(setting.value);
        if (text.empty()) return;
        const auto mac = parse_mac(text);
        if (!mac) return warn(setting, "is not a MAC address");
        add(out_.vm.macs, *mac);
    }

    void add_ip(const Setting& setting) {
        // ip%netmask%relay%interface%sshport%gateway
        const auto ip = trim(split(setting.value, '%')[0]);
        if (!ip.empty()) add(out_.vm.ips, std::string{ip});
    }

    static void add(std::vector<std::string>& list, std::string text) {
        if (std::find(list.begin(), list.end(), text) == list.end())
            list.push_back(std::move(text));
    }

    void addresses() {
        if (const auto* mac = find({"MAC"})) add_mac(*mac);
        if (const auto* ip = find({"IP"})) add_ip(*ip);
        if (const auto* tcp = find({"TCP"})) add_ip(*tcp);
        for (int i = 0; i < max_interfaces; ++i) {
            if (const auto* mac = find({fmt::format("MAC{}", i)})) add_mac(*mac);
            if (const auto* ip = find({fmt::format("IP{}", i)})) add_ip(*ip);
        }
    }

    void size() {
        if (const auto* arch = find({"ARCH"})) {
            const auto lower = to_lower(trim(arch->value));
            out_.vm.arch = lower == "amd64"                     ? "x86_64"
                           : lower == "i586" || lower == "i686" ? "i386"
                                                                : lower;
        }
        if (const auto* memory = find({"MEMSIZE", "VRAM"})) {
            const auto bytes = parse_size(trim(memory->value), mebibyte);
            if (bytes) out_.vm.memory_mb = *bytes / mebibyte;
            if (!bytes && !memory->value.empty()) warn(*memory, "is not a size");
        }
        if (const auto* cpus = find({"SMP", "VCPU"})) {
            const auto count = parse_number(trim(cpus->value));
            const bool fits = count && *count <= std::numeric_limits<std::uint32_t>::max();
            if (fits) out_.vm.vcpus = static_cast<std::uint32_t>(*count);
            if (!fits && !cpus->value.empty()) warn(*cpus, "is not a number of CPUs");
        }
    }

    void grace() {
        const auto* given = find({"GRACE"});
        if (given == nullptr || trim(given->value).empty()) return;
        const auto span = parse_duration(trim(given->value));
        if (!span) return warn(*given, "is not a time such as \"120\" or \"2m\"; none is used");
        out_.vm.grace = *span;
    }

    void policy() {
        const auto* stop = find({"ONSTOP"});
        if (stop != nullptr && !trim(stop->value).empty()) {
            const auto what = on_stop_from_text(to_lower(trim(stop->value)));
            if (what) out_.vm.on_stop = *what;
            if (!what) warn(*stop, "is not shutdown, suspend, leave or kill; shutdown is used");
        }
        const auto* boot = find({"ONBOOT"});
        if (boot != nullptr && !trim(boot->value).empty()) {
            const auto what = on_boot_from_text(to_lower(trim(boot->value)));
            if (what) out_.vm.on_boot = *what;
            if (!what) warn(*boot, "is not start, like-before or no; no is used");
        }
        if (const auto* after = find({"STARTAFTER"})) start_after(*after);
    }

    void start_after(const Setting& given) {
        for (const auto word : split(given.value, ' ')) {
            const auto label = trim(word);
            if (label.empty()) continue;
            if (!is_label(label)) {
                warn(given,
                     fmt::format("names \"{}\", which is no label; it is left out (blanks stand "
                                 "between labels)",
                                 printable(label, 80)));
            } else if (label == out_.vm.label) {
                warn(given, "names this VM itself; it is left out");
            } else if (out_.vm.start_after.size() == max_start_after) {
                return warn(given, "names too many VMs; the rest is left out");
            } else {
                add(out_.vm.start_after, std::string{label});
            }
        }
    }

    Configuration& out_;
    std::string_view path_;
};

} // namespace

std::vector<FurtherName> further_names(std::string_view text, std::string_view path) {
    std::vector<FurtherName> out;
    const auto add = [&](std::string name, bool sourced) {
        const bool known = std::any_of(
            out.begin(), out.end(), [&](const FurtherName& one) { return one.name == name; });
        if (known || name == file_name(path) || out.size() == max_further_files) return;
        out.push_back({std::move(name), sourced});
    };
    // Most configurations source nothing, and need not be read for it.
    const bool may_source = text.find("source") != std::string_view::npos ||
                            text.find(". ") != std::string_view::npos ||
                            text.find(".\t") != std::string_view::npos;
    if (may_source && text.size() <= max_configuration_bytes) {
        LineReader lines{path};
        std::ignore = lines.read(text); // up to a bad line
        for (const auto& name : lines.sourced()) {
            add(name, true);
        }
    }
    const auto stem = file_name(without_extension(path));
    add(fmt::format("{}.vmx", stem), false);
    add(fmt::format("{}.conf", stem), false);
    if (const auto folder = file_name(directory_of(path)); !folder.empty())
        add(fmt::format("{}.ctys", folder), false);
    return out;
}

Result<Configuration> read_configuration(std::string_view text,
                                         std::string_view path,
                                         std::span<const FurtherText> further) {
    if (text.size() > max_configuration_bytes) {
        return fail(ErrorCode::Malformed,
                    fmt::format("a configuration of {} bytes; at most {} are read",
                                text.size(),
                                max_configuration_bytes));
    }
    LineReader lines{path, further};
    if (auto read = lines.read(text); !read) return tl::unexpected(read.error());
    lines.read_others();
    auto out = lines.take();
    RecordReader{out, path}.read();
    return out;
}

std::vector<DifferingPeers> differing_peers(const Configuration& configuration) {
    const auto& all = configuration.vm.settings;
    const auto first_variable =
        all.begin() + static_cast<std::ptrdiff_t>(std::min(configuration.keys, all.size()));
    std::vector<DifferingPeers> out;
    for (auto variable = first_variable; variable != all.end(); ++variable) {
        const auto key = std::find_if(all.begin(), first_variable, [&](const Setting& one) {
            return one.key == variable->key;
        });
        if (key != first_variable && key->value != variable->value)
            out.push_back({*key, *variable});
    }
    return out;
}

std::string_view setting(const Configuration& configuration, std::string_view key) {
    return find_setting(configuration.vm.settings, key);
}

} // namespace ctys::qemu
