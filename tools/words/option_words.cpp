#include "tools/words/option_words.h"

#include "mesh/core/text.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>

#include <string_view>

namespace ctys::tools {

namespace {

const CLI::Option* option_of(const CLI::App& place, std::string_view name) {
    for (const auto* app = &place; app != nullptr; app = app->get_parent()) {
        for (const auto* option : app->get_options()) {
            if (option->get_name() == name) return option;
        }
    }
    return nullptr;
}

// "MODES: install: SOURCE%FILE, or default"; what says nothing of its own is left out.
std::string meaning_of(const CLI::Option* option) {
    if (option == nullptr) return {};
    const auto type = option->get_type_name();
    const auto& text = option->get_description();
    const bool is_named = !type.empty() && type != "TEXT";
    if (text.empty()) return is_named ? ", " + type : std::string{};
    return is_named ? fmt::format(", {}: {}", type, text) : ": " + text;
}

// The words before what the library puts behind a name.
std::string_view before(std::string_view text, std::string_view mark) {
    return text.substr(0, text.find(mark));
}

} // namespace

std::string option_words(const CLI::App& place, const CLI::ParseError& error) {
    const std::string_view said = error.what();
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
        const auto extras = place.remaining(/*recurse=*/true);
        const auto typed = extras.empty() ? std::string{} : extras.front();
        return fmt::format("{}: {}",
                           printable(typed, 60),
                           typed.starts_with('-') ? "no such option" : "one word too many");
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        const auto name = before(before(said, ": "), " was given");
        if (said.find("At Most") != std::string_view::npos)
            return fmt::format("{} stands more than once", name);
        if (said.find("was given") != std::string_view::npos)
            return fmt::format("{} takes no value", name);
        return fmt::format("{} needs a value{}", name, meaning_of(option_of(place, name)));
    }
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
        const auto name = before(said, " is required");
        if (name.size() < said.size())
            return fmt::format("{} is missing{}", name, meaning_of(option_of(place, name)));
    }
    if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
        const auto name = before(said, " excludes ");
        if (name.size() < said.size())
            return fmt::format("{} and {} do not go together",
                               name,
                               said.substr(name.size() + std::string_view{" excludes "}.size()));
    }
    if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
        constexpr std::string_view could_not = "Could not convert: ";
        if (said.starts_with(could_not)) {
            const auto name = before(said.substr(could_not.size()), " = ");
            const auto* option = option_of(place, name);
            if (option != nullptr && option->get_items_expected_max() == 0)
                return fmt::format("{} takes no value", name);
        }
    }
    return printable(said, 300);
}

} // namespace ctys::tools
