#pragma once

#include "tools/output/view.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::tools {

enum class Align : std::uint8_t { Left, Right };
/// The last column of a table for people may be flexible: it takes what width is left and is cut
/// there, never wrapped.
struct Column {
    std::string title;
    Align align = Align::Left;
};

enum class Tone : std::uint8_t { Plain, Good, Warn, Bad, Dim };
struct Cell {
    std::string text;
    Tone tone = Tone::Plain;

    Cell(std::string words, Tone how = Tone::Plain) : text(std::move(words)), tone(how) {}
    Cell(const char* words) : text(words) {}
};

/// Rows of text under titles; columns are as wide as their widest cell.
class TextTable {
public:
    explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// As many cells as columns. Texts are made printable here; empty ones show as "-".
    void add(std::vector<Cell> cells);
    void render(fmt::memory_buffer& out, const View& view) const;
    [[nodiscard]] std::size_t rows() const { return rows_.size(); }

private:
    [[nodiscard]] std::vector<std::size_t> widths(const View& view) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

/// Code points, which is what columns are counted in.
[[nodiscard]] std::size_t display_width(std::string_view text);
/// At most `width` code points; a cut is marked by "..." ("…" in UTF-8).
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t width, bool utf8);
/// For terminals outside UTF-8: everything beyond ASCII becomes "?".
[[nodiscard]] std::string to_ascii(std::string_view text);
/// `text` between the escape sequences of its tone, or as it is without colour.
[[nodiscard]] std::string toned(std::string_view text, Tone tone, const View& view);
/// A field of RFC 4180: quoted where it must be. A leading = + - @ is no formula in a table of
/// machines and is left alone.
void append_csv_field(fmt::memory_buffer& out, std::string_view text);

} // namespace ctys::tools
