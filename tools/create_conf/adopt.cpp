#include "tools/create_conf/adopt.h"

#include "mesh/core/shell_quoted.h"
#include "mesh/core/text.h"
#include "mesh/qemu/old_options.h"
#include "mesh/qemu/option_text.h"
#include "tools/create_conf/bash_defaults.h"
#include "tools/create_conf/value.h"
#include "tools/qemu_call/request.h"

#include <algorithm>
#include <array>

namespace ctys::conf {

namespace {

// Keys of the scan that are written from variables, or that told of the making.
constexpr auto written_keys = std::to_array<std::string_view>(
    {"LABEL",  "SESSIONTYPE", "VMSTATE",      "UUID",           "MAC0",    "MAC",
     "IP0",    "IP",          "TCP",          "DIST",           "DISTREL", "OS",
     "OSREL",  "CATEGORY",    "DEFAULTHOSTS", "DEFAULTCONSOLE", "GRACE",   "ONSTOP",
     "ONBOOT", "STARTAFTER"});

std::string folder_of(const std::string& path) {
    return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

std::vector<std::uint32_t> lines_of_keys(std::string_view text) {
    std::vector<std::uint32_t> out;
    std::uint32_t number = 0;
    for (const auto line : split(text, '\n')) {
        ++number;
        if (trim(line).starts_with("#@#")) out.push_back(number);
    }
    return out;
}

class Adopter {
public:
    Adopter(qemu::Configuration configuration,
            std::vector<std::uint32_t> keys,
            const std::string& path,
            std::string here)
        : configuration_(std::move(configuration)), folder_(folder_of(path)),
          here_(std::move(here)), file_(path.substr(path.rfind('/') + 1)), keys_(std::move(keys)) {}

    Adoption run() {
        resolve_defaults();
        for (const auto& variable : variables()) {
            take(variable);
        }
        addresses();
        accelerator();
        for (const auto* name : {"VGADRIVER", "TIMEOPT", "ARGSADD"}) {
            translate(name);
        }
        further_disks();
        keep_keys();
        out_.remainder.notes = out_.notes;
        return std::move(out_);
    }

private:
    struct Read {
        std::string text;
        std::string place;
    };

    std::string place(std::uint32_t line) const { return fmt::format("{}:{}", file_, line); }

    void note(std::string text) { out_.notes.push_back(std::move(text)); }

    // Values that a caller of the wrapper could have given in its environment.
    void resolve_defaults() {
        for (const auto& each : put_in_defaults(configuration_, folder_)) {
            if (find_variable(each.key) != nullptr || is_disk(each.key))
                note(fmt::format("{} is made by bash there and is not taken over ({})",
                                 each.key,
                                 place(each.line)));
        }
    }

    static bool is_disk(std::string_view name) {
        return name == "HDB" || name == "HDC" || name == "HDD";
    }

    std::optional<Read> find(std::string_view name) const {
        for (const auto& setting : configuration_.vm.settings) {
            if (setting.key == name && !trim(setting.value).empty())
                return Read{std::string{trim(setting.value)}, place(setting.line)};
        }
        return std::nullopt;
    }

    void take(const Variable& variable) {
        auto found = find(variable.name);
        for (const auto other : split(variable.other_names, ' ')) {
            if (!found && !other.empty()) found = find(other);
        }
        if (!found) return;
        if (variable.name == "IP") return; // together with what stands around it
        if (variable.kind == Kind::Path) found->text = moved(found->text);
        give(variable, std::move(found->text), std::move(found->place));
    }

    void give(const Variable& variable, std::string text, std::string where) {
        if (variable.name == "ACCELERATOR" && equals_ignoring_case(text, "KQEMU")) {
            note(fmt::format(
                "ACCELERATOR: KQEMU does not exist any more, QEMU takes its place ({})", where));
            text = "QEMU";
        }
        const auto fits = checked_value(variable, text);
        if (!fits) return note(fmt::format("{}; not taken over ({})", fits.error().message, where));
        out_.given.insert_or_assign(std::string{variable.name},
                                    Value{*fits, Origin::Adopted, std::move(where)});
    }

    // Beside the new configuration, or where it was.
    std::string moved(const std::string& path) const {
        const auto beside = folder_ + "/";
        const bool is_beside =
            path.starts_with(beside) && path.find('/', beside.size()) == std::string::npos;
        if (folder_ == here_) return is_beside ? path.substr(beside.size()) : absolute(path);
        return absolute(path);
    }

    std::string absolute(const std::string& path) const {
        const bool plain = path.find('/') == std::string::npos;
        if (path.starts_with('/') || (plain && folder_ == here_)) return path;
        return folder_ + "/" + path;
    }

    void addresses() {
        auto found = find("IP0");
        if (!found) found = find("IP");
        if (!found) return;
        constexpr auto names =
            std::to_array<std::string_view>({"IP", "NETMASK", "BRIDGE", "", "", "GATEWAY"});
        const auto parts = split(found->text, '%');
        for (std::size_t i = 0; i < std::min(parts.size(), names.size()); ++i) {
            const auto* variable = find_variable(names[i]);
            if (variable != nullptr && !trim(parts[i]).empty())
                give(*variable, std::string{trim(parts[i])}, found->place);
        }
    }

    // It may be said with the program only.
    void accelerator() {
        if (out_.given.contains("ACCELERATOR")) return;
        const auto starter = find("STARTERCALL");
        if (!starter || !starter->text.ends_with("kvm")) return;
        give(*find_variable("ACCELERATOR"), "KVM", starter->place);
    }

    void translate(std::string_view name) {
        const auto found = out_.given.find(name);
        if (found == out_.given.end()) return;
        const auto words = call::split_words(found->second.text);
        if (!words) return;
        const auto translated = qemu::translate_old_options(*words, qemu::OwnNetwork::User);
        if (!translated) {
            note(fmt::format("{}: {} ({})", name, translated.error().message, found->second.place));
            return;
        }
        if (translated->warnings.empty()) return;
        for (const auto& warning : translated->warnings) {
            note(fmt::format("{}: {} ({})", name, warning, found->second.place));
        }
        // Those of the network have no variable; each start translates them as they stand.
        if (!translated->user_properties.empty()) return;
        const auto where = found->second.place;
        out_.given.erase(found);
        if (!translated->words.empty())
            give(*find_variable(name), shell_quoted(translated->words), where);
    }

    void further_disks() {
        std::string options;
        for (const auto* name : {"HDB", "HDC", "HDD"}) {
            const auto found = find(name);
            if (!found) continue;
            const auto file =
                found->text.starts_with('/') ? found->text : folder_ + "/" + found->text;
            options += fmt::format(
                " {}",
                shell_quoted(
                    {"-drive", fmt::format("file={},format=raw", qemu::escape_commas(file))}));
            note(fmt::format(
                "{} is a -drive of ARGSADD now, by its whole path and taken for raw ({})",
                name,
                found->place));
        }
        if (options.empty()) return;
        const auto& variable = *find_variable("ARGSADD");
        const auto before = out_.given.find("ARGSADD");
        auto text = before == out_.given.end() ? std::string{} : before->second.text;
        give(variable, text + options, file_);
    }

    // What the scan reads beyond the table: STACKCAP, HWREQ, further cards and so on.
    void keep_keys() {
        for (const auto& setting : configuration_.vm.settings) {
            const bool written = std::find(written_keys.begin(), written_keys.end(), setting.key) !=
                                 written_keys.end();
            if (written || setting.key.starts_with("INST_") || !is_key(setting)) continue;
            // What the table knows is assigned, and read from there.
            if (find_variable(setting.key) != nullptr) continue;
            out_.remainder.keys.push_back(setting);
        }
    }

    // Keys stand before the constants, which are in the table or mean nothing to the wrapper.
    bool is_key(const Setting& setting) const {
        return std::find(keys_.begin(), keys_.end(), setting.line) != keys_.end();
    }

    qemu::Configuration configuration_;
    std::string folder_;
    std::string here_;
    std::string file_;
    std::vector<std::uint32_t> keys_;
    Adoption out_;
};

} // namespace

Result<Adoption>
adopt_configuration(std::string_view text, const std::string& path, const std::string& here) {
    auto configuration = qemu::read_configuration(text, path);
    if (!configuration) return tl::unexpected(configuration.error());
    const auto& type = configuration->vm.type;
    if (!type.empty() && type != "QEMU")
        return fail(
            ErrorCode::Unsupported,
            fmt::format("a VM of {}; only those of QEMU are made here", printable(type, 40)));
    const auto label = configuration->vm.label;
    auto out = Adopter{std::move(*configuration), lines_of_keys(text), path, here}.run();
    // A configuration may leave its name to that of its file.
    if (!out.given.contains("LABEL") && is_label(label))
        out.given.emplace("LABEL", Value{label, Origin::Adopted, path.substr(path.rfind('/') + 1)});
    return out;
}

} // namespace ctys::conf
