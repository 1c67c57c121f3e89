#include "tools/output/json_writer.h"

#include "mesh/core/text.h"

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
    at.is_none() ? null() : value(std::string_view{at.to_rfc3339()});
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
