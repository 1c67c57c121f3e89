// What Agent does to the machine that it runs on.

#include "agent/shell/agent.h"

#include <fmt/ranges.h>

namespace ctys::agent {

namespace {

constexpr Duration down_patience = std::chrono::seconds{60};

const std::vector<std::string>& command_for(const SelfCommands& self, std::uint8_t level) {
    constexpr std::uint8_t power_off = 0;
    constexpr std::uint8_t reboot = 6;
    if (level == power_off) return self.power_off;
    return level == reboot ? self.reboot : self.run_level;
}

} // namespace

void Agent::change_run_level(const ChangeRunLevel& change) {
    loop::ChildSpec spec;
    for (auto word : command_for(options_.self, change.level)) {
        constexpr std::string_view name = "{level}";
        if (const auto at = word.find(name); at != std::string::npos)
            word.replace(at, name.size(), std::to_string(change.level));
        spec.argv.push_back(std::move(word));
    }
    spec.errors = loop::ToMemory{4096};
    spec.deadline = down_patience;
    spec.when_dropped = loop::WhenDropped::Leave; // this agent ends with its machine
    log_.notice("run level {}: {}", change.level, fmt::join(spec.argv, " "));
    auto child = loop::ChildProcess::start(
        loop_, std::move(spec), [this, action = change.action](const loop::ChildResult& result) {
            step(RunLevelEnded{.action = action,
                               .exit_code =
                                   result.timed_out ? 124 : result.exit_status + result.term_signal,
                               .output = result.errors});
            loop_.defer([this] { run_level_command_.reset(); });
        });
    if (!child) {
        loop_.defer([this, action = change.action, why = child.error().message] {
            step(RunLevelEnded{.action = action, .exit_code = 127, .output = why});
        });
        return;
    }
    run_level_command_ = std::move(*child);
}

} // namespace ctys::agent
