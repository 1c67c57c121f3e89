#pragma once

#include "broker/core/age_limit.h"
#include "broker/core/core.h"
#include "broker/shell/feed.h"
#include "broker/shell/principals.h"
#include "broker/storage/broker_store.h"
#include "mesh/bus/socket.h"
#include "mesh/loop/timer.h"
#include "mesh/loop/worker_thread.h"
#include "mesh/setup/log.h"

#include <memory>

namespace ctys::broker {

struct Retention {
    std::uint64_t bytes = 0; ///< of the store; 0: no limit
    Duration age{};          ///< 0: no limit
};

/// Performs what the core decides: sockets, the writer thread, time. Holds no rule of its own.
///
/// Happy path: a frame becomes an input; its writes go to the writer thread, which commits what
/// queued up as one transaction; then acknowledgements, feed and watches go out. Failure modes: a
/// commit fails -> the core is thrown away and made anew from the store, degraded; every second one
/// empty commit is tried, and a success makes another core that is not. A peer that is gone when
/// written to is told to the core. A frame that cannot be decoded is answered.
class Server {
public:
    Server(loop::EventLoop& loop,
           bus::Context& context,
           setup::Logger& log,
           BrokerStore& store,
           Principals& principals,
           bus::SocketOptions mesh_options,
           bus::SocketOptions feed_options,
           Retention retention);

    [[nodiscard]] Status bind_mesh(const bus::Endpoint& endpoint) { return mesh_.bind(endpoint); }
    [[nodiscard]] Status bind_feed(const bus::Endpoint& endpoint) { return feed_.bind(endpoint); }
    [[nodiscard]] bus::Endpoint mesh_endpoint() const { return mesh_.last_endpoint(); }
    void start();
    /// Finishes what is being committed.
    void stop();

private:
    struct Job {
        Commit commit;
        std::uint64_t trim_before = 0; ///< not 0: only trim
        bool is_probe = false;         ///< whether recording works again
        bool head_only = false;
        Cursor head;
        bool begins_epoch = false;
        std::uint64_t older_epoch = 0;
        WallTime now;           ///< with begins_epoch
        std::uint64_t core = 0; ///< generation of the core that decided it
    };
    struct Outcome {
        Commit commit;
        Status status;
        std::uint64_t core = 0;
        bool is_batch = false;
        bool is_probe = false;
        std::uint64_t epoch = 0; ///< a new one has begun
    };

    void make_core(std::string degraded);
    void on_message(bus::Message& message);
    void step(Input input);
    void perform(Effects effects);
    void send(const Send& send);
    void on_outcomes(std::vector<Outcome> outcomes);
    void tell_status();
    [[nodiscard]] bool is_disk_full() const;
    void on_second();
    void retain();
    void submit(Job job);
    /// `broken`: generation of a core of which a write failed; none of its later ones is written.
    static std::vector<Outcome>
    work(BrokerStore& store, std::vector<Job> jobs, std::uint64_t& broken);

    loop::EventLoop& loop_;
    setup::Logger& log_;
    BrokerStore& store_;
    Principals& principals_;
    Retention retention_;
    bus::Socket mesh_;
    Feed feed_;
    loop::Timer second_;
    std::unique_ptr<BrokerCore> core_;
    std::uint64_t generation_ = 0;
    std::string degraded_;
    std::vector<std::string> set_aside_; ///< to be recorded by the next core that can
    WallTime started_;
    Cursor remembered_;
    AgeLimit age_limit_;
    std::uint64_t most_records_ = 0; ///< of the journal, once the store has its full size
    bool again_ = false;
    std::vector<PeerId> gone_;
    int stepping_ = 0;
    loop::WorkerThread<Job, Outcome> writer_; ///< last: ends first
};

} // namespace ctys::broker
