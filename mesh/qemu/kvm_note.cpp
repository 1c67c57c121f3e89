#include "mesh/qemu/kvm_note.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ctys::qemu {

namespace {

constexpr std::size_t most_binaries = 64;
constexpr std::size_t most_why = 1000;
constexpr std::string_view boot_mark = "boot ";
constexpr std::string_view build_mark = "build ";
constexpr std::string_view tried_mark = "tried ";

/// The next word of a line and the blank behind it; empty at its end.
std::string_view take_word(std::string_view& line) {
    const auto blank = std::min(line.find(' '), line.size());
    const auto word = line.substr(0, blank);
    line.remove_prefix(std::min(blank + 1, line.size()));
    return word;
}

template <typename Number>
bool take_number(std::string_view& line, Number& number) {
    const auto word = take_word(line);
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return !word.empty() && error == std::errc{} && end == word.data() + word.size();
}

std::optional<EmulatorBuild> parse_build(std::string_view line) {
    EmulatorBuild build;
    const auto version = parse_version(take_word(line));
    auto& stamp = build.stamp;
    if (!version || !take_number(line, stamp.device) || !take_number(line, stamp.inode) ||
        !take_number(line, stamp.size) || !take_number(line, stamp.changed_ns) ||
        !line.starts_with('/'))
        return std::nullopt;
    build.version = *version;
    build.path = line;
    return build;
}

std::string line_of(const EmulatorBuild& build) {
    const auto& stamp = build.stamp;
    return fmt::format("{}{} {} {} {} {} {}\n",
                       build_mark,
                       to_string(build.version),
                       stamp.device,
                       stamp.inode,
                       stamp.size,
                       stamp.changed_ns,
                       build.path);
}

} // namespace

FileStamp stamp_of(const struct stat& facts) {
    // Anything can be set as this time; what does not fit goes round.
    constexpr std::uint64_t ns_per_s = 1'000'000'000;
    const auto changed = static_cast<std::uint64_t>(facts.st_mtim.tv_sec) * ns_per_s +
                         static_cast<std::uint64_t>(facts.st_mtim.tv_nsec);
    return {.device = facts.st_dev,
            .inode = facts.st_ino,
            .size = static_cast<std::uint64_t>(facts.st_size),
            .changed_ns = static_cast<std::int64_t>(changed)};
}

std::string to_text(const KvmNote& note) {
    auto text =
        fmt::format("{}\n{}\n", note.usable ? "usable" : "unusable", printable(note.why, most_why));
    if (!note.boot.is_none()) text += fmt::format("{}{}\n", boot_mark, note.boot.to_string());
    for (const auto& binary : note.binaries) {
        if (binary.find('\n') == std::string::npos) text += binary + '\n';
    }
    for (const auto& binary : note.tried) {
        if (binary.find('\n') == std::string::npos)
            text.append(tried_mark).append(binary).push_back('\n');
    }
    for (const auto& build : note.builds) {
        const auto line = line_of(build);
        if (build.path.find('\n') == std::string::npos &&
            text.size() + line.size() <= max_kvm_note_bytes)
            text += line;
    }
    return text;
}

Result<KvmNote> parse_kvm_note(std::string_view text) {
    if (text.size() > max_kvm_note_bytes) return fail(ErrorCode::Malformed, "it is too long");
    const auto lines = split(text, '\n');
    if (lines.size() < 2 || (lines[0] != "usable" && lines[0] != "unusable"))
        return fail(ErrorCode::Malformed, "it is no note about KVM");
    KvmNote note{
        .usable = lines[0] == "usable", .why = printable(lines[1], most_why), .binaries = {}};
    for (std::size_t i = 2; i < lines.size(); ++i) {
        auto line = lines[i];
        if (line.starts_with('/') && note.binaries.size() < most_binaries)
            note.binaries.emplace_back(line);
        if (line.starts_with(boot_mark)) {
            if (const auto boot = BootId::parse(line.substr(boot_mark.size()))) note.boot = *boot;
            continue;
        }
        if (line.starts_with(tried_mark) && note.tried.size() < most_binaries) {
            line.remove_prefix(tried_mark.size());
            if (line.starts_with('/')) note.tried.emplace_back(line);
            continue;
        }
        if (!line.starts_with(build_mark) || note.builds.size() == most_binaries) continue;
        line.remove_prefix(build_mark.size());
        if (auto build = parse_build(line)) note.builds.push_back(std::move(*build));
    }
    return note;
}

std::optional<QemuVersion> noted_version(const KvmNote& note, const FileStamp& stamp) {
    const auto build = std::find_if(note.builds.begin(), note.builds.end(), [&](const auto& one) {
        return one.stamp == stamp;
    });
    if (build == note.builds.end()) return std::nullopt;
    return build->version;
}

} // namespace ctys::qemu
