#include "mesh/core/vm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ctys {

std::string_view to_string(VmState state) {
    switch (state) {
    case VmState::Unknown:
        return "unknown";
    case VmState::Stopped:
        return "stopped";
    case VmState::Starting:
        return "starting";
    case VmState::Running:
        return "running";
    case VmState::Paused:
        return "paused";
    case VmState::Frozen:
        return "frozen";
    case VmState::Suspended:
        return "suspended";
    case VmState::Stopping:
        return "stopping";
    case VmState::Gone:
        return "gone";
    }
    return "unknown";
}

std::optional<VmState> vm_state_from_text(std::string_view text) {
    for (std::uint16_t value = 0; value <= static_cast<std::uint16_t>(VmState::Gone); ++value) {
        const auto state = static_cast<VmState>(value);
        if (to_string(state) == text) return state;
    }
    return std::nullopt;
}

std::vector<std::string_view> vm_state_words() {
    std::vector<std::string_view> words;
    for (std::uint16_t value = 0; value <= static_cast<std::uint16_t>(VmState::Gone); ++value)
        words.push_back(to_string(static_cast<VmState>(value)));
    return words;
}

bool keeps_saved_state(const InstanceRecord& instance) {
    return instance.reason == reason::saved || instance.reason == reason::resuming;
}

bool is_suspended_to_disk(const InstanceRecord& instance) {
    return instance.ended.has_value() && instance.reason == reason::suspended;
}

bool is_live(VmState state) {
    switch (state) {
    case VmState::Starting:
    case VmState::Running:
    case VmState::Paused:
    case VmState::Frozen:
    case VmState::Suspended:
    case VmState::Stopping:
        return true;
    case VmState::Unknown:
    case VmState::Stopped:
    case VmState::Gone:
        return false;
    }
    return false;
}

std::string_view to_string(OnStop what) {
    switch (what) {
    case OnStop::Shutdown:
        return "shutdown";
    case OnStop::Suspend:
        return "suspend";
    case OnStop::Leave:
        return "leave";
    case OnStop::Kill:
        return "kill";
    }
    return "shutdown";
}

std::optional<OnStop> on_stop_from_text(std::string_view text) {
    for (const auto what : {OnStop::Shutdown, OnStop::Suspend, OnStop::Leave, OnStop::Kill}) {
        if (to_string(what) == text) return what;
    }
    return std::nullopt;
}

std::string_view to_string(OnBoot what) {
    switch (what) {
    case OnBoot::No:
        return "no";
    case OnBoot::Start:
        return "start";
    case OnBoot::LikeBefore:
        return "like-before";
    }
    return "no";
}

std::optional<OnBoot> on_boot_from_text(std::string_view text) {
    for (const auto what : {OnBoot::No, OnBoot::Start, OnBoot::LikeBefore}) {
        if (to_string(what) == text) return what;
    }
    return std::nullopt;
}

std::string_view find_setting(const std::vector<Setting>& settings, std::string_view key) {
    const auto found = std::find_if(settings.begin(), settings.end(), [&](const Setting& setting) {
        return setting.key == key;
    });
    return found == settings.end() ? std::string_view{} : std::string_view{found->value};
}

std::string place_text(const Setting& setting) {
    if (setting.line == 0) return "derived";
    return fmt::format("{}{}line {}", setting.file, setting.file.empty() ? "" : ", ", setting.line);
}

std::string_view to_string(PathHealth health) {
    switch (health) {
    case PathHealth::Good:
        return "good";
    case PathHealth::Stale:
        return "stale";
    case PathHealth::Stalled:
        return "stalled";
    case PathHealth::Vanished:
        return "vanished";
    case PathHealth::Unproven:
        return "unproven";
    case PathHealth::Ignored:
        return "ignored";
    case PathHealth::Unreadable:
        return "unreadable";
    }
    return "unknown";
}

std::string_view to_string(Owner owner) {
    switch (owner) {
    case Owner::Unknown:
        return "-";
    case Owner::Ctys:
        return "ctys";
    case Owner::ByHand:
        return "by hand";
    case Owner::Libvirt:
        return "libvirt";
    case Owner::Proxmox:
        return "proxmox";
    case Owner::Incus:
        return "incus";
    }
    return "-";
}

std::string_view to_string(EndedBy by) {
    switch (by) {
    case EndedBy::Unknown:
        return "unknown";
    case EndedBy::Guest:
        return "guest";
    case EndedBy::Host:
        return "host";
    case EndedBy::Signal:
        return "signal";
    case EndedBy::Crash:
        return "crash";
    case EndedBy::Oom:
        return "oom";
    }
    return "unknown";
}

std::string_view to_string(Evidence evidence) {
    switch (evidence) {
    case Evidence::None:
        return "none";
    case Evidence::Qmp:
        return "qmp";
    case Evidence::Trace:
        return "trace";
    case Evidence::Stderr:
        return "stderr";
    case Evidence::ExitStatus:
        return "exit-status";
    case Evidence::Cgroup:
        return "cgroup";
    case Evidence::ProcConnector:
        return "proc-connector";
    }
    return "none";
}

} // namespace ctys
