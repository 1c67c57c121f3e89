#include "tools/output/vm_detail.h"

#include "mesh/core/text.h"
#include "tools/output/block.h"
#include "tools/output/event_line.h"
#include "tools/output/vm_rows.h"
#include "tools/output/vm_settings.h"

#include <algorithm>

namespace ctys::tools {

namespace {

std::string headline(const VmDetail& detail, const View& view) {
    const auto& row = detail.row;
    auto text = fmt::format("{}   {}", row.label, to_string(row.state));
    if (!row.worker_name.empty()) text += " on " + row.worker_name;
    if (is_live(row) && !row.started.is_none())
        text += " for " + to_short_text(view.now - row.started);
    if (!row.accelerator.empty()) text += ", " + row.accelerator;
    if (!row.worker_name.empty()) text += fmt::format(", seen {} ago", to_short_text(row.age));
    if (!row.reason.empty() && row.reason != to_string(row.state))
        text += fmt::format(" ({})", row.reason);
    if (row.conflict) text += ", CONFLICT: runs more than once";
    return text;
}

void identity(Blocks& blocks, const VmDetail& detail) {
    const auto& vm = detail.vm;
    std::vector<std::string> parts{"label " + detail.row.label};
    for (const auto& mac : vm.macs)
        parts.push_back("mac " + mac);
    for (const auto& ip : vm.ips)
        parts.push_back("ip " + ip);
    blocks.line("identity", fmt::format("{}", fmt::join(parts, "   ")));
    if (vm.uuid_derived) blocks.line("identity", "UUID derived: the configuration has none");
    if (!vm.copy_of.is_none()) {
        blocks.line("identity",
                    fmt::format("copy of u:{}: starts only after a decision (VMSTATE BACKUP, or "
                                "a new UUID)",
                                vm.copy_of));
    }
}

std::string path_remark(const VmDetail& detail, const PathRecord& path) {
    const auto runs_here = [&](const InstanceRecord& instance) {
        return instance.worker == path.worker && is_live(instance.state) &&
               (instance.config.empty() || instance.config == path.config);
    };
    std::vector<std::string> parts;
    if (std::any_of(detail.instances.begin(), detail.instances.end(), runs_here))
        parts.emplace_back("runs here");
    if (!path.health_reason.empty()) parts.push_back(path.health_reason);
    if (!path.runnable)
        parts.push_back(
            fmt::format("cannot start here{}{}", path.why_not.empty() ? "" : ": ", path.why_not));
    const auto differs = [&](const PathRecord& other) {
        return other.config_digest != path.config_digest;
    };
    if (std::any_of(detail.paths.begin(), detail.paths.end(), differs))
        parts.emplace_back("configurations differ");
    if (!path.vmstate.empty() && path.vmstate != "ACTIVE")
        parts.push_back("VMSTATE " + path.vmstate);
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::string path_worker(const VmDetail& detail, std::size_t index) {
    if (index >= detail.path_workers.size()) return detail.paths[index].worker.to_string();
    auto name = detail.path_workers[index];
    if (index < detail.path_worker_states.size() &&
        detail.path_worker_states[index] != WorkerState::Alive) {
        name += fmt::format(" ({})", to_string(detail.path_worker_states[index]));
    }
    return name;
}

void paths(Blocks& blocks, const VmDetail& detail) {
    std::size_t worker_width = 0;
    std::size_t config_width = 0;
    for (std::size_t i = 0; i < detail.paths.size(); ++i) {
        worker_width = std::max(worker_width, path_worker(detail, i).size());
        config_width = std::max(config_width, detail.paths[i].config.size());
    }
    for (std::size_t i = 0; i < detail.paths.size(); ++i) {
        const auto& path = detail.paths[i];
        blocks.line("paths",
                    fmt::format("{:<{}}  {:<8}  {:<{}}  {}",
                                path_worker(detail, i),
                                worker_width,
                                to_string(path.health),
                                path.config,
                                config_width,
                                path_remark(detail, path)));
    }
}

/// How a shutdown reaches it. The note says by which program of its owner, or why not.
std::string asking_text(const InstanceRecord& instance) {
    if (instance.state == VmState::Paused && !is_of_another_manager(instance.owner))
        return "paused: hears no power button until it is resumed";
    if (instance.can_ask) {
        if (!is_of_another_manager(instance.owner))
            return instance.guest_agent
                       ? "asked to end by its guest agent, else by its power button"
                       : "asked to end by its power button";
        return fmt::format("asked to end by its owner: {} (agent.toml, [owner.{}] shutdown)",
                           instance.note,
                           to_string(instance.owner));
    }
    return instance.note.empty() ? "cannot be asked now: its monitor is not connected"
                                 : instance.note;
}

void now_block(Blocks& blocks, const InstanceRecord& instance, std::string_view title) {
    std::vector<std::string> parts;
    if (instance.key.pid != 0) parts.push_back(fmt::format("pid {}", instance.key.pid));
    if (!instance.user.empty()) parts.push_back("user " + instance.user);
    if (!instance.version.empty()) parts.push_back("qemu " + instance.version);
    if (!instance.machine.empty()) parts.push_back("machine " + instance.machine);
    if (instance.owner != Owner::Unknown)
        parts.push_back(fmt::format("owner {}", to_string(instance.owner)));
    blocks.line(title, fmt::format("{}", fmt::join(parts, ", ")));
    if (!instance.display.empty()) {
        const auto port =
            instance.cport != 0 ? fmt::format(" ({})", instance.cport) : std::string{};
        blocks.line(title, fmt::format("vnc {}{}", instance.display, port));
    }
    if (!instance.console.empty()) blocks.line(title, "console " + instance.console);
    if (!instance.image.empty()) blocks.line(title, "image " + instance.image);
    for (const auto& drive : instance.drives) {
        blocks.line(title,
                    fmt::format("drive {}{}{}  {}",
                                drive.name,
                                drive.is_open ? ", open" : "",
                                drive.is_locked ? ", locked by its guest" : "",
                                drive.image.empty() ? "empty" : drive.image));
    }
    if (!instance.snapshots.empty()) {
        blocks.line(title,
                    fmt::format("{} snapshot{}, the last is {}",
                                instance.snapshots.size(),
                                instance.snapshots.size() == 1 ? "" : "s",
                                instance.snapshots.back().name));
    }
    blocks.line(title, asking_text(instance));
    if (instance.can_ask && !instance.note.empty() && instance.owner == Owner::Ctys)
        blocks.line(title, instance.note);
}

std::string ending_text(const InstanceRecord& instance, const View& view) {
    const auto& ending = *instance.ended;
    auto text = fmt::format(
        "{} stopped by {}", clock_text(ending.at, Grain::Second, view), to_string(ending.by));
    if (!ending.detail.empty()) text += ": " + ending.detail;
    if (ending.evidence != Evidence::None) text += fmt::format(" ({})", to_string(ending.evidence));
    return text;
}

std::string_view default_word(std::string_view key) {
    if (key == "ONSTOP") return to_string(OnStop::Shutdown);
    return key == "ONBOOT" ? to_string(OnBoot::No) : std::string_view{};
}

/// "tst253.ctys:31" where the configuration says so; "default" where its word is not taken.
std::string policy_origin(const VmDetail& detail, std::string_view key, bool is_default) {
    const auto found = std::find_if(detail.vm.settings.begin(),
                                    detail.vm.settings.end(),
                                    [&](const Setting& s) { return s.key == key; });
    if (found == detail.vm.settings.end()) return "default";
    const auto& config = detail.paths.front().config;
    const auto file = found->file.empty() ? config.substr(config.rfind('/') + 1) : found->file;
    const auto origin =
        found->line == 0 ? place_text(*found) : fmt::format("{}:{}", file, found->line);
    // A bad value is among the remarks; here it shows that it is not the one in force.
    const bool is_taken = !is_default || to_lower(trim(found->value)) == default_word(key);
    return is_taken ? origin : fmt::format("default, not \"{}\" of {}", found->value, origin);
}

void policy(Blocks& blocks, const VmDetail& detail) {
    const auto& vm = detail.vm;
    const auto grace = vm.grace ? fmt::format("grace {} ({})",
                                              to_short_text(*vm.grace),
                                              policy_origin(detail, "GRACE", false))
                                : fmt::format("grace none: shutdown waits and cuts nothing ({})",
                                              policy_origin(detail, "GRACE", true));
    blocks.line("policy",
                fmt::format("{}   on host stop: {} ({})   on boot: {} ({})",
                            grace,
                            to_string(vm.on_stop),
                            policy_origin(detail, "ONSTOP", vm.on_stop == OnStop::Shutdown),
                            to_string(vm.on_boot),
                            policy_origin(detail, "ONBOOT", vm.on_boot == OnBoot::No)));
    if (vm.start_after.empty()) return;
    blocks.line("policy",
                fmt::format("on boot after: {} ({})",
                            fmt::join(vm.start_after, ", "),
                            policy_origin(detail, "STARTAFTER", false)));
}

void lease(Blocks& blocks, const VmDetail& detail) {
    if (!detail.lease) {
        if (!detail.paths.empty()) blocks.line("lease", "nobody holds it");
        return;
    }
    blocks.line(
        "lease",
        fmt::format("{} {}, token {}",
                    detail.lease->phase == Lease::Phase::Running ? "held by" : "reserved for",
                    detail.lease_worker,
                    detail.lease->token));
}

void chosen_settings(Blocks& blocks, const VmDetail& detail) {
    const auto lines = setting_lines(detail);
    std::size_t name_width = 0;
    std::size_t value_width = 0;
    for (const auto& line : lines) {
        name_width = std::max(name_width, line.name.size());
        value_width = std::max(value_width, line.value.size());
    }
    for (const auto& line : lines) {
        blocks.line(
            "settings",
            fmt::format(
                "{:<{}}  {:<{}}  {}", line.name, name_width, line.value, value_width, line.origin));
    }
}

void disks(Blocks& blocks, const VmDetail& detail) {
    for (const auto& disk : disk_lines(detail))
        blocks.line("disks", fmt::format("{}  {} ({})", disk.file, disk.key, disk.note));
}

void stack(Blocks& blocks, const VmDetail& detail, const VmSurroundings& surroundings) {
    if (detail.row.worker_name.empty() && surroundings.carries.empty()) return;
    blocks.line(
        "stack",
        fmt::format("{}; carries {}",
                    surroundings.carriers.empty()
                        ? std::string{"runs nowhere"}
                        : fmt::format("carried by {}", fmt::join(surroundings.carriers, " > ")),
                    surroundings.carries.empty()
                        ? std::string{"nothing"}
                        : fmt::format("{}", fmt::join(surroundings.carries, ", "))));
}

void events(Blocks& blocks, const VmSurroundings& surroundings, const View& view) {
    for (const auto& recorded : surroundings.events) {
        const auto why = why_text(recorded.event);
        blocks.line("events",
                    fmt::format("{}  {}{}{}",
                                clock_text(recorded.event.time, Grain::Second, view),
                                what_text(recorded.event),
                                why.empty() ? "" : "  ",
                                why));
    }
}

void every_key(Blocks& blocks, const VmDetail& detail) {
    for (const auto& setting : detail.vm.settings) {
        blocks.line("keys",
                    fmt::format("{} = {}   ({})", setting.key, setting.value, place_text(setting)));
    }
}

std::string next_commands(const VmDetail& detail) {
    const auto& row = detail.row;
    const auto name = row.label.empty() ? "u:" + row.vm.to_string() : row.label;
    if (row.state == VmState::Paused)
        return fmt::format("ctys resume {}      ctys events --filter vm={}", name, name);
    if (is_suspended_to_disk(row))
        return fmt::format("ctys resume {}      ctys start {} --discard-state", name, name);
    if (is_live(row) && !row.console.empty())
        return fmt::format("ctys console {}      ctys shutdown {}", name, name);
    if (is_live(row))
        return fmt::format("ctys shutdown {}      ctys events --filter vm={}", name, name);
    if (detail.paths.empty())
        return fmt::format("ctys list --all      ctys events --since 1h --filter vm={}", name);
    return fmt::format("ctys start {}      ctys events --since 1h --filter vm={}", name, name);
}

} // namespace

void render_detail(fmt::memory_buffer& out,
                   const VmDetail& detail,
                   const VmSurroundings& surroundings,
                   bool every_setting,
                   const View& view) {
    Blocks blocks(out, view);
    blocks.headline(headline(detail, view), "u:" + detail.row.vm.to_string());
    identity(blocks, detail);
    paths(blocks, detail);
    for (const auto& instance : detail.instances) {
        if (is_live(instance.state)) {
            now_block(blocks, instance, "now");
        } else if (instance.ended) {
            blocks.line("last", ending_text(instance, view));
        }
    }
    if (!detail.row.note.empty()) blocks.line("note", detail.row.note);
    chosen_settings(blocks, detail);
    disks(blocks, detail);
    stack(blocks, detail, surroundings);
    lease(blocks, detail);
    if (!detail.paths.empty()) policy(blocks, detail);
    for (const auto& remark : detail.vm.remarks)
        blocks.line("remarks", remark);
    if (every_setting) every_key(blocks, detail);
    events(blocks, surroundings, view);
    blocks.line("next", next_commands(detail));
}

} // namespace ctys::tools
