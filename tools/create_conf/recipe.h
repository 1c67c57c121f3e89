#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ctys::conf {

/// What reads the file of answers that is made for an installer.
enum class Installer { None, Kickstart, Preseed, Autoinstall };

/// What is known of a distribution (CTYS-REFERENCE 1.23, 1.25), as defaults of variables.
struct Recipe {
    Installer installer = Installer::None;
    bool ends_sections = false; ///< its kickstart has %end, which Red Hat 5 does not know
    std::vector<std::pair<std::string_view, std::string_view>> defaults;
    std::vector<std::string_view> notes; ///< lines for a person, put into the configuration

    bool operator==(const Recipe&) const = default;
};

/// A name of a distribution as it is compared: its letters, in lower case.
[[nodiscard]] std::string letters_of(std::string_view name);

/// By the letters of DIST, whatever their case, and the number that DISTREL begins with; a release
/// that is not known counts as a new one. Empty for other distributions.
[[nodiscard]] Recipe recipe_of(std::string_view distribution, std::string_view release);

} // namespace ctys::conf
