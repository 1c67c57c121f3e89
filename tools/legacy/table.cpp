#include "tools/legacy/table.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

namespace ctys::tools::legacy {

namespace {

struct ColumnSpec {
    std::string_view title;
    std::size_t width;
};
// Widths of TAB_TCP (CTYS-REFERENCE 3.6); what does not fit is cut at the right.
constexpr auto tab_tcp = std::to_array<ColumnSpec>({{"TCP-container", 20},
                                                    {"TCP-guest", 20},
                                                    {"label", 20},
                                                    {"stype", 12},
                                                    {"accel", 6},
                                                    {"c", 1},
                                                    {"user", 10},
                                                    {"group", 10}});

constexpr std::array<std::string_view, 22> machine_fields = {
    "host",     "type",        "label",       "id",     "uuid",     "mac",
    "tcp",      "display",     "cport",       "sport",  "pid",      "uid",
    "gid",      "cstype",      "jobid",       "ifname", "reserved", "contextstrg",
    "execpath", "hyperrelrun", "accelerator", "arch"};

std::string type_text(const VmRow& row) {
    return row.arch.empty() ? row.type : row.type + "-" + row.arch;
}

std::string number(std::uint64_t value) {
    return value == 0 ? std::string{} : std::to_string(value);
}

} // namespace

void render_tab_tcp(fmt::memory_buffer& out, const std::vector<VmRow>& rows) {
    const auto line = [&](const auto& text_at) {
        for (std::size_t i = 0; i < tab_tcp.size(); ++i) {
            fmt::format_to(std::back_inserter(out),
                           "{}{:<{}.{}}",
                           i == 0 ? "" : "|",
                           text_at(i),
                           tab_tcp[i].width,
                           tab_tcp[i].width);
        }
        out.push_back('\n');
    };
    line([](std::size_t i) { return tab_tcp[i].title; });
    for (std::size_t i = 0; i < tab_tcp.size(); ++i) {
        if (i != 0) out.push_back('+');
        out.append(std::string(tab_tcp[i].width, '-'));
    }
    out.push_back('\n');
    for (const auto& row : rows) {
        const std::array<std::string, tab_tcp.size()> cells = {printable(row.worker_name),
                                                               printable(row.ip),
                                                               printable(row.label),
                                                               printable(type_text(row)),
                                                               printable(row.accelerator),
                                                               is_live(row) ? "S" : "",
                                                               printable(row.user),
                                                               number(row.gid)};
        line([&](std::size_t i) { return std::string_view{cells[i]}; });
    }
}

void render_machine(fmt::memory_buffer& out, const std::vector<VmRow>& rows, bool title) {
    if (title) fmt::format_to(std::back_inserter(out), "{}\n", fmt::join(machine_fields, ";"));
    for (const auto& row : rows) {
        std::array<std::string, 22> fields = {row.worker_name,
                                              type_text(row),
                                              row.label,
                                              row.config,
                                              row.vm.to_string(),
                                              row.mac,
                                              row.ip,
                                              row.display,
                                              number(row.cport),
                                              row.console,
                                              number(row.pid),
                                              row.user.empty() ? number(row.uid) : row.user,
                                              number(row.gid),
                                              is_live(row) ? "SERVER" : "",
                                              {},
                                              {},
                                              {},
                                              {},
                                              row.executable,
                                              row.version,
                                              row.accelerator,
                                              row.arch};
        for (auto& field : fields) {
            field = printable(field);
            for (auto& c : field) {
                if (c == ';') c = ' ';
            }
        }
        fmt::format_to(std::back_inserter(out), "{}\n", fmt::join(fields, ";"));
    }
}

} // namespace ctys::tools::legacy
