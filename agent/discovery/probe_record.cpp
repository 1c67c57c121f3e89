#include "agent/discovery/probe_record.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace ctys::agent {
namespace {

/// Takes one field off the front; nothing where there is no whole one.
std::optional<ProbeRecord::Field> take_field(std::string_view& bytes) {
    const auto blank = bytes.find(' ');
    const auto colon = bytes.find(':');
    if (blank == std::string_view::npos || colon == std::string_view::npos || blank > colon) {
        return std::nullopt;
    }
    std::size_t size = 0;
    const auto* end = bytes.data() + colon;
    const auto [at, error] = std::from_chars(bytes.data() + blank + 1, end, size);
    if (error != std::errc{} || at != end || size > max_probe_field_bytes) return std::nullopt;
    if (bytes.size() - colon < size + 2 || bytes[colon + 1 + size] != '\n') return std::nullopt;
    ProbeRecord::Field out{std::string(bytes.substr(0, blank)),
                           std::string(bytes.substr(colon + 1, size))};
    bytes.remove_prefix(colon + size + 2);
    return out;
}

} // namespace

void ProbeRecord::add(std::string_view name, std::string_view value) {
    if (fields.size() >= max_probe_fields) return;
    fields.push_back({std::string(name), std::string(value.substr(0, max_probe_field_bytes))});
}

std::string_view ProbeRecord::first(std::string_view name) const {
    for (const auto& field : fields) {
        if (field.name == name) return field.value;
    }
    return {};
}

std::vector<std::string> ProbeRecord::all(std::string_view name) const {
    std::vector<std::string> out;
    for (const auto& field : fields) {
        if (field.name == name) out.push_back(field.value);
    }
    return out;
}

std::uint64_t ProbeRecord::number(std::string_view name) const {
    const auto text = first(name);
    std::uint64_t out = 0;
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && at == text.data() + text.size() ? out : 0;
}

std::string encode_probe_record(const ProbeRecord& record) {
    std::string out;
    for (const auto& [name, value] : record.fields) {
        out += fmt::format("{} {}:", name, value.size());
        out += value;
        out += '\n';
    }
    return out + ".\n";
}

std::vector<ProbeRecord> decode_probe_records(std::string_view bytes) {
    std::vector<ProbeRecord> out;
    ProbeRecord record;
    while (!bytes.empty()) {
        if (bytes.substr(0, 2) == ".\n") {
            out.push_back(std::move(record));
            record = {};
            bytes.remove_prefix(2);
            continue;
        }
        auto field = take_field(bytes);
        if (!field || record.fields.size() >= max_probe_fields) break;
        record.fields.push_back(std::move(*field));
    }
    return out;
}

} // namespace ctys::agent
