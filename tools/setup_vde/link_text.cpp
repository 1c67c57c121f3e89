#include "tools/setup_vde/link_text.h"

#include "mesh/core/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>

namespace ctys::vde {

namespace {

using Json = nlohmann::json;

std::string text_at(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

bool has_flag(const Json& object, std::string_view flag) {
    const auto flags = object.find("flags");
    if (flags == object.end() || !flags->is_array()) return false;
    return std::any_of(flags->begin(), flags->end(), [&](const Json& one) {
        return one.is_string() && one.get_ref<const std::string&>() == flag;
    });
}

std::optional<std::uint32_t> number_at(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
    return static_cast<std::uint32_t>(found->get<std::uint64_t>());
}

void add_addresses(const Json& from, Link& link) {
    const auto list = from.find("addr_info");
    if (list == from.end() || !list->is_array()) return;
    for (const auto& one : *list) {
        if (!one.is_object()) continue;
        const auto local = text_at(one, "local");
        const auto prefix = number_at(one, "prefixlen");
        if (local.empty() || !prefix) continue;
        const bool advertised =
            text_at(one, "family") == "inet6" && one.value("dynamic", Json{}) == Json(true);
        const bool set = text_at(one, "scope") == "global" && !advertised;
        (set ? link.addresses : link.own_addresses).push_back(fmt::format("{}/{}", local, *prefix));
    }
}

Link link_of(const Json& one) {
    const auto info = one.find("linkinfo");
    Link link{.name = text_at(one, "ifname"),
              .kind = info != one.end() && info->is_object() ? text_at(*info, "info_kind") : "",
              .master = text_at(one, "master"),
              .alias = text_at(one, "ifalias"),
              .mac = text_at(one, "address"),
              .up = has_flag(one, "UP"),
              .loopback = has_flag(one, "LOOPBACK")};
    add_addresses(one, link);
    return link;
}

Result<Json> array_of(std::string_view json) {
    // `ip` prints nothing at all where there is nothing.
    auto list =
        trim(json).empty() ? Json::array() : Json::parse(json, nullptr, /*allow_exceptions=*/false);
    if (list.is_array()) return list;
    return fail(ErrorCode::Malformed,
                fmt::format("ip does not print JSON: {}", printable(trim(json), 80)));
}

std::string address_text(int family, const std::uint8_t* bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    return ::inet_ntop(family, bytes, text.data(), text.size()) == nullptr ? std::string{}
                                                                           : text.data();
}

// Words of 32 bits in hexadecimal, each in the order of this machine's bytes.
std::string address_of(std::string_view hex) {
    if (hex.size() != 8 && hex.size() != 32) return {};
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t at = 0; at < hex.size(); at += 8) {
        std::uint32_t word = 0;
        const auto [end, failure] = std::from_chars(hex.data() + at, hex.data() + at + 8, word, 16);
        if (failure != std::errc{} || end != hex.data() + at + 8) return {};
        std::memcpy(bytes.data() + at / 2, &word, sizeof word);
    }
    if (hex.size() == 8) return address_text(AF_INET, bytes.data());
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(mapped.begin(), mapped.end(), bytes.begin()))
        return address_text(AF_INET, bytes.data() + mapped.size());
    return address_text(AF_INET6, bytes.data());
}

} // namespace

Result<std::vector<Link>> parse_links(std::string_view json) {
    const auto list = array_of(json);
    if (!list) return tl::unexpected(list.error());
    std::vector<Link> links;
    for (const auto& one : *list) {
        if (one.is_object() && !text_at(one, "ifname").empty()) links.push_back(link_of(one));
    }
    return links;
}

Result<std::vector<Route>> parse_routes(std::string_view json, bool ipv6) {
    const auto list = array_of(json);
    if (!list) return tl::unexpected(list.error());
    std::vector<Route> routes;
    for (const auto& one : *list) {
        if (!one.is_object()) continue;
        const auto protocol = text_at(one, "protocol");
        const auto link = text_at(one, "dev");
        const auto destination = text_at(one, "dst");
        if (protocol == "kernel" || protocol == "ra" || link.empty() || destination.empty())
            continue;
        routes.push_back({.link = link,
                          .destination = destination,
                          .gateway = text_at(one, "gateway"),
                          .source = text_at(one, "prefsrc"),
                          .metric = number_at(one, "metric"),
                          .ipv6 = ipv6,
                          .onlink = has_flag(one, "onlink")});
    }
    return routes;
}

std::vector<std::string> local_addresses(std::string_view table,
                                         const std::vector<std::uint64_t>& inodes) {
    constexpr std::string_view established = "01";
    std::vector<std::string> out;
    for (const auto line : split(table, '\n')) {
        std::vector<std::string_view> words;
        for (const auto word : split(line, ' ')) {
            if (!word.empty()) words.push_back(word);
        }
        // sl local remote state queues timers retransmits uid timeout inode
        if (words.size() < 10 || words[3] != established) continue;
        std::uint64_t inode = 0;
        std::from_chars(words[9].data(), words[9].data() + words[9].size(), inode);
        if (std::find(inodes.begin(), inodes.end(), inode) == inodes.end()) continue;
        auto address = address_of(words[1].substr(0, words[1].find(':')));
        if (!address.empty()) out.push_back(std::move(address));
    }
    return out;
}

} // namespace ctys::vde
