#include "tools/output/equipment.h"

#include "mesh/core/text.h"
#include "tools/plugins/plugin.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace ctys::tools {

namespace {

/// Words between blanks, as a list.
void json_words(JsonWriter& out, std::string_view key, std::string_view words) {
    out.key(key);
    out.begin_array();
    for (const auto word : split(words, ' ')) {
        if (!word.empty()) out.value(word);
    }
    out.end_array();
}

void json_emulators(JsonWriter& out, const std::vector<Emulator>& emulators) {
    out.key("emulators");
    out.begin_array();
    for (const auto& each : emulators) {
        out.begin_object();
        out.member("path", each.path);
        out.member("arch", each.arch);
        out.member("version", each.version);
        out.member("package", each.package);
        json_words(out, "accelerators", each.accelerators);
        json_words(out, "machines", each.machines);
        json_words(out, "cpus", each.cpus);
        out.member("kvm_trial", to_string(each.kvm_trial));
        out.member("options", each.options);
        out.member("problem", each.problem);
        out.end_object();
    }
    out.end_array();
}

void json_plugins(JsonWriter& out, const WorkerRecord& worker) {
    out.key("plugins");
    out.begin_array();
    for (const auto& plugin : plugins_of(worker)) {
        out.begin_object();
        out.member("name", to_string(plugin.type));
        out.member("state", to_string(plugin.state));
        out.member("number", static_cast<int>(plugin.state));
        out.key("missing");
        out.begin_array();
        for (const auto& check : plugin.checks) {
            if (check.passed || !check.needed) continue;
            out.begin_object();
            out.member("name", check.what);
            out.member("fact", check.fact);
            out.member("try", check.command);
            out.end_object();
        }
        out.end_array();
        out.end_object();
    }
    out.end_array();
}

/// Words between blanks behind a head, as lines that fit on a page.
void word_lines(Blocks& blocks,
                std::string_view title,
                std::string_view head,
                std::string_view words) {
    constexpr std::size_t width = 88;
    std::string line{head};
    for (const auto word : split(words, ' ')) {
        if (word.empty()) continue;
        if (line.size() + 1 + word.size() > width && line.size() > head.size()) {
            blocks.line(title, line);
            line.assign(head.size(), ' ');
        }
        line.append(" ").append(word);
    }
    if (!trim(words).empty()) blocks.line(title, line);
}

/// As many words as fit on one line, and how many there are beside them.
std::string beginning_of(std::string_view head, std::string_view words) {
    constexpr std::size_t width = 72;
    std::string line{head};
    std::size_t left_out = 0;
    bool is_cut = false; // by who told it: its own end says so
    for (const auto word : split(words, ' ')) {
        if (word.empty()) continue;
        is_cut = word == "...";
        if (is_cut) break;
        if (left_out > 0 || line.size() + 1 + word.size() > width) {
            ++left_out;
        } else {
            line.append(" ").append(word);
        }
    }
    if (left_out == 0) return line;
    return line + fmt::format(" and {}{} more", is_cut ? "over " : "", left_out);
}

/// Behind what it has; empty where KVM was tried with none.
std::string trial_text(const Emulator& emulator, bool is_tried) {
    if (!is_tried || !has_accelerator(emulator, "kvm")) return {};
    return fmt::format(" (kvm {})", to_string(emulator.kvm_trial));
}

void render_emulator(Blocks& blocks, const Emulator& emulator, bool is_tried) {
    const auto version = emulator.package.empty()
                             ? emulator.version
                             : fmt::format("{} ({})", emulator.version, emulator.package);
    if (!emulator.problem.empty()) {
        blocks.line("qemu",
                    fmt::format("{}  {}{}cannot be used: {}",
                                emulator.path,
                                version,
                                version.empty() ? "" : ", ",
                                emulator.problem));
        return;
    }
    blocks.line("qemu",
                fmt::format("{}  {}, emulates {}, has {}{}, {} groups of options",
                            emulator.path,
                            version,
                            emulator.arch,
                            emulator.accelerators,
                            trial_text(emulator, is_tried),
                            emulator.options));
    if (!emulator.machines.empty())
        blocks.line("qemu", beginning_of("  machines", emulator.machines));
    if (!emulator.cpus.empty()) blocks.line("qemu", beginning_of("  CPUs    ", emulator.cpus));
}

} // namespace

void render_equipment(Blocks& blocks, const WorkerRecord& worker) {
    const auto& equipment = worker.equipment;
    if (!equipment.cpu_model.empty()) blocks.line("cpu", equipment.cpu_model);
    word_lines(blocks, "cpu", "flags", equipment.cpu_flags);
    for (const auto& accelerator : worker.accelerators) {
        blocks.line("accel",
                    fmt::format("{:<6} {}{}{}",
                                accelerator.name,
                                accelerator.usable ? "usable" : "not usable",
                                accelerator.why.empty() ? "" : ": ",
                                accelerator.why));
    }
    if (equipment == Equipment{}) {
        blocks.line("qemu", "not surveyed: the agent has just begun, is an older one, or may not");
        for (const auto& binary : worker.binaries)
            blocks.line("qemu", binary);
    }
    const auto& emulators = equipment.emulators;
    const bool is_tried = std::any_of(emulators.begin(), emulators.end(), [](const auto& each) {
        return each.kvm_trial != KvmTrial::None;
    });
    for (const auto& each : emulators)
        render_emulator(blocks, each, is_tried);
    for (const auto& plugin : plugins_of(worker)) {
        std::vector<std::string> missing;
        for (const auto& check : plugin.checks) {
            if (!check.passed && check.needed) missing.push_back(check.what);
        }
        blocks.line("plugins",
                    fmt::format("{:<5} {} ({}){}{}",
                                to_string(plugin.type),
                                to_string(plugin.state),
                                number_text(plugin.state),
                                missing.empty() ? "" : ": missing ",
                                fmt::join(missing, ", ")));
    }
}

void append_equipment_members(JsonWriter& out, const WorkerRecord& worker) {
    out.member("cpu_model", worker.equipment.cpu_model);
    json_words(out, "cpu_flags", worker.equipment.cpu_flags);
    json_emulators(out, worker.equipment.emulators);
    json_plugins(out, worker);
}

} // namespace ctys::tools
