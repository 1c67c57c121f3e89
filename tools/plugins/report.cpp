#include "tools/plugins/report.h"

#include "mesh/core/text.h"
#include "tools/output/block.h"
#include "tools/output/table.h"

#include <algorithm>
#include <iterator>

namespace ctys::tools {

namespace {

std::string_view escape(PluginState state) {
    switch (state) {
    case PluginState::Ignored:
        return "\x1b[35m"; // magenta
    case PluginState::Available:
        return "\x1b[36m"; // cyan
    case PluginState::Disabled:
        return "\x1b[31m"; // red
    case PluginState::Enabled:
        return "\x1b[32m"; // green
    case PluginState::Idle:
        return "\x1b[34m"; // blue
    case PluginState::Busy:
        return "\x1b[33m"; // yellow
    }
    return "";
}

std::string state_text(PluginState state) {
    return fmt::format("{} ({})", to_string(state), number_text(state));
}

/// So that columns stay in line: colours take no width.
std::string padded(std::string_view text, std::size_t width) {
    const auto used = display_width(text);
    return std::string{text} + std::string(used < width ? width - used : 0, ' ');
}

std::string names_in_state(const std::vector<Plugin>& plugins, PluginState state) {
    std::vector<std::string_view> names;
    for (const auto& plugin : plugins) {
        if (plugin.state == state) names.push_back(to_string(plugin.type));
    }
    return names.empty() ? std::string{"-"} : fmt::format("{}", fmt::join(names, " "));
}

void render_detail(fmt::memory_buffer& out, const Plugin& plugin, const View& view) {
    std::string more;
    if (!plugin.version.empty()) more += "   version " + plugin.version;
    if (!plugin.accelerator.empty()) more += "   accelerator " + plugin.accelerator;
    fmt::format_to(std::back_inserter(out),
                   "{} {}{}\n",
                   padded(to_string(plugin.type), 5),
                   in_colour(state_text(plugin.state), plugin.state, view),
                   printable(more));
    Blocks blocks(out, view);
    for (const auto& check : plugin.checks) {
        if (check.passed || !check.needed) continue;
        blocks.line("missing", fmt::format("{}: {}", check.what, check.fact));
    }
    // Two sockets may have one command.
    std::vector<std::string> commands;
    for (const auto& check : plugin.checks) {
        const bool is_new =
            std::find(commands.begin(), commands.end(), check.command) == commands.end();
        if (check.command.empty() || !is_new) continue;
        commands.push_back(check.command);
        blocks.line("try", check.command);
    }
    for (const auto& remark : plugin.remarks)
        blocks.line("note", remark);
}

bool has_flag(const WorkerRecord& worker, std::string_view flag) {
    const auto flags = split(worker.equipment.cpu_flags, ' ');
    return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

const Plugin* find(const std::vector<Plugin>& plugins, PluginType type) {
    const auto found = std::find_if(
        plugins.begin(), plugins.end(), [&](const Plugin& plugin) { return plugin.type == type; });
    return found == plugins.end() ? nullptr : &*found;
}

std::string or_dash(std::string text) {
    return text.empty() ? std::string{"-"} : std::move(text);
}

/// Lines of cells under titles; the last cell of each is coloured by its state.
void render_lines(fmt::memory_buffer& out,
                  const std::vector<std::vector<std::string>>& lines,
                  const std::vector<PluginState>& states,
                  const View& view) {
    std::vector<std::size_t> widths;
    for (const auto& line : lines) {
        widths.resize(std::max(widths.size(), line.size()));
        for (std::size_t i = 0; i < line.size(); ++i)
            widths[i] = std::max(widths[i], display_width(line[i]));
    }
    for (std::size_t row = 0; row < lines.size(); ++row) {
        for (std::size_t i = 0; i < lines[row].size(); ++i) {
            const bool is_last = i + 1 == lines[row].size();
            auto text = printable(lines[row][i]);
            if (!is_last) text = padded(text, widths[i]) + " | ";
            if (is_last && row > 0 && row - 1 < states.size())
                text = in_colour(text, states[row - 1], view);
            out.append(text);
        }
        out.push_back('\n');
    }
}

} // namespace

std::string in_colour(std::string_view text, PluginState state, const View& view) {
    if (!view.colour) return std::string{text};
    return fmt::format("{}{}\x1b[0m", escape(state), text);
}

void render_report(fmt::memory_buffer& out,
                   const PluginRequest& request,
                   const std::vector<Plugin>& plugins,
                   const WorkerRecord& worker,
                   const View& view) {
    fmt::format_to(std::back_inserter(out),
                   "node {}: {}, {} CPUs, {} MB, {}\n",
                   printable(worker.host),
                   printable(worker.arch),
                   worker.cpus,
                   worker.memory_mb,
                   request.as_server ? "as execution target" : "as client");
    for (const auto state : plugin_states) {
        const auto title = state_text(state);
        fmt::format_to(std::back_inserter(out),
                       "  {}{} {}\n",
                       in_colour(title, state, view),
                       std::string(title.size() < 14 ? 14 - title.size() : 0, ' '),
                       names_in_state(plugins, state));
    }
    for (const auto& plugin : plugins) {
        if (!request.asks_for(plugin.type)) continue;
        out.push_back('\n');
        render_detail(out, plugin, view);
        if (plugin.type != PluginType::Qemu || !request.as_server) continue;
        Blocks blocks(out, view);
        std::size_t width = 8;
        for (const auto& each : worker.equipment.emulators)
            width = std::max(width, each.arch.size());
        for (const auto& each : worker.equipment.emulators) {
            if (each.problem.empty()) {
                blocks.line("emulates",
                            fmt::format("{:<{}} {:<9} {}  ({})",
                                        each.arch,
                                        width,
                                        each.version,
                                        each.path,
                                        each.accelerators));
            } else {
                blocks.line("broken", fmt::format("{}: {}", each.path, each.problem));
            }
        }
    }
}

void render_quick_list(fmt::memory_buffer& out,
                       const PluginRequest& request,
                       const std::vector<Plugin>& plugins,
                       const WorkerRecord& worker,
                       const View& view) {
    std::vector<std::vector<std::string>> lines{
        {"Hostname", "Plugin", "Accelerator", "Version", "MAGIC-ID", "State"}};
    std::vector<PluginState> states;
    for (const auto& plugin : plugins) {
        if (!request.asks_for(plugin.type)) continue;
        lines.push_back({worker.host,
                         std::string{to_string(plugin.type)},
                         or_dash(plugin.accelerator),
                         or_dash(plugin.version),
                         fmt::format("MAGICID-{}", to_string(plugin.type)),
                         state_text(plugin.state)});
        states.push_back(plugin.state);
    }
    render_lines(out, lines, states, view);
}

void render_quick_tab(fmt::memory_buffer& out,
                      const std::vector<Plugin>& plugins,
                      const WorkerRecord& worker,
                      const View& view) {
    const auto mark = [&](PluginType type) {
        const auto* plugin = find(plugins, type);
        return std::string{plugin != nullptr && is_green(plugin->state) ? "x" : "-"};
    };
    std::string hardware = "-";
    if (has_flag(worker, "vmx")) hardware = "VMX";
    if (has_flag(worker, "svm")) hardware = "SVM";
    const auto* qemu = find(plugins, PluginType::Qemu);
    const bool runs = qemu != nullptr && is_green(qemu->state);
    render_lines(out,
                 {{"Hostname", "VMX/SVM", "PAE", "CLI", "X11", "VNC", "QEMU", "PM"},
                  {worker.host,
                   hardware,
                   has_flag(worker, "pae") ? "PAE" : "-",
                   mark(PluginType::Cli),
                   mark(PluginType::X11),
                   mark(PluginType::Vnc),
                   runs ? or_dash(qemu->accelerator) : "-",
                   has_flag(worker, "hypervisor") ? "V" : "P"}},
                 {},
                 view);
}

void render_trace(fmt::memory_buffer& out, const std::vector<Plugin>& plugins) {
    for (const auto& plugin : plugins) {
        for (const auto& check : plugin.checks) {
            fmt::format_to(std::back_inserter(out),
                           "ctys-plugins: {}: {}: {}: {}\n",
                           to_string(plugin.type),
                           printable(check.what),
                           check.passed   ? "there"
                           : check.needed ? "missing"
                                          : "not there, not needed",
                           printable(check.fact));
        }
    }
}

} // namespace ctys::tools
