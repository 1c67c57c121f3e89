#include "tools/output/json_writer.h"

#include "mesh/core/text.h"

#include <array>
#include <chrono>
#include <iterator>

namespace ctys::tools {

namespace {

bool is_plain(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

void escape_ascii(fmt::memory_buffer& out, unsigned char byte) {
    switch (byte) {
    case '"':
        out.append(std::string_view{"\\\""});
        return;
    case '\\':
        out.append(std::string_view{"\\\\"});
        return;
    case '\n':
        out.append(std::string_view{"\\n"});
        return;
    case '\t':
        out.append(std::string_view{"\\t"});
        return;
    case '\r':
        out.append(std::string_view{"\\r"});
        return;
    default:
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(byte));
    }
}

// Appends the sequence at the front of `text` that is not plain ASCII; returns its length.
std::size_t append_special(fmt::memory_buffer& out, std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) {
        escape_ascii(out, first);
        return 1;
    }
    for (std::size_t length = 2; length <= 4 && length <= text.size(); ++length) {
        const auto piece = text.substr(0, length);
        if (!is_utf8(piece)) continue;
        const auto second = static_cast<unsigned char>(piece[1]);
        if (first == 0xc2 && second < 0xa0) { // C1 controls: some terminals obey them
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(second));
        } else {
            out.append(piece);
        }
        return length;
    }
    out.append(std::string_view{"\\ufffd"});
    return 1;
}

void put_digits(char* out, std::int64_t number, int count) {
    for (int i = count - 1; i >= 0; --i) {
        out[i] = static_cast<char>('0' + number % 10);
        number /= 10;
    }
}

// What WallTime::to_rfc3339 makes, between quotes and without a general formatter: a list of
// 20,000 VMs has 40,000 times, and they were a third of its cost.
void append_time(fmt::memory_buffer& out, WallTime at) {
    const auto point = std::chrono::sys_time<Duration>{Duration{at.us}};
    const auto day = std::chrono::floor<std::chrono::days>(point);
    const std::chrono::year_month_day date{day};
    const auto in_day = (point - day).count();
    std::array<char, 29> text{'"', 0, 0,   0, 0, '-', 0, 0, '-', 0, 0, 'T', 0,   0,  ':',
                              0,   0, ':', 0, 0, '.', 0, 0, 0,   0, 0, 0,   'Z', '"'};
    put_digits(&text[1], static_cast<int>(date.year()), 4);
    put_digits(&text[6], static_cast<unsigned>(date.month()), 2);
    put_digits(&text[9], static_cast<unsigned>(date.day()), 2);
    put_digits(&text[12], in_day / 3600000000, 2);
    put_digits(&text[15], in_day / 60000000 % 60, 2);
    put_digits(&text[18], in_day / 1000000 % 60, 2);
    put_digits(&text[21], in_day % 1000000, 6);
    out.append(std::string_view{text.data(), text.size()});
}

} // namespace

void JsonWriter::separate() {
    if (needs_comma_) out_.push_back(',');
    needs_comma_ = true;
}

void JsonWriter::raw(std::string_view text) {
    separate();
    out_.append(text);
}

void JsonWriter::open(char bracket) {
    separate();
    out_.push_back(bracket);
    needs_comma_ = false;
}

void JsonWriter::close(char bracket) {
    out_.push_back(bracket);
    needs_comma_ = true;
}

void JsonWriter::key(std::string_view name) {
    separate();
    out_.push_back('"');
    out_.append(name);
    out_.append(std::string_view{"\":"});
    needs_comma_ = false;
}

void JsonWriter::foreign_key(std::string_view name) {
    value(name);
    out_.push_back(':');
    needs_comma_ = false;
}

void JsonWriter::value(std::string_view text) {
    separate();
    out_.push_back('"');
    while (!text.empty()) {
        std::size_t plain = 0;
        while (plain < text.size() && is_plain(text[plain]))
            ++plain;
        out_.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (!text.empty()) text.remove_prefix(append_special(out_, text));
    }
    out_.push_back('"');
}

void JsonWriter::value(WallTime at) {
    if (at.is_none()) return null();
    separate();
    append_time(out_, at);
}

void JsonWriter::value(const Uuid& uuid) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<char, 38> text{};
    std::size_t size = 0;
    text[size++] = '"';
    for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text[size++] = '-';
        text[size++] = digits[uuid.bytes[i] >> 4U];
        text[size++] = digits[uuid.bytes[i] & 0x0fU];
    }
    text[size++] = '"';
    raw({text.data(), size});
}

void JsonWriter::value(Duration span) {
    separate();
    const auto ms = span.count() / 1000;
    fmt::format_to(std::back_inserter(out_),
                   "{}{}.{:03}",
                   ms < 0 ? "-" : "",
                   (ms < 0 ? -ms : ms) / 1000,
                   (ms < 0 ? -ms : ms) % 1000);
}

void JsonWriter::member_or_null(std::string_view name, std::string_view text) {
    key(name);
    text.empty() ? null() : value(text);
}

} // namespace ctys::tools
