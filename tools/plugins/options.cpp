#include "tools/plugins/options.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ctys::tools {

namespace {

constexpr unsigned sys_bit = 64; // CTYS-REFERENCE 3.8: SYS
constexpr unsigned all_bits = 65535;

std::optional<unsigned> number_in(std::string_view text) {
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || failure != std::errc{} || end != text.data() + text.size() ||
        value > all_bits)
        return std::nullopt;
    return value;
}

bool is_harmless(std::string_view word) {
    constexpr auto whole = std::to_array<std::string_view>(
        {"min", "max", "exclude", "include", "printfinal", "pfin", "pf"});
    constexpr auto begins =
        std::to_array<std::string_view>({"s:", "w:", "i:", "f:", "printfinal:", "pfin:", "pf:"});
    return std::find(whole.begin(), whole.end(), word) != whole.end() ||
           std::any_of(begins.begin(), begins.end(), [&](std::string_view begin) {
               return word.starts_with(begin);
           });
}

} // namespace

Result<std::vector<PluginType>> parse_plugin_types(std::string_view text) {
    std::vector<PluginType> out;
    const auto add = [&](PluginType type) {
        if (std::find(out.begin(), out.end(), type) == out.end()) out.push_back(type);
    };
    for (const auto word : split(text, ',')) {
        const auto name = trim(word);
        if (equals_ignoring_case(name, "all")) {
            for (const auto type : plugin_types)
                add(type);
            continue;
        }
        const auto type = parse_plugin_type(name);
        if (!type) return tl::unexpected(type.error());
        add(*type);
    }
    return out;
}

Result<bool> traces_checks(std::string_view text) {
    std::optional<unsigned> bits;
    bool is_pattern = false;
    for (const auto part : split(text, ',')) {
        const auto word = to_lower(trim(part));
        if (const auto number = number_in(word)) {
            if (!bits) bits = number; // "pf,1" has a level of its own behind it
        } else if (word == "p" || word == "pattern") {
            is_pattern = true;
        } else if (!is_harmless(word)) {
            return fail(
                ErrorCode::Usage,
                fmt::format("-d {}: no such word: {}", printable(text, 60), printable(word, 40)),
                "ctys-plugins -d 64,p -T QEMU -E");
        }
    }
    if (!bits) return false;
    return is_pattern ? (*bits & sys_bit) != 0 : *bits >= sys_bit;
}

} // namespace ctys::tools
