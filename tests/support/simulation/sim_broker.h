#pragma once

#include "tests/support/simulation/network.h"
#include "tests/support/simulation/promises.h"

#include <deque>
#include <memory>

namespace ctys::sim {

/// The one broker: a BrokerCore with what the shell would do for it. Its store survives a crash, as
/// far as the writer had come.
class SimBroker {
public:
    SimBroker(Ground& ground, Network& network, Promises& promises);

    void start();
    void crash();
    /// At the next commit of an action that a worker began: durable, and nobody is told.
    void crash_at_commit() { crashes_at_commit_ = true; }
    /// Commits fail until told otherwise; the broker is degraded meanwhile.
    void fail_commits(bool fails) { commits_fail_ = fails; }
    /// SIGSTOP and SIGCONT: what happens meanwhile reaches it in one burst, its timer once.
    void freeze() { frozen_ = core_ != nullptr, ++freezes_; }
    void thaw();
    [[nodiscard]] bool is_frozen() const { return frozen_; }
    [[nodiscard]] unsigned freezes() const { return freezes_; }
    /// Its wall clock is set, forward or back.
    void set_clock(Duration by) { wall_offset_ += by; }
    void set_commit_time(Duration least, Duration most) { least_ = least, most_ = most; }
    void trim(std::uint64_t before) { store_.trim(before); }
    [[nodiscard]] MapStore& store() { return store_; }
    [[nodiscard]] const MapStore& store() const { return store_; }
    [[nodiscard]] bool is_up() const { return core_ != nullptr; }
    [[nodiscard]] bool is_degraded() const { return !degraded_.empty(); }
    [[nodiscard]] const broker::BrokerCore* core() const { return core_.get(); }

    /// Who is behind a connection; everybody else is an agent of the machine.
    void introduce(const PeerId& peer, Principal principal) {
        principals_[peer] = std::move(principal);
    }
    /// The recorded events, told one by one as they become durable.
    std::function<void(const broker::Append&)> on_recorded;

private:
    void make_core(std::string degraded);
    void damage_plans(broker::Loaded& loaded) const;
    void later(Duration span, std::function<void()> deed);
    void act(std::function<void()> deed);
    [[nodiscard]] Now clock() const;
    void second();
    void receive(const PeerId& peer, Envelope envelope);
    void input(broker::Input input);
    void perform(broker::Effects effects);
    void send(const broker::Send& message);
    void write();
    void on_written(std::vector<broker::Commit> batches);
    void commit(broker::Commit& batch);
    [[nodiscard]] bool held_back(const Envelope& envelope) const;

    Ground& ground_;
    Network& network_;
    Promises& promises_;
    MapStore store_;
    Duration least_ = std::chrono::microseconds{200};
    Duration most_ = std::chrono::milliseconds{4};

    std::unique_ptr<broker::BrokerCore> core_;
    std::uint64_t life_ = 0;       ///< of the process
    std::uint64_t generation_ = 0; ///< of the core: a failed commit makes a new one
    std::string degraded_;
    bool commits_fail_ = false;
    bool crashes_at_commit_ = false;
    bool frozen_ = false;
    unsigned freezes_ = 0;
    Duration wall_offset_{};
    std::vector<std::function<void()>> held_; ///< while it is frozen
    bool again_ = false;
    bool writing_ = false;
    std::deque<broker::Commit> queue_;
    std::vector<PeerId> gone_;
    std::map<PeerId, Principal> principals_;
    Instant started_;
};

} // namespace ctys::sim
