#include "mesh/qemu/saved_state.h"

#include "mesh/core/text.h"
#include "mesh/qemu/assemble.h"

#include <charconv>

namespace ctys::qemu {

namespace {

constexpr std::size_t max_note_bytes = 4096;
constexpr std::size_t max_tag = 64;

bool is_computed(std::string_view value) {
    return value.find_first_of("$`") != std::string_view::npos;
}

bool says_yes(std::string_view value) {
    const auto lower = to_lower(value);
    return lower == "yes" || lower == "on" || lower == "true" || lower == "1";
}

} // namespace

std::string state_note_path(std::string_view config) {
    return std::string{config} + ".suspended";
}

std::string to_text(const StateNote& note) {
    return fmt::format("# The VM is suspended: how it stood is the snapshot of this name in its "
                       "images.\n"
                       "# `ctys start` goes on from there, `ctys start --discard-state` starts "
                       "anew.\n"
                       "# Without this file the snapshot is not loaded.\n"
                       "tag {}\nat_us {}\n",
                       note.tag,
                       note.at.us);
}

Result<StateNote> parse_state_note(std::string_view text) {
    if (auto fine = check_text("a note of a saved state", text, max_note_bytes); !fine)
        return tl::unexpected(fine.error());
    StateNote note;
    if (text.ends_with('\n')) {
        for (const auto line : split(text, '\n')) {
            const auto value = line.substr(std::min(line.find(' ') + 1, line.size()));
            if (line.starts_with("tag ")) note.tag = value;
            if (line.starts_with("at_us "))
                std::from_chars(value.data(), value.data() + value.size(), note.at.us);
        }
    }
    if (!is_label(note.tag) || note.tag.size() > max_tag)
        return fail(ErrorCode::Malformed, "a note of a saved state does not name its snapshot");
    return note;
}

Status check_keeps_state(const VmRecord& vm) {
    const auto image = find_setting(vm.settings, "HDDBOOTIMAGE");
    if (image.empty()) return {};
    const auto instead = fmt::format("ctys pause {}", vm.label);
    for (const auto key : {"SNAPSHOT", "READONLY"}) {
        if (!says_yes(find_setting(vm.settings, key))) continue;
        return fail(ErrorCode::Conflict,
                    fmt::format("cannot be suspended: nothing is written to {} ({})", image, key),
                    instead);
    }
    const auto given = find_setting(vm.settings, "IMAGEFORMAT");
    const Disk usual;
    const auto format = given.empty() ? std::string_view{usual.format} : given;
    if (is_computed(format) || format == "qcow2") return {};
    return fail(ErrorCode::Conflict,
                fmt::format("cannot be suspended: its configuration says that {} is {}, and only "
                            "qcow2 can keep a state",
                            image,
                            format),
                fmt::format("{}   (or, when it is shut down: qemu-img convert -O qcow2, and "
                            "IMAGEFORMAT=qcow2)",
                            instead));
}

} // namespace ctys::qemu
