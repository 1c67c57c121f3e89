#include "tools/qemu_call/empty_values.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::call {

Result<std::vector<std::string>> split_empty_values(std::span<const std::string> arguments,
                                                    std::span<const std::string_view> valued) {
    std::vector<std::string> out;
    bool options = true;
    for (std::string_view argument : arguments) {
        options = options && argument != "--";
        if (!options || !argument.starts_with("--") || !argument.ends_with('=')) {
            out.emplace_back(argument);
            continue;
        }
        const auto name = argument.substr(0, argument.find('='));
        if (name.size() + 1 != argument.size()) { // --name=a=
            out.emplace_back(argument);
            continue;
        }
        if (std::find(valued.begin(), valued.end(), name) == valued.end()) {
            return fail(ErrorCode::Usage,
                        fmt::format("{} is no option that takes a value", printable(argument)));
        }
        out.emplace_back(name);
        out.emplace_back();
    }
    return out;
}

} // namespace ctys::call
