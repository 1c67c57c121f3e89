// How Agent ends: with the VMs of its machine, or without touching them.

#include "agent/shell/agent.h"

namespace ctys::agent {

namespace {

constexpr Duration look = std::chrono::milliseconds{50}; // between two looks at the uplink

} // namespace

void Agent::stop_guests(StopAsked asked) {
    if (begun_) {
        look_for_owners();
        return step(std::move(asked));
    }
    log_.info("it is not known yet what runs here; then it is stopped");
    if (!stop_asked_) stop_asked_ = std::move(asked);
}

void Agent::drain(Duration patience, std::function<void()> then) {
    if (patience <= Duration{} || !core_->online() || core_->is_drained()) {
        step(Leaving{});
        return then();
    }
    draining_.start_once(look, [this, patience, then = std::move(then)] {
        loop_.defer([this, patience, then] { drain(patience - look, then); });
    });
}

void Agent::stop() {
    writer_.stop(); // what becomes durable now may still ask for things
    scanner_.reset();
    discovery_.reset();
}

} // namespace ctys::agent
