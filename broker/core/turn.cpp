#include "broker/core/turn.h"

#include "schema/codec.h"

#include <algorithm>

namespace ctys::broker {

void Turn::put(Record record) {
    write(Put{std::make_shared<const Record>(std::move(record))});
}

void Turn::erase(const Write& erasure) {
    write(erasure);
}

void Turn::write(Write write) {
    inventory_.apply(write, batch_);
    writes_.push_back(std::move(write));
}

Cursor Turn::record(Event event) {
    if (event.time.is_none()) event.time = now_.wall;
    auto bytes = schema::encode_event(event);
    return record(event, std::move(bytes));
}

Cursor Turn::record(const Event& event, SharedBytes bytes) {
    ++head_.sequence;
    if (event.kind == EventKind::Stopped || event.kind == EventKind::Gone)
        ended_.push_back(event.vm);
    // DESIGN: Journal: recorded time never goes back, whatever the clock does.
    last_recorded_ = std::max(now_.wall, last_recorded_);
    write(Append{.sequence = head_.sequence,
                 .recorded = last_recorded_,
                 .bytes = std::move(bytes),
                 .topic = topic_of(event)});
    return head_;
}

void Turn::send(const PeerId& peer, std::uint64_t correlation, Body body) {
    effects_.push_back(Send{peer, Envelope{.correlation = correlation, .body = std::move(body)}});
}

void Turn::release(const PeerId& peer, std::uint64_t correlation, Body body) {
    release_.push_back(Send{peer, Envelope{.correlation = correlation, .body = std::move(body)}});
}

void Turn::log(LogLevel level, std::string text) {
    effects_.push_back(Log{level, std::move(text)});
}

void Turn::again() {
    effects_.emplace_back(std::in_place_type<Again>);
}

void Turn::begin_epoch(std::uint64_t older, std::string reason) {
    effects_.push_back(BeginEpoch{older, std::move(reason)});
}

Effects Turn::finish() {
    // Also without writes of its own: what is released here may rest on a batch that is not durable
    // yet.
    if (!writes_.empty() || !release_.empty()) {
        effects_.push_back(
            Commit{.batch = batch_, .writes = std::move(writes_), .release = std::move(release_)});
    }
    return std::move(effects_);
}

} // namespace ctys::broker
