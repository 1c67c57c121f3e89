#include "broker/core/watches.h"

#include "schema/codec.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::broker {

namespace {

constexpr std::size_t most_bytes = 256 * 1024; // of one message; far below the frame limit

/// Audit events are for administrators (DESIGN: feed); others do not learn that they exist.
bool may_see(const Principal& principal, const Event& event) {
    return family(event.kind) != EventFamily::Audit ||
           check_permission(principal, Permission::Audit);
}

/// An event that cannot be decoded is shown: whoever watches may be of a newer version.
bool sees(const Principal& principal,
          const std::vector<Filter>& filters,
          const SharedBytes& bytes) {
    const auto event = schema::decode_event(view(bytes));
    return !event || (may_see(principal, *event) && accepts(filters, *event));
}

} // namespace

void Watches::open(Turn& turn,
                   const JournalView& journal,
                   std::uint64_t epoch,
                   const PeerId& peer,
                   std::uint64_t correlation,
                   const Principal& principal,
                   const msg::Watch& watch) {
    const auto refuse = [&](Error error) {
        turn.send(peer, correlation, msg::Failure{std::move(error)});
    };
    if (auto allowed = check_permission(principal, Permission::Query); !allowed)
        return refuse(allowed.error());
    if (auto known = check_event_filters(watch.filters); !known) return refuse(known.error());
    const auto own = std::count_if(watches_.begin(), watches_.end(), [&](const auto& item) {
        return item.second.principal.name == principal.name;
    });
    if (watches_.size() >= most || static_cast<std::size_t>(own) >= most_per_principal) {
        return refuse(Error{
            .code = ErrorCode::Overloaded,
            .message =
                fmt::format("{} has {} watches open, more are not allowed", principal.name, own),
            .try_next = "ctys watches"});
    }
    const auto [oldest, newest] = journal.range();
    Stream stream{.number = ++last_number_, .principal = principal, .filters = watch.filters};
    stream.heard = turn.now().instant;
    stream.since = turn.now().wall;
    stream.credit = std::min(watch.credit, most_credit);
    stream.stops = watch.stop_at_head;
    stream.stop_at = newest;
    const auto before_oldest = oldest - 1;
    switch (watch.from) {
    case msg::WatchFrom::Now:
        stream.position = newest;
        break;
    case msg::WatchFrom::Beginning:
        stream.position = before_oldest;
        break;
    case msg::WatchFrom::Time:
        stream.position = std::max(journal.sequence_at(watch.time) - 1, before_oldest);
        break;
    case msg::WatchFrom::Cursor: {
        const bool other_epoch = watch.cursor.epoch != epoch && watch.cursor != Cursor{};
        if (other_epoch || watch.cursor.sequence > newest) {
            stream.gap = msg::Gap{.from = watch.cursor,
                                  .to = Cursor{epoch, before_oldest},
                                  .reason = other_epoch ? "the journal began anew"
                                                        : "beyond the end of the journal"};
            stream.position = before_oldest;
        } else if (watch.cursor.sequence < before_oldest) {
            stream.gap = msg::Gap{.from = Cursor{epoch, watch.cursor.sequence + 1},
                                  .to = Cursor{epoch, before_oldest},
                                  .reason = "past retention"};
            stream.position = before_oldest;
        } else {
            stream.position = watch.cursor.sequence;
        }
        break;
    }
    }
    stream.told = stream.position;
    const Key key{peer, correlation};
    watches_.erase(key); // a repeated request starts over
    auto& opened = watches_.emplace(key, std::move(stream)).first->second;
    // The first answer says where the stream stands, even with nothing to tell yet.
    turn.send(peer, correlation, msg::WatchEvents{.position = Cursor{epoch, opened.position}});
    if (!advance(turn, journal, epoch, key, opened)) watches_.erase(key);
}

