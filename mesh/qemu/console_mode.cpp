#include "mesh/qemu/console_mode.h"

#include "mesh/core/near_word.h"
#include "mesh/core/text.h"
#include "mesh/qemu/option_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace ctys::qemu {

namespace {

struct ConsoleRow {
    std::string_view name;
    ConsoleMode mode;
};

constexpr auto consoles = std::to_array<ConsoleRow>({{"CLI", ConsoleMode::Text},
                                                     {"CLI0", ConsoleMode::Attached},
                                                     {"XTERM", ConsoleMode::Text},
                                                     {"GTERM", ConsoleMode::Text},
                                                     {"EMACS", ConsoleMode::Text},
                                                     {"EMACSM", ConsoleMode::Text},
                                                     {"EMACSA", ConsoleMode::Text},
                                                     {"EMACSAM", ConsoleMode::Text},
                                                     {"SDL", ConsoleMode::Sdl},
                                                     {"VNC", ConsoleMode::Vnc},
                                                     {"NONE", ConsoleMode::None}});

/// Models of -device that draw, by what their names contain.
bool is_graphics_card(std::string_view device) {
    constexpr auto parts = std::to_array<std::string_view>(
        {"vga", "gpu", "qxl", "cirrus", "ramfb", "bochs-display", "ati-", "cg3", "tcx", "sm501"});
    const auto model = to_lower(device.substr(0, device.find(',')));
    return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
        return model.find(part) != std::string::npos;
    });
}

/// What the option words of a configuration bring themselves.
struct Brought {
    bool card = false;
    bool vnc = false;
    bool display = false;
};

Brought look_at(const std::vector<std::string>& words) {
    Brought found;
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view option = words[i];
        if (!option.starts_with('-')) continue;
        option.remove_prefix(option.starts_with("--") ? 2 : 1);
        const std::string_view value = i + 1 < words.size() ? words[i + 1] : std::string_view{};
        if (option == "vga" || (option == "device" && is_graphics_card(value))) found.card = true;
        if (option == "vnc" || (option == "display" && value.starts_with("vnc"))) found.vnc = true;
        if (option == "display" || option == "nographic") found.display = true;
    }
    return found;
}

/// The card that -vga std means is there and has a firmware that draws on it.
bool has_usual_card(std::string_view arch) {
    return is_x86(arch) || arch == "ppc" || arch == "ppc64" || arch == "ppc64le";
}

} // namespace

Result<ConsoleMode> parse_console_mode(std::string_view word) {
    std::vector<std::string_view> names;
    for (const auto& row : consoles) {
        if (equals_ignoring_case(row.name, word)) return row.mode;
        names.push_back(row.name);
    }
    return fail(
        ErrorCode::Usage,
        fmt::format("\"{}\" is not a console: {}", printable(word, 64), fmt::join(names, ", ")));
}

Result<std::uint32_t> parse_vnc_display(std::string_view word) {
    const auto number = parse_number(word.starts_with(':') ? word.substr(1) : word);
    if (number && *number <= max_vnc_display) return static_cast<std::uint32_t>(*number);
    return fail(ErrorCode::Usage,
                fmt::format("\"{}\" is not a VNC display, 0 to {}, or free",
                            printable(word, 64),
                            max_vnc_display));
}

VmPlan show_screen(VmPlan plan, ConsoleMode mode, std::optional<std::uint32_t> vnc_display) {
    const auto brought = look_at(plan.extra);
    if (!brought.card && has_usual_card(plan.arch)) plan.vga = "std";
    // Who closes the window means the window, not the power of the guest (S-100).
    if (mode == ConsoleMode::Sdl && !brought.display) plan.display = "sdl,window-close=off";
    plan.firmware_on_serial = mode == ConsoleMode::Text || mode == ConsoleMode::Attached;
    const bool looks = mode != ConsoleMode::None && (mode != ConsoleMode::Sdl || vnc_display);
    if (brought.vnc || !looks) return plan;
    plan.vnc = true;
    plan.vnc_display = vnc_display;
    return plan;
}

} // namespace ctys::qemu
