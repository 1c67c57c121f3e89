#include "tools/verbs/arguments.h"

#include "mesh/core/text.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>

#include <charconv>

namespace ctys::tools {

namespace {

// CLI11 takes letters, digits, '_' and '-' in a name.
std::string legal(std::string name) {
    for (auto& c : name) {
        if (c == '|') c = '-';
    }
    return name;
}

} // namespace

void Arguments::flag(const std::string& names, bool& target, const std::string& help) {
    app_.add_flag(names, target, help);
}

void Arguments::text(const std::string& names,
                     std::string& target,
                     const std::string& placeholder,
                     const std::string& help) {
    app_.add_option(names, target, help)->type_name(placeholder);
}

void Arguments::texts(const std::string& names,
                      std::vector<std::string>& target,
                      const std::string& placeholder,
                      const std::string& help) {
    app_.add_option(names, target, help)
        ->type_name(placeholder)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Arguments::span(const std::string& names,
                     std::optional<Duration>& target,
                     const std::string& help) {
    app_.add_option_function<std::string>(
            names,
            [&target, names](const std::string& text) {
                auto span = parse_duration(text);
                if (!span) throw CLI::ValidationError(names, span.error().message);
                target = *span;
            },
            help)
        ->type_name("TIME");
}

namespace {

std::string is_number(const std::string& text) {
    const bool has_digits =
        !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    if (!has_digits) return fmt::format("\"{}\" is no whole number", printable(text, 40));
    std::uint64_t value = 0;
    const bool fits =
        std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
    return fits ? std::string{} : fmt::format("\"{}\" is too large", printable(text, 40));
}

} // namespace

void Arguments::number(const std::string& names,
                       std::optional<std::uint64_t>& target,
                       const std::string& help) {
    app_.add_option(names, target, help)->check(&is_number)->type_name("N");
}

void Arguments::number(const std::string& names, std::uint64_t& target, const std::string& help) {
    // Without a check negative ones wrap around.
    app_.add_option(names, target, help)->check(&is_number)->type_name("N");
}

void Arguments::positional(const std::string& name,
                           std::string& target,
                           Need need,
                           const std::string& help) {
    auto* option = app_.add_option(legal(name), target, help);
    option->option_text(need == Need::Required ? "(required)" : "");
    if (need == Need::Required) option->required();
}

void Arguments::positionals(const std::string& name,
                            std::vector<std::string>& target,
                            Need need,
                            const std::string& help) {
    auto* option = app_.add_option(legal(name), target, help);
    option->option_text(need == Need::Required ? "... (required)" : "...");
    if (need == Need::Required) option->required();
}

} // namespace ctys::tools
