#include "tools/verbs/checks.h"

#include "mesh/core/text.h"
#include "mesh/setup/emulator_folders.h"
#include "mesh/setup/process.h"
#include "tools/output/vm_rows.h"
#include "tools/output/worker_rows.h"
#include "tools/verbs/configuration_checks.h"
#include "tools/verbs/single_machine.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::tools {

namespace {

using Verdict = Finding::Verdict;

// An agent watches each VM directory and each instance; a broker may have as many connections.
constexpr std::uint64_t enough_watches = 65536;
constexpr std::uint64_t enough_files = 65536;
constexpr std::size_t most_named = 5;

/// `others`: what everybody may do there without harm, in permission bits.
Finding check_directory(const std::string& what, const std::string& path, mode_t others) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) {
        return {Verdict::Warn,
                what,
                fmt::format("{}: {}", path, std::strerror(errno)),
                "ctys up makes it"};
    }
    if (!S_ISDIR(facts.st_mode))
        return {Verdict::Fail, what, path + " is no directory", "rm " + path};
    if (facts.st_uid != ::geteuid()) {
        return {Verdict::Fail,
                what,
                fmt::format("{} belongs to uid {}, not to this user", path, facts.st_uid),
                "--state-dir and --runtime-dir name others"};
    }
    if ((facts.st_mode & 07 & ~others) != 0)
        return {Verdict::Fail, what, path + " is open to everybody", "chmod o= " + path};
    return {Verdict::Ok, what, path, {}};
}

std::vector<Finding> check_roles(const setup::Directories& directories) {
    std::vector<Finding> out;
    const auto roles = running_roles(directories);
    for (const auto* kind : {"broker", "agent"}) {
        bool found = false;
        for (const auto& role : roles) {
            if (!role.role.starts_with(kind)) continue;
            found = true;
            out.push_back({Verdict::Ok, role.role, fmt::format("runs (pid {})", role.pid), {}});
        }
        if (!found) {
            out.push_back({Verdict::Warn,
                           kind,
                           "none of this user runs below " + directories.runtime,
                           "ctys up"});
        }
    }
    return out;
}

Finding check_broker(Session& session) {
    auto status = session.rows_of<StatusRow>({.table = Table::Broker});
    if (!status) return {Verdict::Fail, "reach", status.error().message, status.error().try_next};
    if (status->empty()) return {Verdict::Fail, "reach", "the broker told nothing", {}};
    const auto& row = status->front();
    if (!row.degraded.empty())
        return {Verdict::Fail, "reach", "the broker is degraded: " + row.degraded, {}};
    return {Verdict::Ok,
            "reach",
            fmt::format("the broker answers: {} VMs, {} of {} workers alive",
                        row.vms,
                        row.workers_alive,
                        row.workers),
            {}};
}

std::vector<Finding> check_workers(Session& session) {
    auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers});
    if (!workers) return {};
    std::vector<Finding> out;
    if (workers->empty())
        out.push_back({Verdict::Warn, "workers", "no agent has ever reported", "ctys up"});
    for (const auto& worker : *workers) {
        if (worker.state != WorkerState::Alive) {
            out.push_back({Verdict::Warn,
                           "workers",
                           worker_trouble(worker),
                           "ctys worker show " + worker.name});
        }
        if (worker.host_stops)
            out.push_back({Verdict::Warn, "workers", host_stop_text(worker), "ctys events"});
        if (!worker.rival.empty()) {
            out.push_back({Verdict::Warn,
                           "workers",
                           fmt::format("{}: {}", worker.name, worker.rival),
                           "give one of them another --name, or end it"});
        }
        for (const auto& pool : worker.pools) {
            if (pool.health == PoolHealth::Good && pool.reason.empty()) continue;
            out.push_back({Verdict::Warn,
                           "pools",
                           fmt::format("{}:{} is {}{}{}",
                                       worker.name,
                                       pool.root,
                                       to_string(pool.health),
                                       pool.reason.empty() ? "" : ": ",
                                       pool.reason),
                           {}});
        }
        for (const auto& spot : worker.blind_spots) {
            out.push_back({Verdict::Warn, "workers", worker.name + ": " + spot, {}});
        }
    }
    return out;
}

/// VMs of other managers that a shutdown does not reach, by what their worker says of them.
std::vector<Finding> check_owners(Session& session) {
    auto rows = session.rows_of<VmRow>({.table = Table::Vms});
    if (!rows) return {};
    struct Group {
        const VmRow* first = nullptr;
        std::size_t count = 0;
    };
    std::map<std::string, Group> groups;
    for (const auto& row : *rows) {
        const bool is_mute =
            is_of_another_manager(row.owner) && row.note.starts_with("cannot be asked");
        if (!is_mute || !is_live(row.state)) continue;
        auto& group = groups[row.worker_name + ": " + row.note];
        if (group.first == nullptr) group.first = &row;
        ++group.count;
    }
    std::vector<Finding> out;
    for (const auto& [said, group] : groups) {
        if (out.size() == most_named) break;
        const auto& row = *group.first;
        const auto more =
            group.count == 1 ? std::string{} : fmt::format(" and {} more", group.count - 1);
        const bool lacks_virsh =
            row.owner == Owner::Libvirt && row.note.starts_with("cannot be asked: virsh,");
        out.push_back({Verdict::Warn,
                       "owners",
                       fmt::format("{}{} ({}) on {}", row.label, more, to_string(row.owner), said),
                       lacks_virsh
                           ? fmt::format("apt install libvirt-clients   (on {})", row.worker_name)
                           : fmt::format("[owner.{}] shutdown in agent.toml of {}",
                                         to_string(row.owner),
                                         row.worker_name)});
    }
    return out;
}

