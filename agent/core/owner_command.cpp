#include "agent/core/owner_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace ctys::agent {

namespace {

/// Longer than ours: Proxmox and Incus fail then, and a Proxmox under HA cuts the power. Never 0,
/// by which Incus understands that it is to cut at once.
constexpr Duration longer = std::chrono::seconds{10};

constexpr std::array<std::string_view, 8> placeholders = {
    "label", "uuid", "pid", "vmid", "project", "instance", "connection", "timeout"};

std::uint64_t whole_seconds(Duration span) {
    return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(span).count());
}

/// The next "{name}" at or behind `from`: where it begins, and its name.
std::optional<std::pair<std::size_t, std::string_view>> next_placeholder(std::string_view word,
                                                                         std::size_t from) {
    while (true) {
        const auto open = word.find('{', from);
        if (open == std::string_view::npos) return std::nullopt;
        const auto close = word.find('}', open);
        if (close == std::string_view::npos) return std::nullopt;
        const auto name = word.substr(open + 1, close - open - 1);
        const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
            return c >= 'a' && c <= 'z';
        });
        if (is_name) return std::pair{open, name};
        from = open + 1;
    }
}

/// Every value is safe as a word: labels, numbers, UUIDs, and what owner_handle() lets through.
std::string value_of(std::string_view name,
                     const InstanceRecord& record,
                     const qemu::OwnerHandle& handle,
                     Duration wait) {
    if (name == "label") return record.label;
    if (name == "uuid") return record.vm.to_string();
    if (name == "pid") return std::to_string(record.key.pid);
    if (name == "vmid") return handle.vmid;
    if (name == "project") return handle.project;
    if (name == "instance") return handle.instance;
    if (name == "connection") return handle.connection;
    return std::to_string(whole_seconds(std::max(Duration{}, wait) + longer));
}

tl::unexpected<Error> not_asked(const InstanceRecord& record, const std::string& why) {
    return fail(ErrorCode::Conflict,
                "cannot be asked: " + why,
                fmt::format("stop it inside, or cut the power: ctys kill {}", record.label));
}

} // namespace

Status check_owner_command(const std::vector<std::string>& words) {
    for (const auto& word : words) {
        for (auto next = next_placeholder(word, 0); next;
             next = next_placeholder(word, next->first + 1)) {
            const auto name = next->second;
            if (std::find(placeholders.begin(), placeholders.end(), name) != placeholders.end())
                continue;
            return fail(ErrorCode::Usage,
                        fmt::format("there is no placeholder {{{}}}; there are: {{{}}}",
                                    name,
                                    fmt::join(placeholders, "} {")));
        }
    }
    return {};
}

Result<OwnerCall> owner_call(const OwnerCommands& commands,
                             const InstanceRecord& record,
                             const qemu::OwnerHandle& handle,
                             Duration wait) {
    const auto setting = fmt::format("[owner.{}] shutdown", to_string(record.owner));
    const auto found = commands.find(record.owner);
    if (found == commands.end() || found->second.words.empty()) {
        const auto origin = found == commands.end() ? "default" : found->second.origin;
        return not_asked(record,
                         fmt::format("{} of agent.toml names no command ({})", setting, origin));
    }
    const auto& [words, origin, is_there] = found->second;
    if (!is_there) {
        return not_asked(
            record,
            fmt::format(
                "{}, which {} names ({}), is not on this worker", words.front(), setting, origin));
    }
    OwnerCall call{
        .argv = {}, .pidfile = handle.pidfile, .as_user = handle.connection == "qemu:///session"};
    for (auto word : words) {
        for (auto next = next_placeholder(word, 0); next;) {
            const auto [at, name] = *next;
            const auto value = value_of(name, record, handle, wait);
            if (value.empty()) {
                return not_asked(
                    record,
                    fmt::format("its QEMU does not tell the {{{}}} that {} needs", name, setting));
            }
            word.replace(at, name.size() + 2, value);
            next = next_placeholder(word, at + value.size());
        }
        call.argv.push_back(std::move(word));
    }
    return call;
}

std::string_view program_of(const OwnerCall& call) {
    const std::string_view program = call.argv.front();
    return program.substr(program.rfind('/') + 1);
}

} // namespace ctys::agent