bool Watches::advance(
    Turn& turn, const JournalView& journal, std::uint64_t epoch, const Key& key, Stream& stream) {
    const auto [oldest, newest] = journal.range();
    msg::WatchEvents out;
    std::size_t looked = 0;
    std::size_t bytes = 0;
    if (stream.position + 1 < oldest) {
        stream.gap = msg::Gap{.from = Cursor{epoch, stream.position + 1},
                              .to = Cursor{epoch, oldest - 1},
                              .reason = "past retention"};
        stream.position = oldest - 1;
    }
    if (stream.gap && stream.credit > 0) {
        out.items.emplace_back(*std::exchange(stream.gap, std::nullopt));
        --stream.credit;
    }
    // Most watches want everything: then nothing needs to be decoded here.
    const bool sees_all =
        stream.filters.empty() && check_permission(stream.principal, Permission::Audit);
    const auto until = stream.stops ? std::min(newest, stream.stop_at) : newest;
    if (!stream.gap && stream.credit > 0 && stream.position < until) {
        journal.read(stream.position, [&](const JournalItem& item) {
            if (item.sequence > until || stream.credit == 0 || looked == budget ||
                bytes > most_bytes)
                return false;
            ++looked;
            const Cursor cursor{epoch, item.sequence};
            if (item.sequence > stream.position + 1) {
                out.items.emplace_back(msg::Gap{.from = {epoch, stream.position + 1},
                                                .to = {epoch, item.sequence - 1},
                                                .reason = "missing records"});
                stream.position = item.sequence - 1;
                if (--stream.credit == 0) return false;
            }
            stream.position = item.sequence;
            if (!item.event) {
                out.items.emplace_back(
                    msg::Gap{.from = cursor, .to = cursor, .reason = "damaged record"});
                --stream.credit;
            } else if (sees_all || sees(stream.principal, stream.filters, item.event)) {
                bytes += item.event->size();
                out.items.emplace_back(msg::WatchItem{cursor, item.recorded, item.event});
                --stream.credit;
            }
            return true;
        });
    }
    out.position = Cursor{epoch, stream.position};
    const bool was_caught_up = std::exchange(stream.caught_up, stream.position >= newest);
    out.caught_up = stream.caught_up;
    out.last = stream.stops && !stream.gap && stream.position >= until;
    // A filter that accepts nothing still tells now and then how far it has looked.
    const bool tells = !out.items.empty() || out.last || stream.position >= stream.told + 4096 ||
                       (stream.caught_up && !was_caught_up);
    if (tells) {
        stream.told = stream.position;
        const bool last = out.last;
        turn.send(key.first, key.second, std::move(out));
        if (last) return false;
    }
    if (stream.credit > 0 && stream.position < until) turn.again();
    return true;
}

void Watches::pump(Turn& turn, const JournalView& journal, std::uint64_t epoch) {
    for (auto it = watches_.begin(); it != watches_.end();) {
        it = advance(turn, journal, epoch, it->first, it->second) ? std::next(it)
                                                                  : watches_.erase(it);
    }
}

bool Watches::add_credit(Turn& turn,
                         const PeerId& peer,
                         std::uint64_t correlation,
                         std::uint32_t add) {
    const auto found = watches_.find({peer, correlation});
    if (found == watches_.end()) return false;
    auto& stream = found->second;
    stream.heard = turn.now().instant;
    stream.credit = std::min(most_credit, stream.credit + std::min(add, most_credit));
    if (add > 0) turn.again();
    return true;
}

void Watches::close(const PeerId& peer, std::uint64_t correlation) {
    watches_.erase({peer, correlation});
}

void Watches::close_all(const PeerId& peer) {
    std::erase_if(watches_, [&](const auto& item) { return item.first.first == peer; });
}

void Watches::on_tick(Turn& turn) {
    std::erase_if(watches_, [&](const auto& item) {
        return turn.now().instant - item.second.heard > silence;
    });
}

void Watches::excuse(Duration gap, Instant now) {
    for (auto& [key, stream] : watches_) {
        stream.heard = std::min(now, stream.heard + gap);
    }
}

std::vector<WatchRow> Watches::rows(std::uint64_t newest) const {
    std::vector<WatchRow> rows;
    for (const auto& [key, stream] : watches_) {
        rows.push_back(WatchRow{.id = stream.number,
                                .principal = stream.principal,
                                .filters = stream.filters,
                                .at = Cursor{0, stream.position},
                                .lag = newest > stream.position ? newest - stream.position : 0,
                                .credit = stream.credit,
                                .since = stream.since});
    }
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return rows;
}

} // namespace ctys::broker
