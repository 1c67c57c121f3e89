#include "tools/output/table.h"

#include "mesh/core/assert.h"
#include "mesh/core/text.h"

#include <algorithm>

namespace ctys::tools {

namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest_last = 8; // below this a cut column says nothing: let it overflow

bool starts_code_point(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

std::string_view escape(Tone tone) {
    switch (tone) {
    case Tone::Plain:
        return "";
    case Tone::Good:
        return "\x1b[32m";
    case Tone::Warn:
        return "\x1b[33m";
    case Tone::Bad:
        return "\x1b[31m";
    case Tone::Dim:
        return "\x1b[2m";
    }
    return "";
}

void append_aligned(fmt::memory_buffer& out,
                    const Cell& cell,
                    Align align,
                    std::size_t width,
                    bool last,
                    const View& view) {
    const auto text = view.utf8 ? cell.text : to_ascii(cell.text);
    const auto shown = last && view.width != 0 ? cut_to(text, width, view.utf8) : text;
    const auto used = display_width(shown);
    const std::size_t pad = used < width ? width - used : 0;
    const auto blanks = std::string(pad, ' ');
    if (align == Align::Right) out.append(blanks);
    out.append(toned(shown, cell.tone, view));
    if (align == Align::Left && !last) out.append(blanks);
}

} // namespace

std::size_t display_width(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_code_point));
}

std::string cut_to(std::string_view text, std::size_t width, bool utf8) {
    if (display_width(text) <= width) return std::string{text};
    const std::string_view mark = utf8 ? "…" : "...";
    const auto keep = width > display_width(mark) ? width - display_width(mark) : 0;
    std::size_t seen = 0;
    std::size_t end = 0;
    while (end < text.size()) {
        if (starts_code_point(text[end]) && ++seen > keep) break;
        ++end;
    }
    return std::string{text.substr(0, end)}.append(mark);
}

std::string to_ascii(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (!starts_code_point(c)) continue;
        out += static_cast<unsigned char>(c) < 0x80 ? c : '?';
    }
    return out;
}

std::string toned(std::string_view text, Tone tone, const View& view) {
    if (!view.colour || tone == Tone::Plain) return std::string{text};
    return fmt::format("{}{}\x1b[0m", escape(tone), text);
}

void append_csv_field(fmt::memory_buffer& out, std::string_view text) {
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
        out.append(text);
        return;
    }
    out.push_back('"');
    for (const char c : text) {
        if (c == '"') out.push_back('"');
        out.push_back(c);
    }
    out.push_back('"');
}

void TextTable::add(std::vector<Cell> cells) {
    CTYS_ASSERT(cells.size() == columns_.size());
    for (auto& cell : cells)
        cell.text = cell.text.empty() ? "-" : printable(cell.text);
    rows_.push_back(std::move(cells));
}

std::vector<std::size_t> TextTable::widths(const View& view) const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        auto width = view.header ? display_width(columns_[i].title) : 0;
        for (const auto& row : rows_)
            width = std::max(width, display_width(row[i].text));
        out.push_back(width);
    }
    if (view.width == 0 || out.empty()) return out;
    std::size_t used = gap * (out.size() - 1);
    for (std::size_t i = 0; i + 1 < out.size(); ++i)
        used += out[i];
    const auto left = view.width > used ? view.width - used : 0;
    out.back() = std::min(out.back(), std::max(left, narrowest_last));
    return out;
}

void TextTable::render(fmt::memory_buffer& out, const View& view) const {
    const auto width = widths(view);
    const auto line = [&](auto cell_at) {
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const bool last = i + 1 == columns_.size();
            append_aligned(out, cell_at(i), columns_[i].align, width[i], last, view);
            if (!last) out.append(std::string(gap, ' '));
        }
        while (out.size() > 0 && out[out.size() - 1] == ' ')
            out.resize(out.size() - 1);
        out.push_back('\n');
    };
    if (view.header) line([&](std::size_t i) { return Cell{columns_[i].title, Tone::Dim}; });
    for (const auto& row : rows_)
        line([&](std::size_t i) { return row[i]; });
}

} // namespace ctys::tools
