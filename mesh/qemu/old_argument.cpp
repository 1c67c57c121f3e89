#include "mesh/qemu/old_argument.h"

#include "mesh/core/text.h"
#include "mesh/qemu/image_path.h"
#include "mesh/qemu/option_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::qemu {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_port(std::string_view text) {
    const auto number = parse_number(text);
    return number && *number >= 1 && *number <= 65535;
}

bool is_numbers(std::string_view text, char separator, std::size_t count) {
    const auto numbers = split(text, separator);
    return numbers.size() == count && std::all_of(numbers.begin(), numbers.end(), [](auto number) {
               return !number.empty() && number.size() <= 4 &&
                      std::all_of(number.begin(), number.end(), is_digit);
           });
}

bool is_hexadecimal(std::string_view text) {
    return !text.empty() && text.size() <= 4 &&
           text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

} // namespace

ArgumentPieces::ArgumentPieces(std::string_view argument) : pieces_(1) {
    for (std::size_t i = 0; i < argument.size(); ++i) {
        if (argument[i] != ',') {
            pieces_.back() += argument[i];
        } else if (argument.substr(i).starts_with(",,")) {
            pieces_.back() += ",,";
            ++i;
        } else {
            pieces_.emplace_back();
        }
    }
}

std::string_view ArgumentPieces::kind() const {
    if (pieces_.empty()) return {};
    std::string_view kind = pieces_.front();
    if (kind.starts_with("type=")) kind.remove_prefix(5);
    return kind;
}

std::optional<std::string> ArgumentPieces::take(std::string_view key) {
    std::optional<std::string> value;
    const auto taken = [&](const std::string& piece) {
        if (!piece.starts_with(key)) return false;
        if (piece.size() > key.size() && piece[key.size()] != '=') return false;
        value = piece.size() == key.size() ? "on" : piece.substr(key.size() + 1);
        return true;
    };
    pieces_.erase(std::remove_if(pieces_.begin(), pieces_.end(), taken), pieces_.end());
    return value;
}

std::string ArgumentPieces::text() const {
    std::string out;
    for (const auto& piece : pieces_) {
        if (&piece != &pieces_.front()) out += ',';
        out += piece;
    }
    return out;
}

std::string ArgumentPieces::rest() const {
    if (pieces_.empty()) return {};
    return text().substr(pieces_.front().size());
}

std::optional<std::string> hostfwd_of_redir(std::string_view argument) {
    const auto parts = split(argument, ':');
    if (parts.size() != 4) return std::nullopt;
    const auto protocol = parts[0].empty() ? std::string_view{"tcp"} : parts[0];
    const auto guest = parts[2];
    if (protocol != "tcp" && protocol != "udp") return std::nullopt;
    if (!is_port(parts[1]) || !is_port(parts[3])) return std::nullopt;
    if (!guest.empty() && !is_numbers(guest, '.', 4)) return std::nullopt;
    return fmt::format("{}::{}-{}:{}", protocol, parts[1], guest, parts[3]);
}

bool is_start_date(std::string_view argument) {
    const auto middle = argument.find('T');
    if (!is_numbers(argument.substr(0, middle), '-', 3)) return false;
    return middle == std::string_view::npos || is_numbers(argument.substr(middle + 1), ':', 3);
}

std::optional<std::string> usb_host_properties(std::string_view argument) {
    if (is_numbers(argument, '.', 2)) {
        const auto dot = argument.find('.');
        return fmt::format(
            "hostbus={},hostaddr={}", argument.substr(0, dot), argument.substr(dot + 1));
    }
    const auto ids = split(argument, ':');
    if (ids.size() != 2 || !is_hexadecimal(ids[0]) || !is_hexadecimal(ids[1])) return std::nullopt;
    return fmt::format("vendorid=0x{},productid=0x{}", ids[0], ids[1]);
}

std::optional<std::string> usb_disk_properties(std::string_view argument) {
    std::string_view format;
    if (argument.starts_with("format=")) {
        const auto colon = argument.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        format = argument.substr(7, colon - 7);
        if (!is_plain_name(format)) return std::nullopt;
        argument.remove_prefix(colon + 1);
    }
    if (argument.empty()) return std::nullopt;
    // QEMU would look into it and protect its first block.
    return fmt::format("file={},format={}",
                       escape_commas(argument),
                       format.empty() ? format_by_name(argument) : std::string{format});
}

bool is_plain_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
               c == '_';
    });
}

} // namespace ctys::qemu
