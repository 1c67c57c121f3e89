#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace ctys::agent {

/// One numeric entry of the directory /proc. The kernel gives every process a new inode there, so
/// that a reused pid is noticed without opening anything.
struct ProcEntry {
    std::uint32_t pid = 0;
    std::uint64_t inode = 0;
};

/// What a look at a process showed.
enum class Sight {
    Other,    ///< runs another program; it may still exec QEMU
    Never,    ///< no program at all: a kernel thread, or it is dead
    Hidden,   ///< may be a QEMU, but we are not permitted to see
    Candidate ///< a QEMU: watched by its pidfd, not by polling
};

/// Decides which processes a poll looks at, so that a poll of a quiet machine costs one reading of
/// the directory and a bounded number of links. New processes are always looked at; those that run
/// another program are looked at again in rotation, since a wrapper becomes a QEMU by exec.
class PollPlan {
public:
    /// 256 links take about 0.4 ms; most machines have fewer programs running.
    static constexpr std::size_t default_budget = 256;

    explicit PollPlan(std::size_t budget = default_budget) : budget_(budget) {}

    /// Pids to look at in this poll; each needs a note(). Pids that are gone are forgotten.
    [[nodiscard]] std::vector<std::uint32_t> next(std::span<const ProcEntry> listing);
    void note(std::uint32_t pid, Sight sight);
    /// The next poll looks at every process that is no candidate.
    void forget_others();

    /// Processes that look like a QEMU and cannot be seen.
    [[nodiscard]] std::size_t hidden_count() const;

private:
    struct Seen {
        std::uint64_t inode = 0;
        std::uint64_t round = 0; ///< of the last listing that held it
        Sight sight = Sight::Other;
    };

    std::size_t budget_;
    std::uint64_t round_ = 0;
    std::uint32_t rotation_ = 0; ///< last pid that was looked at again
    std::unordered_map<std::uint32_t, Seen> seen_;
};

} // namespace ctys::agent
