#include "tools/setup_vde/switch_text.h"

#include "mesh/core/text.h"

#include <charconv>

namespace ctys::vde {

namespace {

constexpr std::size_t most_entries = 4096;

template <typename Number>
std::optional<Number> leading_number(std::string_view text) {
    Number value{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end == text.data()) return std::nullopt;
    return value;
}

/// The number behind `word`, wherever it stands in the line; 0 where there is none.
template <typename Number>
Number number_after(std::string_view line, std::string_view word) {
    const auto at = line.find(word);
    if (at == std::string_view::npos) return 0;
    return leading_number<Number>(trim(line.substr(at + word.size()))).value_or(0);
}

std::string_view without_return(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

// "1000 Success": a number of four digits that begins with 1.
std::optional<std::uint32_t> status_of(std::string_view line) {
    if (line.size() < 4 || line[0] != '1') return std::nullopt;
    if (line.size() > 4 && line[4] != ' ') return std::nullopt;
    for (const char c : line.substr(0, 4)) {
        if (c < '0' || c > '9') return std::nullopt;
    }
    return leading_number<std::uint32_t>(line.substr(0, 4));
}

Endpoint endpoint_of(std::string_view line) {
    const auto module = line.find(" module ");
    const auto colon = line.find(':', module == std::string_view::npos ? 0 : module);
    Endpoint out;
    if (module == std::string_view::npos || colon == std::string_view::npos) return out;
    out.is_tap = trim(line.substr(module + 8, colon - module - 8)) == "tuntap";
    const auto said = trim(line.substr(colon + 1));
    out.text = printable(said, 200);
    // The last one: a client may call itself as it likes, the library adds the number behind that.
    const auto pid = said.rfind("pid=");
    if (!out.is_tap && pid != std::string_view::npos)
        out.pid = leading_number<std::uint32_t>(said.substr(pid + 4)).value_or(0);
    return out;
}

std::string user_of(std::string_view line) {
    const auto rest = trim(line.substr(line.find(':') + 1));
    const auto user = rest.substr(0, rest.find(' '));
    return user == "NONE" ? std::string{} : printable(user, 64);
}

} // namespace

std::optional<Answer> read_answer(std::string_view bytes) {
    Answer answer;
    bool in_data = false;
    while (true) {
        const auto end = bytes.find('\n');
        if (end == std::string_view::npos) return std::nullopt;
        auto line = without_return(bytes.substr(0, end));
        bytes.remove_prefix(end + 1);
        if (in_data && line == ".") {
            in_data = false;
        } else if (in_data) {
            answer.data.append(line).push_back('\n');
        } else {
            // The prompt has no line of its own.
            while (line.starts_with(prompt)) {
                line.remove_prefix(prompt.size());
            }
            if (line.starts_with("0000 DATA END")) {
                in_data = true;
            } else if (const auto status = status_of(line)) {
                answer.status = *status;
                return answer;
            }
        }
    }
}

SwitchInfo parse_info(std::string_view data) {
    SwitchInfo info;
    for (const auto line : split(data, '\n')) {
        if (line.starts_with("VDE switch") && info.version.empty())
            info.version = printable(line, 80);
        if (!line.starts_with("pid ")) continue;
        info.pid = number_after<std::uint32_t>(line, "pid ");
        info.uptime_s = number_after<std::uint64_t>(line, " uptime ");
    }
    return info;
}

std::vector<Port> parse_ports(std::string_view data) {
    std::vector<Port> ports;
    std::size_t endpoints = 0;
    for (const auto line : split(data, '\n')) {
        if (line.starts_with("Port ")) {
            if (ports.size() == most_entries) break;
            ports.push_back({.number = number_after<std::uint32_t>(line, "Port ")});
            continue;
        }
        if (ports.empty()) continue;
        auto& port = ports.back();
        const auto words = trim(line);
        if (words.starts_with("Current User:")) {
            port.user = user_of(words);
        } else if (words.starts_with("IN:")) {
            port.bytes_in = number_after<std::uint64_t>(words, "bytes");
        } else if (words.starts_with("OUT:")) {
            port.bytes_out = number_after<std::uint64_t>(words, "bytes");
        } else if (words.starts_with("-- endpoint") && endpoints++ < most_entries) {
            port.endpoints.push_back(endpoint_of(words));
        }
    }
    return ports;
}

} // namespace ctys::vde
