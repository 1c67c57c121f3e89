#include "mesh/core/address.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace ctys {

namespace {

enum class Key : std::uint8_t { Path, Base, Label, File, Uuid, Mac, Tcp, Record, Worker };

struct KeyRow {
    std::string_view name;
    Key key;
};

// CTYS-REFERENCE 2.1: all spellings of the original, and w: for workers.
constexpr std::array keys = {
    KeyRow{"id", Key::Path},    KeyRow{"i", Key::Path},          KeyRow{"pathname", Key::Path},
    KeyRow{"pname", Key::Path}, KeyRow{"p", Key::Path},          KeyRow{"basepath", Key::Base},
    KeyRow{"base", Key::Base},  KeyRow{"b", Key::Base},          KeyRow{"label", Key::Label},
    KeyRow{"l", Key::Label},    KeyRow{"filename", Key::File},   KeyRow{"fname", Key::File},
    KeyRow{"f", Key::File},     KeyRow{"uuid", Key::Uuid},       KeyRow{"u", Key::Uuid},
    KeyRow{"mac", Key::Mac},    KeyRow{"m", Key::Mac},           KeyRow{"tcp", Key::Tcp},
    KeyRow{"t", Key::Tcp},      KeyRow{"dbrecord", Key::Record}, KeyRow{"dbrec", Key::Record},
    KeyRow{"dr", Key::Record},  KeyRow{"worker", Key::Worker},   KeyRow{"w", Key::Worker},
};

tl::unexpected<Error> bad(std::size_t column, std::string_view what) {
    return fail(ErrorCode::Usage, fmt::format("column {}: {}", column, what));
}

} // namespace

Result<std::string> parse_mac(std::string_view text) {
    std::string digits;
    for (const char c : to_lower(text)) {
        if (c == ':' || c == '-') continue;
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) digits.assign(13, 'x');
        digits += c;
        if (digits.size() > 12) break;
    }
    if (digits.size() != 12) {
        return fail(
            ErrorCode::Malformed,
            fmt::format("\"{}\" is not a MAC address (00:50:56:16:11:0b)", printable(text, 40)));
    }
    std::string mac;
    for (std::size_t i = 0; i < 12; i += 2) {
        if (i != 0) mac += ':';
        mac += digits.substr(i, 2);
    }
    return mac;
}

Result<bool> Address::add(std::string_view key, std::string_view value, std::size_t column) {
    const auto name = to_lower(key);
    const auto* row =
        std::find_if(keys.begin(), keys.end(), [&](const KeyRow& k) { return k.name == name; });
    if (row == keys.end()) return false;
    if (value.empty()) return bad(column, fmt::format("\"{}:\" has no value", printable(key, 20)));
    if (auto text = check_text("the value", value, 4096); !text)
        return bad(column, text.error().message);
    switch (row->key) {
    case Key::Path:
        if (value.front() != '/') {
            return bad(column,
                       fmt::format("{}: must be an absolute path; for a part of one use f:", name));
        }
        path = value;
        return true;
    case Key::Base:
        for (const auto base : split(value, '%')) {
            if (base.empty() || base.front() != '/') {
                return bad(
                    column,
                    fmt::format("{}: \"{}\" is not an absolute path", name, printable(base, 80)));
            }
            bases.emplace_back(base);
        }
        return true;
    case Key::Label:
        if (!is_label(value))
            return bad(column, fmt::format("\"{}\" is not a label", printable(value, 80)));
        label = value;
        return true;
    case Key::File:
        file = value;
        return true;
    case Key::Uuid: {
        auto parsed = Uuid::parse(value);
        if (!parsed) return bad(column, parsed.error().message);
        uuid = *parsed;
        return true;
    }
    case Key::Mac: {
        auto parsed = parse_mac(value);
        if (!parsed) return bad(column, parsed.error().message);
        mac = std::move(*parsed);
        return true;
    }
    case Key::Tcp:
        tcp = value;
        return true;
    case Key::Record: {
        std::uint64_t number = 0;
        const auto* end = value.data() + value.size();
        const auto [rest, error] = std::from_chars(value.data(), end, number);
        if (error != std::errc{} || rest != end) return bad(column, "dr: needs a record number");
        // Taken for "any", a key that cannot be looked up would name every VM.
        return fail(
            ErrorCode::Unsupported,
            fmt::format("column {}: dr:{}: there are no record numbers yet", column, number),
            "name it by its label, or by u: its UUID");
    }
    case Key::Worker:
        worker = value;
        return true;
    }
    return false;
}

Result<Address> Address::parse(std::string_view text) {
    Address address;
    if (trim(text).empty()) return fail(ErrorCode::Usage, "the address is empty");
    std::size_t column = 1;
    const auto pieces = split(text, ',');
    for (const auto piece : pieces) {
        const auto colon = piece.find(':');
        if (colon == std::string_view::npos) {
            if (pieces.size() > 1)
                return bad(column, fmt::format("\"{}\" has no key", printable(piece, 80)));
            if (!is_label(piece)) {
                return bad(column, fmt::format("\"{}\" is not a label", printable(piece, 80)));
            }
            address.label = piece;
            address.bare = true;
        } else {
            auto known = address.add(piece.substr(0, colon), piece.substr(colon + 1), column);
            if (!known) return tl::unexpected(known.error());
            if (!*known) {
                return bad(column,
                           fmt::format("no such key \"{}\"; keys are l: id: u: m: t: f: b: w:",
                                       printable(piece.substr(0, colon), 40)));
            }
        }
        column += piece.size() + 1;
    }
    return address;
}

bool Address::names_a_vm() const {
    return label || path || uuid || mac || tcp || file;
}

std::string Address::to_string() const {
    if (bare && label) return *label;
    std::vector<std::string> parts;
    if (label) parts.push_back("l:" + *label);
    if (path) parts.push_back("id:" + *path);
    if (uuid) parts.push_back("u:" + uuid->to_string());
    if (mac) parts.push_back("m:" + *mac);
    if (tcp) parts.push_back("t:" + *tcp);
    if (file) parts.push_back("f:" + *file);
    if (!bases.empty()) parts.push_back(fmt::format("b:{}", fmt::join(bases, "%")));
    if (worker) parts.push_back("w:" + *worker);
    return fmt::format("{}", fmt::join(parts, ","));
}

bool matches(const Address& address, const VmRecord& vm, const std::vector<PathRecord>& paths) {
    const auto has = [](const std::vector<std::string>& values, const std::string& value) {
        return std::find(values.begin(), values.end(), value) != values.end();
    };
    const auto any_path = [&](auto predicate) {
        return std::any_of(paths.begin(), paths.end(), predicate);
    };
    if (address.label && vm.label != *address.label) return false;
    if (address.uuid && vm.id.uuid != *address.uuid) return false;
    if (address.mac && !has(vm.macs, *address.mac)) return false;
    if (address.tcp && !has(vm.ips, *address.tcp)) return false;
    if (address.path && !any_path([&](const PathRecord& p) { return p.config == *address.path; }))
        return false;
    if (address.file && !any_path([&](const PathRecord& p) {
            return p.config.find(*address.file) != std::string::npos;
        })) {
        return false;
    }
    if (!address.bases.empty()) {
        const auto below = [&](const PathRecord& p) {
            return std::any_of(address.bases.begin(), address.bases.end(), [&](std::string base) {
                if (base.back() != '/') base += '/';
                return p.config.starts_with(base);
            });
        };
        if (!any_path(below)) return false;
    }
    return true;
}

} // namespace ctys
