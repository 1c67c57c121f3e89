#include "agent/survey/cpu_text.h"

#include "agent/survey/description.h"
#include "mesh/core/text.h"

namespace ctys::agent {

namespace {

constexpr std::size_t most_model = 200;
constexpr std::size_t most_flags = 2500; // as the wire has it

} // namespace

CpuText parse_cpuinfo(std::string_view text) {
    CpuText out;
    std::vector<std::string> flags;
    for (const auto line : split(text, '\n')) {
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const auto key = trim(line.substr(0, colon));
        const auto value = trim(line.substr(colon + 1));
        const bool is_model = key == "model name" || key == "Model" || key == "cpu model";
        if (is_model && out.model.empty()) out.model = printable(value, most_model);
        const bool is_flags = key == "flags" || key == "Features" || key == "features";
        if (!is_flags || !flags.empty()) continue;
        for (const auto flag : split(value, ' ')) {
            if (!flag.empty()) flags.push_back(printable(flag, most_model));
        }
    }
    out.flags = joined(flags, most_flags);
    return out;
}

} // namespace ctys::agent
