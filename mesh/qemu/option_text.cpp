#include "mesh/qemu/option_text.h"

#include "mesh/core/text.h"

#include <charconv>
#include <limits>

namespace ctys::qemu {

namespace {

constexpr std::size_t max_properties = 1024;

// Takes the text up to the next single comma off `rest` and unescapes it.
std::string take_piece(std::string_view& rest, bool& more) {
    std::string piece;
    more = false;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        piece += rest.substr(0, comma);
        if (comma == std::string_view::npos) {
            rest = {};
            break;
        }
        rest.remove_prefix(comma + 1);
        if (rest.empty() || rest[0] != ',') {
            more = true;
            break;
        }
        piece += ',';
        rest.remove_prefix(1);
    }
    return piece;
}

void add_flag(Properties& out, std::string_view name) {
    const bool off = name.starts_with("no");
    out.emplace_back();
    out.back().key = off ? name.substr(2) : name;
    out.back().value = off ? "off" : "on";
}

} // namespace

Properties parse_properties(std::string_view text, std::string_view first_key) {
    Properties out;
    auto rest = text;
    bool more = !text.empty();
    bool first = true;
    while (more && out.size() < max_properties) {
        // QEMU looks for '=' before the next comma, so a key never holds one.
        const auto stop = rest.find_first_of("=,");
        if (stop != std::string_view::npos && rest[stop] == '=') {
            std::string key{rest.substr(0, stop)};
            rest.remove_prefix(stop + 1);
            out.push_back({std::move(key), take_piece(rest, more)});
        } else {
            auto piece = take_piece(rest, more);
            if (first && !first_key.empty()) {
                out.push_back({std::string{first_key}, std::move(piece)});
            } else if (!piece.empty()) {
                add_flag(out, piece);
            }
        }
        first = false;
    }
    return out;
}

Properties parse_argument(std::string_view text, std::string_view first_key) {
    if (text.starts_with('{')) return parse_json_properties(text).value_or(Properties{});
    return parse_properties(text, first_key);
}

std::string_view find(const Properties& properties, std::string_view key) {
    for (auto at = properties.rbegin(); at != properties.rend(); ++at) {
        if (at->key == key) return at->value;
    }
    return {};
}

bool is_on(std::string_view value) {
    return value == "on" || value == "yes" || value == "true" || value == "y";
}

std::string escape_commas(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c;
        if (c == ',') out += ',';
    }
    return out;
}

std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t unit) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || number < 0) return std::nullopt;
    const std::string_view suffix{end, static_cast<std::size_t>(text.data() + text.size() - end)};
    if (suffix.size() > 1) return std::nullopt;
    double scale = static_cast<double>(unit);
    if (!suffix.empty()) {
        const auto power = std::string_view{"bkmgtpe"}.find(to_lower(suffix));
        if (power == std::string_view::npos) return std::nullopt;
        scale = static_cast<double>(std::uint64_t{1} << (10 * power));
    }
    constexpr double limit = 9.2e18;
    if (!(number * scale < limit)) return std::nullopt;
    return static_cast<std::uint64_t>(number * scale);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::string> parse_mac(std::string_view text) {
    if (text.size() != 17) return std::nullopt;
    auto out = to_lower(text);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const char c = out[i];
        if (i % 3 == 2) {
            if (c != ':' && c != '-') return std::nullopt;
            out[i] = ':';
        } else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return std::nullopt;
        }
    }
    return out;
}

} // namespace ctys::qemu
