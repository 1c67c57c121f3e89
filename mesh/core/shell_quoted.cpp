#include "mesh/core/shell_quoted.h"

#include <string_view>

namespace ctys {

std::string shell_quoted(const std::vector<std::string>& argv) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";
    std::string out;
    for (const auto& argument : argv) {
        if (!out.empty()) out += ' ';
        if (!argument.empty() && argument.find_first_not_of(plain) == std::string::npos) {
            out += argument;
            continue;
        }
        out += '\'';
        for (const char c : argument) {
            out += c == '\'' ? std::string{"'\\''"} : std::string(1, c);
        }
        out += '\'';
    }
    return out;
}

} // namespace ctys
