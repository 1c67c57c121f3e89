#include "tools/verbs/arguments.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

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

void Arguments::number(const std::string& names, std::uint64_t& target, const std::string& help) {
    app_.add_option(names, target, help)->type_name("N");
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
