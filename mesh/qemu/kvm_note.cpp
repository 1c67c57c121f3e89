#include "mesh/qemu/kvm_note.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

namespace ctys::qemu {

namespace {

constexpr std::size_t most_binaries = 64;
constexpr std::size_t most_why = 1000;

} // namespace

std::string to_text(const KvmNote& note) {
    auto text =
        fmt::format("{}\n{}\n", note.usable ? "usable" : "unusable", printable(note.why, most_why));
    for (const auto& binary : note.binaries) {
        if (binary.find('\n') == std::string::npos) text += binary + '\n';
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
    for (std::size_t i = 2; i < lines.size() && note.binaries.size() < most_binaries; ++i) {
        if (lines[i].starts_with('/')) note.binaries.emplace_back(lines[i]);
    }
    return note;
}

} // namespace ctys::qemu