// Whether KVM really runs a guest is the agent's probe; here only whether it may be opened.
Finding check_kvm() {
    if (::access("/dev/kvm", F_OK) != 0)
        return {Verdict::Warn, "kvm", "no /dev/kvm: VMs run by emulation (tcg), slowly", {}};
    if (::access("/dev/kvm", R_OK | W_OK) != 0) {
        return {Verdict::Warn,
                "kvm",
                "this user may not open /dev/kvm",
                "usermod -aG kvm $USER   (then log in anew)"};
    }
    return {Verdict::Ok, "kvm", "/dev/kvm may be opened; ctys workers says whether it works", {}};
}

Finding check_qemu() {
    std::vector<std::string> found;
    for (const auto& folder : setup::emulator_folders()) {
        std::error_code error;
        std::filesystem::directory_iterator entries(std::filesystem::path(folder), error);
        for (; !error && entries != std::filesystem::directory_iterator{};
             entries.increment(error)) {
            if (setup::is_emulator_name(entries->path().filename().string()))
                found.push_back(entries->path().string());
        }
    }
    if (found.empty()) {
        return {Verdict::Fail,
                "qemu",
                "no qemu-system-* in PATH, /opt/qemu*/bin and the usual folders",
                "apt install qemu-system-x86"};
    }
    const auto first = found.front();
    return {Verdict::Ok,
            "qemu",
            found.size() == 1
                ? first
                : fmt::format("{} and {} more; ctys-plugins -T QEMU -E asks them what they are",
                              first,
                              found.size() - 1),
            {}};
}

std::optional<std::uint64_t> number_in(const std::string& path) {
    std::ifstream file(path);
    std::uint64_t number = 0;
    if (file >> number) return number;
    return std::nullopt;
}

Finding check_inotify() {
    const auto watches = number_in("/proc/sys/fs/inotify/max_user_watches");
    if (!watches) return {Verdict::Warn, "inotify", "the limit cannot be read", {}};
    if (*watches < enough_watches) {
        return {Verdict::Warn,
                "inotify",
                fmt::format("at most {} directories can be watched", *watches),
                fmt::format("sysctl fs.inotify.max_user_watches={}", enough_watches)};
    }
    return {Verdict::Ok, "inotify", fmt::format("{} watches", *watches), {}};
}

Finding check_files() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return {Verdict::Warn, "files", "the limit cannot be read", {}};
    const std::uint64_t most = limit.rlim_max;
    if (most < enough_files) {
        return {Verdict::Warn,
                "files",
                fmt::format("at most {} open files", most),
                fmt::format("ulimit -Hn {}   (LimitNOFILE= under systemd)", enough_files)};
    }
    return {Verdict::Ok,
            "files",
            most == RLIM_INFINITY ? std::string{"no limit of open files"}
                                  : fmt::format("{} open files", most),
            {}};
}

Finding check_programs() {
    for (const auto* name : {"ctys-broker", "ctys-agent"}) {
        if (!setup::program_beside(name).starts_with('/'))
            return {Verdict::Warn, "programs", fmt::format("{} is not beside ctys", name), {}};
    }
    return {Verdict::Ok, "programs", "broker and agent are installed beside ctys", {}};
}

} // namespace

std::vector<Finding> examine(Session& session) {
    std::vector<Finding> out;
    const auto append = [&](std::vector<Finding> more) {
        out.insert(out.end(), more.begin(), more.end());
    };
    if (const auto directories = session.directories()) {
        out.push_back(check_directory("state", directories->state, 0));
        // VMs of other users lie below it: they pass through, and see nothing of it.
        out.push_back(check_directory("runtime", directories->runtime, S_IXOTH));
        append(check_roles(*directories));
    } else {
        out.push_back({Verdict::Fail,
                       "directories",
                       directories.error().message,
                       directories.error().try_next});
    }
    out.push_back(check_broker(session));
    if (out.back().verdict == Verdict::Ok) {
        append(check_workers(session));
        append(check_configurations(session));
        append(check_owners(session));
    }
    out.push_back(check_programs());
    out.push_back(check_kvm());
    out.push_back(check_qemu());
    out.push_back(check_inotify());
    out.push_back(check_files());
    return out;
}

} // namespace ctys::tools
