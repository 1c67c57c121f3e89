#include "agent/core/state_job.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

namespace {

std::string instead_of(const KeepPurpose& purpose, const std::string& label) {
    return purpose.instead.empty() ? std::string{}
                                   : fmt::format("ctys {} {}", purpose.instead, label);
}

} // namespace

Result<std::vector<std::string>> nodes_that_keep(const std::vector<DiskFacts>& disks,
                                                 const std::string& label,
                                                 const KeepPurpose& purpose) {
    std::vector<std::string> nodes;
    for (const auto& disk : disks) {
        if (!disk.writable) continue;
        if (disk.temporary) {
            return fail(ErrorCode::Conflict,
                        fmt::format("cannot {}: its disk {} is written to a temporary "
                                    "file only (SNAPSHOT)",
                                    purpose.cannot,
                                    disk.name),
                        instead_of(purpose, label));
        }
        if (disk.format != "qcow2") {
            constexpr std::string_view mend =
                "when it is shut down: qemu-img convert -O qcow2, and IMAGEFORMAT=qcow2";
            return fail(ErrorCode::Conflict,
                        fmt::format("cannot {}: its disk {} ({}) is {}, and only qcow2 can {}",
                                    purpose.cannot,
                                    disk.name,
                                    disk.file,
                                    disk.format,
                                    purpose.keeps),
                        purpose.instead.empty()
                            ? std::string{mend}
                            : fmt::format("{}   (or, {})", instead_of(purpose, label), mend));
        }
        nodes.push_back(disk.node);
    }
    if (nodes.empty()) {
        return fail(ErrorCode::Conflict,
                    fmt::format("cannot {}: it has no qcow2 disk that could {}",
                                purpose.cannot,
                                purpose.keeps),
                    instead_of(purpose, label));
    }
    return nodes;
}

bool may_keep(const DiskFacts& disk) {
    return disk.writable && !disk.temporary && disk.format == "qcow2";
}

std::vector<std::string> nodes_that_may_keep(const std::vector<DiskFacts>& disks) {
    std::vector<std::string> nodes;
    for (const auto& disk : disks) {
        if (may_keep(disk)) nodes.push_back(disk.node);
    }
    return nodes;
}

void JobWatch::begin(
    Turn& turn, Control& control, const InstanceKey& key, Monitor command, StateJob job) {
    id_ = job.id;
    asks_ = false;
    number_ = control.command(turn, key, command, {}, std::move(job));
}

void JobWatch::ask(Turn& turn, Control& control, const InstanceKey& key) {
    asks_ = true;
    number_ = control.command(turn, key, Monitor::QueryJobs, {});
}

std::optional<JobWatch::End>
JobWatch::judge(Turn& turn, Control& control, const MonitorReply& reply) {
    End end{.error = reply.error};
    if (!asks_) {
        if (!end.error || end.error->code == ErrorCode::TimedOut) return std::nullopt;
    } else if (!end.error) {
        const auto job = std::find_if(
            reply.jobs.begin(), reply.jobs.end(), [&](const auto& each) { return each.id == id_; });
        if (job != reply.jobs.end() && !job->concluded) return std::nullopt;
        if (job == reply.jobs.end()) {
            end.is_unknown = true;
            end.error = Error{.code = ErrorCode::Failed, .message = "QEMU does not know its job"};
        } else {
            control.command(turn, reply.key, Monitor::DismissJob, {}, {.id = id_});
            if (!job->error.empty())
                end.error = Error{.code = ErrorCode::Failed, .message = "QEMU: " + job->error};
        }
    }
    forget();
    return end;
}

} // namespace ctys::agent
