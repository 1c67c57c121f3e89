#pragma once

#include <string>

namespace CLI { // NOLINT(readability-identifier-naming): the name of the library
class App;
class ParseError;
} // namespace CLI

namespace ctys::tools {

/// What is wrong with an option or a word, in a sentence that names what it takes; the library's
/// own words are for those who write programs. `place` has the options; those of what stands above
/// it are known, too.
[[nodiscard]] std::string option_words(const CLI::App& place, const CLI::ParseError& error);

} // namespace ctys::tools
