#include "tests/support/simulation/sim_spool.h"

#include "mesh/core/digest.h"
#include "schema/codec.h"

namespace ctys::sim {

void SimSpool::write(const agent::Spool& unit) {
    for (const auto& event : unit.events) {
        last_sequence_ = event.sequence;
        hash_ = digest(view(event.bytes), event.hash_before);
        if (event.sequence <= trimmed_) continue;
        bytes_ += event.bytes->size();
        kept_.push_back(event);
    }
    for (const auto& intent : unit.begun) {
        intents_[intent.action] = schema::decode_intent(schema::encode(intent)).value();
    }
    for (const auto& action : unit.ended) {
        intents_.erase(action);
    }
}

void SimSpool::trim(const agent::TrimSpool& trim) {
    trimmed_ = std::max(trimmed_, trim.through);
    while (!kept_.empty() && kept_.front().sequence <= trim.through) {
        bytes_ -= kept_.front().bytes->size();
        kept_.pop_front();
    }
    acknowledged_ = std::max(acknowledged_, trim.cursor);
}

agent::Recovered SimSpool::recover() const {
    agent::Recovered recovered;
    recovered.stream = {.stream = stream_,
                        .kept = {kept_.begin(), kept_.end()},
                        .last_sequence = last_sequence_,
                        .hash = hash_,
                        .acknowledged = acknowledged_};
    for (const auto& [id, intent] : intents_) {
        recovered.intents.push_back(intent);
    }
    return recovered;
}

} // namespace ctys::sim
