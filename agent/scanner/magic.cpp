#include "agent/scanner/magic.h"

#include "agent/scanner/mountinfo.h"
#include "agent/scanner/naming.h"

namespace ctys::agent {

namespace {

constexpr std::string_view mark = "#@#MAGICID-";

bool begins_line(std::string_view text, std::size_t at) {
    while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) {
        --at;
    }
    return at == 0 || text[at - 1] == '\n';
}

std::string_view word_at(std::string_view text) {
    std::size_t size = 0;
    while (size < text.size() &&
           (text[size] == '-' || text[size] == '_' || (text[size] >= '0' && text[size] <= '9') ||
            (text[size] >= 'A' && text[size] <= 'Z') || (text[size] >= 'a' && text[size] <= 'z'))) {
        ++size;
    }
    return text.substr(0, size);
}

} // namespace

Magic classify(std::string_view text) {
    auto found = Magic::None;
    for (auto at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
        if (!begins_line(text, at)) continue;
        const auto word = word_at(text.substr(at + mark.size()));
        if (word == "IGNORE" || word == "NOENUM") return Magic::Ignored;
        if (word == "QEMU") found = Magic::Active;
    }
    return found;
}

bool is_config_name(std::string_view file_name) {
    return (file_name.ends_with(".ctys") || file_name.ends_with(".conf")) && file_name.size() > 5;
}

bool is_own_name(std::string_view file_name) {
    return file_name.ends_with(".ctys") && file_name.size() > 5;
}

bool is_wrapper_name(std::string_view file_name) {
    return file_name.ends_with(".sh") && file_name.size() > 3;
}

bool is_vmx_name(std::string_view file_name) {
    return file_name.ends_with(".vmx") && file_name.size() > 4;
}

bool is_link_loop(std::string_view directory, std::string_view target) {
    return is_within(normal_path(target, directory), directory);
}

} // namespace ctys::agent
