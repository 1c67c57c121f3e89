#include "mesh/core/start_options.h"

#include "mesh/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace ctys {

namespace {

enum class Value : std::uint8_t { None, Maybe, Needed };
struct OptionRow {
    std::string_view name;
    Value value;
};

constexpr auto known = std::to_array<OptionRow>({{"--bootmode", Value::Needed},
                                                 {"--instmode", Value::Maybe},
                                                 {"--kernelmode", Value::Needed},
                                                 {"--console", Value::Needed},
                                                 {"--vncaccessdisplay", Value::Needed},
                                                 {"--argsadd", Value::Needed},
                                                 {"--initmode", Value::None},
                                                 {"--force", Value::None}});

const OptionRow* find_option(std::string_view option) {
    const auto name = option.substr(0, option.find('='));
    const auto found = std::find_if(
        known.begin(), known.end(), [&](const OptionRow& row) { return row.name == name; });
    return found == known.end() ? nullptr : &*found;
}

/// A boot mode without a path: a medium that the configuration names.
bool is_plain_boot(std::string_view option) {
    return option.starts_with("--bootmode=") && option.find('%') == std::string_view::npos;
}

} // namespace

Status check_start_options(std::span<const std::string> options) {
    if (options.size() > most_start_options) {
        return fail(
            ErrorCode::Usage,
            fmt::format("{} options of a start, at most {}", options.size(), most_start_options));
    }
    for (const auto& option : options) {
        if (auto fine = check_text("an option of a start", option, most_start_option_bytes); !fine)
            return fail(ErrorCode::Usage, fine.error().message);
        const auto* row = find_option(option);
        if (row == nullptr) {
            std::vector<std::string_view> names;
            for (const auto& each : known)
                names.push_back(each.name);
            return fail(ErrorCode::Usage,
                        fmt::format("\"{}\" is no option of a start: {}",
                                    printable(option, 80),
                                    fmt::join(names, ", ")));
        }
        const bool has_value = option.size() > row->name.size() + 1;
        const bool is_plain = option.size() == row->name.size();
        if ((row->value == Value::None && !is_plain) ||
            (row->value == Value::Needed && !has_value) ||
            (row->value == Value::Maybe && !has_value && !is_plain)) {
            return fail(
                ErrorCode::Usage,
                fmt::format("{} {}",
                            row->name,
                            row->value == Value::None ? "takes no value" : "needs a value"));
        }
    }
    return {};
}

bool installs(std::span<const std::string> options) {
    return std::any_of(options.begin(), options.end(), [](const std::string& option) {
        return option == "--initmode" || option == "--instmode" ||
               option.starts_with("--instmode=");
    });
}

bool reach_beyond_the_vm(std::span<const std::string> options) {
    return !std::all_of(options.begin(), options.end(), [](const std::string& option) {
        return option.starts_with("--console=") || option.starts_with("--vncaccessdisplay=") ||
               is_plain_boot(option);
    });
}

} // namespace ctys
