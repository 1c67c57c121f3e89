#pragma once

#include "mesh/core/text.h"
#include "tools/output/json_writer.h"
#include "tools/output/table.h"
#include "tools/output/view.h"

#include <string>
#include <vector>

namespace ctys::tools {

/// How rows of one kind are shown: one description serves every format.
template <typename Row>
struct Listing {
    std::vector<Column> (*columns)(bool wide);
    std::vector<Cell> (*cells)(const Row& row, bool wide, const View& view);
    void (*json)(JsonWriter& out, const Row& row);
    std::vector<std::string> (*names)(const std::vector<Row>& rows); ///< one for each row
};

template <typename Row>
void render_csv(fmt::memory_buffer& out,
                const std::vector<Row>& rows,
                View view,
                const Listing<Row>& listing) {
    view.plain = true;
    const auto line = [&](const auto& fields, auto text_of) {
        for (std::size_t i = 0; i < fields.size(); ++i) {
            if (i != 0) out.push_back(',');
            append_csv_field(out, text_of(fields[i]));
        }
        out.push_back('\n');
    };
    if (view.header) line(listing.columns(true), [](const Column& c) { return to_lower(c.title); });
    for (const auto& row : rows) {
        line(listing.cells(row, true, view), [](const Cell& c) { return printable(c.text); });
    }
}

/// Appends all rows in their order. Json is one array, jsonl one object per line.
template <typename Row>
void render_rows(fmt::memory_buffer& out,
                 const std::vector<Row>& rows,
                 Format format,
                 const View& view,
                 const Listing<Row>& listing) {
    JsonWriter json(out);
    switch (format) {
    case Format::Table:
    case Format::Wide: {
        const bool wide = format == Format::Wide;
        TextTable table(listing.columns(wide));
        for (const auto& row : rows)
            table.add(listing.cells(row, wide, view));
        table.render(out, view);
        return;
    }
    case Format::Json:
        json.begin_array();
        for (const auto& row : rows)
            listing.json(json, row);
        json.end_array();
        out.push_back('\n');
        return;
    case Format::Jsonl:
        for (const auto& row : rows) {
            JsonWriter line(out);
            listing.json(line, row);
            out.push_back('\n');
        }
        return;
    case Format::Csv:
        render_csv(out, rows, view, listing);
        return;
    case Format::Name:
        for (const auto& name : listing.names(rows)) {
            out.append(printable(name));
            out.push_back('\n');
        }
        return;
    }
}

} // namespace ctys::tools
