#include "tools/create_conf/address_book.h"

#include "mesh/core/text.h"
#include "mesh/qemu/option_text.h"
#include "tools/create_conf/value.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::conf {

namespace {

bool is_ip_address(std::string_view text) {
    static constexpr Variable address{.name = "IP", .kind = Kind::Ip};
    return !text.empty() && checked_value(address, text).has_value();
}

// Words of a line up to its comment.
std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> out;
    line = line.substr(0, line.find('#'));
    while (true) {
        const auto begin = line.find_first_not_of(" \t\r");
        if (begin == std::string_view::npos) return out;
        line.remove_prefix(begin);
        const auto end = std::min(line.find_first_of(" \t\r"), line.size());
        out.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

template <typename Each>
void for_each_line(std::string_view text, std::string_view source, const Each& each) {
    std::size_t number = 0;
    for (const auto line : split(text, '\n')) {
        each(line, fmt::format("{}:{}", source, ++number));
    }
}

bool is_same_name(std::string_view known, std::string_view wanted) {
    if (equals_ignoring_case(known, wanted)) return true;
    return known.size() > wanted.size() && known[wanted.size()] == '.' &&
           equals_ignoring_case(known.substr(0, wanted.size()), wanted);
}

} // namespace

void AddressBook::add(AddressEntry entry) {
    if (entries_.size() < max_address_entries) entries_.push_back(std::move(entry));
}

void AddressBook::add_macmap(std::string_view text, std::string_view source) {
    for_each_line(text, source, [&](std::string_view line, std::string where) {
        const auto fields = split(line.substr(0, line.find('#')), ';');
        AddressEntry entry{.name = std::string{trim(fields[0])}, .source = std::move(where)};
        for (std::size_t i = 1; i < std::min<std::size_t>(fields.size(), 3); ++i) {
            const auto field = trim(fields[i]);
            if (const auto mac = qemu::parse_mac(field)) entry.mac = *mac;
            if (is_ip_address(field)) entry.ip = field;
        }
        if (!entry.name.empty() && !(entry.mac.empty() && entry.ip.empty())) add(std::move(entry));
    });
}

void AddressBook::add_ethers(std::string_view text, std::string_view source) {
    for_each_line(text, source, [&](std::string_view line, std::string where) {
        const auto words = words_of(line);
        if (words.size() < 2) return;
        const auto mac = qemu::parse_mac(words[0]);
        if (!mac) return;
        AddressEntry entry{.mac = *mac, .source = std::move(where)};
        (is_ip_address(words[1]) ? entry.ip : entry.name) = words[1];
        add(std::move(entry));
    });
}

void AddressBook::add_hosts(std::string_view text, std::string_view source) {
    for_each_line(text, source, [&](std::string_view line, const std::string& where) {
        const auto words = words_of(line);
        if (words.size() < 2 || !is_ip_address(words[0])) return;
        for (std::size_t i = 1; i < words.size(); ++i) {
            add({.name = std::string{words[i]}, .ip = std::string{words[0]}, .source = where});
        }
    });
}

std::optional<AddressEntry> AddressBook::find(std::string_view name_or_mac) const {
    std::optional<AddressEntry> out;
    // An address that one file tells of a MAC only is that of the name the MAC belongs to.
    const auto merge = [&](const AddressEntry& entry) {
        if (!out) out = AddressEntry{.source = entry.source};
        if (out->name.empty()) out->name = entry.name;
        if (out->mac.empty()) out->mac = entry.mac;
        if (out->ip.empty()) out->ip = entry.ip;
    };
    for (const auto& entry : entries_) {
        if (is_same_name(entry.name, name_or_mac) || entry.mac == name_or_mac) merge(entry);
    }
    if (!out || out->mac.empty() || !out->ip.empty()) return out;
    for (const auto& entry : entries_) {
        if (entry.mac == out->mac) merge(entry);
    }
    return out;
}

std::vector<std::string> AddressBook::contradictions(std::string_view name,
                                                     std::string_view mac,
                                                     std::string_view ip) const {
    std::vector<std::string> out;
    const auto own = find(name);
    if (own && !own->mac.empty() && !mac.empty() && own->mac != mac)
        out.push_back(
            fmt::format("{} has the MAC {} by {}, not {}", name, own->mac, own->source, mac));
    if (own && !own->ip.empty() && !ip.empty() && own->ip != ip)
        out.push_back(
            fmt::format("{} has the address {} by {}, not {}", name, own->ip, own->source, ip));
    for (const auto& entry : entries_) {
        if (entry.name.empty() || is_same_name(entry.name, name)) continue;
        if (!mac.empty() && entry.mac == mac)
            out.push_back(fmt::format(
                "the MAC {} is that of {} by {}", mac, printable(entry.name, 64), entry.source));
        if (!ip.empty() && entry.ip == ip)
            out.push_back(fmt::format(
                "the address {} is that of {} by {}", ip, printable(entry.name, 64), entry.source));
        if (out.size() >= 8) break;
    }
    return out;
}

} // namespace ctys::conf
