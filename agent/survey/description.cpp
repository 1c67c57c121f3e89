#include "agent/survey/description.h"

#include "mesh/core/text.h"

#include <algorithm>
#include <array>

namespace ctys::agent {

namespace {

constexpr std::size_t most_names = 512;   // QEMU's arm has about 120 machine types
constexpr std::size_t most_name = 100;    // bytes
constexpr std::size_t most_problem = 250; // as the wire has it
constexpr std::size_t most_joined = 2500; // as the wire has it
constexpr std::size_t most_version = 64;  // "7.2.22"
constexpr std::size_t most_package = 200; // "Debian 1:7.2+dfsg-7+deb12u18"
constexpr std::size_t most_path = 500;    // as the wire has it

std::string word(const qmp::Value& value, std::string_view member, std::size_t limit) {
    const auto text = value.text(member);
    return text ? printable(*text, limit) : std::string{};
}

/// `member` of each item, or the items themselves.
std::vector<std::string> names_as_told(const qmp::Value& list, std::string_view member) {
    std::vector<std::string> out;
    for (const auto& item : list.items()) {
        auto name = word(item, member, most_name);
        if (name.empty() || name.find(' ') != std::string::npos) continue;
        out.push_back(std::move(name));
        if (out.size() == most_names) break;
    }
    return out;
}

std::vector<std::string> names_of(const qmp::Value& list, std::string_view member) {
    auto out = names_as_told(list, member);
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

std::vector<std::string> accelerators_of(const qmp::Value& types) {
    constexpr std::string_view suffix = "-accel";
    std::vector<std::string> out;
    for (const auto& name : names_of(types, "name")) {
        // qtest drives tests of QEMU itself and runs no guest.
        if (!name.ends_with(suffix) || name == "qtest-accel") continue;
        out.push_back(name.substr(0, name.size() - suffix.size()));
    }
    return out;
}

qmp::Value list_of(const std::vector<std::string>& names) {
    auto list = qmp::Value::list();
    for (const auto& name : names)
        list.append(name);
    return list;
}

std::vector<std::string> names_at(const qmp::Value& value, std::string_view member) {
    const auto* list = value.find(member);
    return list == nullptr ? std::vector<std::string>{} : names_as_told(*list, {});
}

} // namespace

std::span<const EmulatorQuestion> emulator_questions() {
    static const std::array<EmulatorQuestion, 6> questions{{
        {"query-target", {}},
        {"query-kvm", {}},
        {"qom-list-types", qmp::Value::object({{"implements", "accel"}, {"abstract", false}})},
        {"query-machines", {}},
        {"query-cpu-definitions", {}},
        {"query-command-line-options", {}},
    }};
    return questions;
}

void absorb(Description& description, std::string_view command, const qmp::Value& answer) {
    if (command == "query-target") description.arch = word(answer, "arch", most_version);
    if (command == "query-machines") {
        description.machines = names_of(answer, "name");
        const auto aliases = names_of(answer, "alias"); // "pc" of "pc-i440fx-7.2"
        description.machines.insert(description.machines.begin(), aliases.begin(), aliases.end());
    }
    if (command == "query-cpu-definitions") description.cpus = names_of(answer, "name");
    if (command == "query-command-line-options") description.options = names_of(answer, "option");
    auto& accelerators = description.accelerators;
    const auto add = [&](const char* name) {
        if (std::find(accelerators.begin(), accelerators.end(), name) == accelerators.end())
            accelerators.emplace_back(name);
    };
    if (command == "query-kvm" && answer.boolean("present").value_or(false)) add("kvm");
    if (command == "qom-list-types") {
        for (const auto& name : accelerators_of(answer))
            add(name.c_str());
    }
    std::sort(accelerators.begin(), accelerators.end());
}

bool absorb_version_text(Description& description, std::string_view text) {
    constexpr std::string_view mark = "version ";
    if (!text.starts_with("QEMU")) return false;
    const auto at = text.find(mark);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + mark.size());
    const auto size = std::min(text.find_first_not_of("0123456789."), text.size());
    if (size == 0) return false;
    description.version = printable(text.substr(0, size), most_version);
    text.remove_prefix(size);
    if (!text.starts_with(" (")) return true;
    const auto end = text.find_first_of(")\n");
    if (end == std::string_view::npos || text[end] != ')') return true;
    description.package = printable(text.substr(2, end - 2), most_package);
    return true;
}

std::string joined(const std::vector<std::string>& names, std::size_t limit) {
    constexpr std::string_view more = " ...";
    std::string out;
    for (const auto& name : names) {
        if (out.size() + 1 + name.size() + more.size() > limit) return out + std::string{more};
        if (!out.empty()) out += ' ';
        out += name;
    }
    return out;
}

Emulator summary(const Description& description) {
    return {.path = printable(description.path, most_path),
            .arch = description.arch,
            .version = description.version,
            .package = description.package,
            .accelerators = joined(description.accelerators, most_package),
            .machines = joined(description.machines, most_joined),
            .cpus = joined(description.cpus, most_joined),
            .options = static_cast<std::uint32_t>(description.options.size()),
            .problem = printable(description.problem, most_problem)};
}

qmp::Value to_value(const Description& description) {
    return qmp::Value::object({{"path", description.path},
                               {"arch", description.arch},
                               {"version", description.version},
                               {"package", description.package},
                               {"accelerators", list_of(description.accelerators)},
                               {"machines", list_of(description.machines)},
                               {"cpus", list_of(description.cpus)},
                               {"options", list_of(description.options)},
                               {"problem", description.problem}});
}

Result<Description> description_from(const qmp::Value& value) {
    const auto path = value.text("path");
    if (!path || !path->starts_with('/'))
        return fail(ErrorCode::Malformed, "an emulator without a path");
    return Description{.path = *path,
                       .arch = word(value, "arch", most_version),
                       .version = word(value, "version", most_version),
                       .package = word(value, "package", most_package),
                       .accelerators = names_at(value, "accelerators"),
                       .machines = names_at(value, "machines"),
                       .cpus = names_at(value, "cpus"),
                       .options = names_at(value, "options"),
                       .problem = word(value, "problem", most_problem)};
}

} // namespace ctys::agent
