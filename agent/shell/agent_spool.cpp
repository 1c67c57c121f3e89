// What Agent does with its spool: units are written by another thread in groups, and what rests on
// a unit is done when it is durable.
//
// Failure modes: a group cannot be written, or the queue is full -> its units and all behind them
// are kept in order, within a bound, and tried again each second.

#include "agent/shell/agent.h"

namespace ctys::agent {

void Agent::submit(SpoolJob job) {
    // Two flushes less for each acknowledgement: what it lets go of goes with the next unit.
    if (!job.units.empty()) job.trim = std::exchange(trim_, std::nullopt);
    // A full queue is a disk that does not keep up: units wait elsewhere, in a bound of their own.
    // The other jobs are not missed: a scan finds a path again, an acknowledgement trims again.
    const auto number = job.number;
    auto unit = job.units.empty() ? std::nullopt : std::optional{job.units.front()};
    auto queued = writer_.submit(std::move(job));
    if (!queued && unit) put_off(number, std::move(*unit));
    if (!queued && !unit) log_.warning("the spool's queue: {}", queued.error().message);
}

void Agent::trim(const TrimSpool& trim) {
    trim_ = trim;
    if (trimming_.is_active()) return;
    trimming_.start_once(std::chrono::seconds{1}, [this] {
        if (trim_) submit(SpoolJob{.number = 0, .trim = std::exchange(trim_, std::nullopt)});
    });
}

void Agent::put_off(std::uint64_t number, Spool unit) {
    const auto dropped = unwritten_.dropped_events();
    unwritten_.put(number, std::move(unit));
    if (dropped == 0 && unwritten_.dropped_events() > 0)
        log_.error("the spool cannot be written for too long: events are let go");
    if (retry_.is_active()) return;
    retry_.start_once(std::chrono::seconds{1}, [this] { write_again(); });
}

void Agent::write_again() {
    // What the writer still has in its queue is newer than what failed: it must come back first, to
    // be put off as well.
    if (writer_.pending() > 0)
        return retry_.start_once(std::chrono::milliseconds{100}, [this] { write_again(); });
    is_failing_ = false;
    for (auto& [waiting, again] : unwritten_.take()) {
        SpoolJob job{.number = waiting};
        job.units.push_back(std::move(again));
        submit(std::move(job));
    }
}

std::vector<Agent::SpoolOutcome> Agent::work(SpoolStore& spool, std::vector<SpoolJob> jobs) {
    std::vector<Spool> units;
    std::optional<TrimSpool> trim;
    for (const auto& job : jobs) {
        units.insert(units.end(), job.units.begin(), job.units.end());
        if (job.trim) trim = job.trim;
    }
    const auto written = units.empty() && !trim ? Status{} : spool.commit(units, trim);
    std::vector<SpoolOutcome> outcomes;
    for (auto& job : jobs) {
        auto status = job.units.empty() && !job.trim ? Status{} : written;
        if (!job.paths.empty() || !job.lost_paths.empty())
            status = spool.keep_paths(job.paths, job.lost_paths);
        outcomes.push_back({std::move(job), std::move(status)});
    }
    return outcomes;
}

void Agent::on_spooled(std::vector<SpoolOutcome> outcomes) {
    std::uint64_t last = 0;
    std::string failure;
    std::vector<Deed> deeds;
    for (auto& outcome : outcomes) {
        if (outcome.job.units.empty()) {
            if (!outcome.status) log_.warning("{}", outcome.status.error().message);
            continue;
        }
        if (!outcome.status || is_failing_) {
            // What was written behind a unit that was not is written again, after that one.
            if (!outcome.status) failure = outcome.status.error().message;
            is_failing_ = true;
            put_off(outcome.job.number, std::move(outcome.job.units.front()));
            continue;
        }
        auto& unit = outcome.job.units.front();
        std::move(unit.then.begin(), unit.then.end(), std::back_inserter(deeds));
        last = unit.last_sequence;
    }
    if (!failure.empty()) step(SpoolFailed{failure});
    // The news goes first: removing the folder of a VM takes longer than telling that it ended.
    if (last != 0) step(Spooled{last});
    for (auto& deed : deeds) {
        perform(deed);
    }
}

} // namespace ctys::agent
