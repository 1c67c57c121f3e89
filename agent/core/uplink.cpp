#include "agent/core/uplink.h"

#include "mesh/core/digest.h"
#include "schema/codec.h"

#include <algorithm>

namespace ctys::agent {

Uplink::Uplink(StreamStart start, std::size_t limit, std::function<std::vector<Event>()> facts)
    : stream_(start.stream), limit_(limit), last_sequence_(start.last_sequence), hash_(start.hash),
      spooled_(start.last_sequence), acknowledged_(start.last_sequence),
      cursor_(start.acknowledged), facts_(std::move(facts)) {
    for (auto& event : start.kept) {
        acknowledged_ = std::min(acknowledged_, event.sequence - 1);
        kept_bytes_ += event.bytes->size();
        kept_.push_back(std::move(event));
    }
}

void Uplink::hello(Turn& turn, std::uint64_t digest) {
    online_ = false;
    msg::AgentHello hello{.worker = turn.worker(),
                          .end = {.stream = stream_, .sequence = spooled_, .hash = 0},
                          .first_kept = kept_.empty() ? last_sequence_ + 1 : kept_.front().sequence,
                          .acknowledged = cursor_,
                          .inventory_digest = digest};
    hello.end.hash = hash_;
    for (const auto& event : kept_) {
        if (event.sequence == spooled_ + 1) hello.end.hash = event.hash_before;
    }
    turn.now_do(ToBroker{Envelope{.correlation = 1, .body = std::move(hello)}});
    turn.arm({.kind = TimerKind::Uplink}, turn.now().instant + retry_);
    retry_ = std::min(retry_ * 2, longest_retry);
}

void Uplink::start(Turn& turn, std::uint64_t digest) {
    facts_at_ = turn.now().instant + first_walk;
    hello(turn, digest);
}

void Uplink::on_facts_complete(Turn& turn) {
    facts_complete_ = true;
    send_more(turn);
}

void Uplink::on_timer(Turn& turn, std::uint64_t digest) {
    if (!online_) return hello(turn, digest);
    if (!facts_complete_ && turn.now().instant >= facts_at_) on_facts_complete(turn);
    const bool is_stalled = awaited_ > 0 && turn.now().instant - progress_ >= ack_patience;
    if (is_stalled || turn.now().instant - heard_ >= silence) {
        retry_ = first_retry;
        return hello(turn, digest);
    }
    // A sign of life: a broker that was restarted meanwhile answers "say hello again".
    turn.now_do(ToBroker{Envelope{.body = msg::Pong{}}});
    turn.arm({.kind = TimerKind::Uplink}, turn.now().instant + sign_of_life);
}

void Uplink::on_hello_again(Turn& turn, std::uint64_t digest) {
    // The broker says so for every message it got before the hello: one hello answers them all.
    if (!online_) return;
    retry_ = first_retry;
    hello(turn, digest);
}

void Uplink::on_welcome(Turn& turn, const msg::Welcome& welcome) {
    if (welcome.mark.stream != stream_) return; // of another life of this agent
    online_ = true;
    awaited_ = 0;
    retry_ = first_retry;
    heard_ = turn.now().instant;
    clock_ = {welcome.session, turn.now().instant};
    doubt_.reset(); // it answers a hello of ours
    acknowledged_ = std::min(std::max(acknowledged_, welcome.mark.sequence), last_sequence_);
    sent_ = std::min(welcome.mark.sequence, last_sequence_);
    if (!kept_.empty()) sent_ = std::max(sent_, kept_.front().sequence - 1);
    facts_due_ = welcome.full;
    turn.arm({.kind = TimerKind::Uplink}, turn.now().instant + sign_of_life);
    send_more(turn);
}

void Uplink::await_ack(const Turn& turn) {
    if (awaited_++ == 0) progress_ = turn.now().instant;
}

void Uplink::send_more(Turn& turn) {
    if (!online_) return;
    const auto limit = acknowledged_ + window_batches * batch_events;
    while (sent_ < spooled_ && sent_ < limit && !kept_.empty()) {
        if (sent_ + 1 < kept_.front().sequence) sent_ = kept_.front().sequence - 1;
        if (sent_ >= spooled_) break; // what was dropped reaches beyond what is durable
        auto index = static_cast<std::size_t>(sent_ + 1 - kept_.front().sequence);
        if (index >= kept_.size()) break;
        msg::Publish batch{
            .stream = stream_, .first = sent_ + 1, .hash_before = kept_[index].hash_before};
        std::size_t bytes = 0;
        while (index < kept_.size() && sent_ < spooled_ && batch.events.size() < batch_events &&
               bytes < batch_bytes) {
            bytes += kept_[index].bytes->size();
            batch.events.push_back(kept_[index].bytes);
            ++index;
            ++sent_;
        }
        turn.now_do(ToBroker{Envelope{.body = std::move(batch)}});
        await_ack(turn);
    }
    // Facts say how things stand now: they come after every event that led there, or they would
    // raise what has ended; and not before the pools were walked, or every path would vanish.
    if (facts_due_ && facts_complete_ && sent_ >= last_sequence_) send_facts(turn);
}

void Uplink::send_facts(Turn& turn) {
    facts_due_ = false;
    msg::Publish batch{.stream = stream_, .first = sent_ + 1, .full = true};
    std::size_t bytes = 0;
    const auto flush = [&](bool last) {
        batch.last = last;
        turn.now_do(ToBroker{Envelope{.body = batch}});
        batch.events.clear();
        bytes = 0;
    };
    for (const auto& fact : facts_()) {
        batch.events.push_back(schema::encode_event(fact));
        bytes += batch.events.back()->size();
        if (batch.events.size() == batch_events || bytes > batch_bytes) flush(/*last=*/false);
    }
    flush(/*last=*/true);
    await_ack(turn);
}

void Uplink::on_acknowledge(Turn& turn, const msg::Acknowledge& acknowledge) {
    if (acknowledge.stream != stream_) return;
    heard_ = progress_ = turn.now().instant;
    if (awaited_ > 0) --awaited_;
    cursor_ = std::max(cursor_, acknowledge.cursor);
    const auto through = std::min(acknowledge.sequence, last_sequence_);
    if (through > acknowledged_) acknowledged_ = through;
    while (!kept_.empty() && kept_.front().sequence <= acknowledged_) {
        kept_bytes_ -= kept_.front().bytes->size();
        kept_.pop_front();
    }
    turn.now_do(TrimSpool{.through = acknowledged_, .cursor = cursor_});
    send_more(turn);
}

void Uplink::on_step(Turn& turn) {
    const auto gap = turn.now().instant - std::exchange(last_step_, turn.now().instant);
    if (!online_ || gap < clock_valid) return;
    clock_.reset();
    doubt_ = turn.now().instant.since_start;
    turn.now_do(ToBroker{Envelope{.body = msg::Ping{*doubt_}}});
}

void Uplink::on_pong(const msg::Pong& pong) {
    if (doubt_ == pong.session) doubt_.reset();
}

void Uplink::on_ping(Turn& turn, const msg::Ping& ping) {
    heard_ = turn.now().instant;
    if (!doubt_) clock_ = {ping.session, turn.now().instant};
    turn.now_do(ToBroker{Envelope{.body = msg::Pong{ping.session}}});
}

void Uplink::on_emitted(const std::vector<SpoolEvent>& events) {
    for (const auto& event : events) {
        last_sequence_ = event.sequence;
        hash_ = digest(view(event.bytes), event.hash_before);
        kept_bytes_ += event.bytes->size();
        kept_.push_back(event);
    }
    while (kept_bytes_ > limit_ && kept_.size() > 1) {
        kept_bytes_ -= kept_.front().bytes->size();
        kept_.pop_front();
        ++dropped_;
    }
}

std::optional<TrimSpool> Uplink::take_dropped() {
    if (std::exchange(dropped_, 0) == 0) return std::nullopt;
    return TrimSpool{.through = kept_.front().sequence - 1, .cursor = cursor_};
}

void Uplink::on_spooled(Turn& turn, std::uint64_t last_sequence) {
    spooled_ = std::max(spooled_, last_sequence);
    send_more(turn);
}

std::optional<Duration> Uplink::session(Instant now) const {
    if (!clock_ || now - clock_->second > clock_valid) return std::nullopt;
    return clock_->first + (now - clock_->second);
}

} // namespace ctys::agent
