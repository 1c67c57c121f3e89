#include "mesh/core/assert.h"
#include "schema/message.capnp.h"
#include "schema/parts.h"
#include "schema/writing.h"

#include <cstddef>

namespace ctys::schema {

namespace {

capnp::Data::Reader opaque(const SharedBytes& bytes) {
    const auto from = view(bytes);
    return {reinterpret_cast<const kj::byte*>(from.data()), from.size()};
}

void put_filters(capnp::List<wire::Filter>::Builder to, const std::vector<Filter>& filters) {
    for (unsigned i = 0; i < to.size(); ++i) {
        put(to[i], filters[i]);
    }
}

struct PutItem {
    wire::WatchItem::Builder to;

    void operator()(const msg::WatchItem& value) {
        auto event = to.initEvent();
        put_cursor(event, value.cursor);
        event.setRecordedUs(wire_value(value.recorded));
        event.setBytes(opaque(value.event));
    }
    void operator()(const msg::Gap& value) {
        using To = wire::WatchItem::Gap::Builder;
        auto gap = to.initGap();
        gap.setFromEpoch(value.from.epoch);
        gap.setFromSequence(value.from.sequence);
        gap.setToEpoch(value.to.epoch);
        gap.setToSequence(value.to.sequence);
        put_text<&To::setReason>(gap, value.reason, limits::sentence);
    }
};

void put_fields(wire::Failure::Builder to, const msg::Failure& value) {
    put(to.initError(), value.error);
}

void put_fields(wire::AgentHello::Builder to, const msg::AgentHello& value) {
    put(to.initWorker(), value.worker);
    put(to.initEnd(), value.end);
    to.setFirstKept(value.first_kept);
    put_cursor(to.getAcknowledged(), value.acknowledged);
    to.setInventoryDigest(value.inventory_digest);
}

void put_fields(wire::Publish::Builder to, const msg::Publish& value) {
    CTYS_ASSERT(value.events.size() <= limits::events);
    put_uuid(to.getStream(), value.stream.uuid);
    to.setFirst(value.first);
    to.setHashBefore(value.hash_before);
    auto events = to.initEvents(static_cast<unsigned>(value.events.size()));
    for (unsigned i = 0; i < events.size(); ++i) {
        events.set(i, opaque(value.events[i]));
    }
    to.setFull(value.full);
    to.setLast(value.last);
}

void put_fields(wire::CommandStatus::Builder to, const msg::CommandStatus& value) {
    to.setAction(value.action.value);
    to.setKnown(wire_value(value.known));
}

void put_fields(wire::CommandRefused::Builder to, const msg::CommandRefused& value) {
    to.setAction(value.action.value);
    put(to.initError(), value.error);
}

void put_fields(wire::Confirm::Builder to, const msg::Confirm& value) {
    to.setAction(value.action.value);
    put_uuid(to.getVm(), value.vm.uuid);
    to.setToken(value.token);
}

void put_fields(wire::Welcome::Builder to, const msg::Welcome& value) {
    using To = wire::Welcome::Builder;
    put_uuid(to.getBroker(), value.broker.uuid);
    to.setSessionUs(wire_value(value.session));
    put(to.initMark(), value.mark);
    to.setFull(value.full);
    put_text<&To::setVersion>(to, value.version, limits::short_text);
}

void put_fields(wire::Acknowledge::Builder to, const msg::Acknowledge& value) {
    put_uuid(to.getStream(), value.stream.uuid);
    to.setSequence(value.sequence);
    to.setHash(value.hash);
    put_cursor(to.getCursor(), value.cursor);
}

void put_fields(wire::Command::Builder to, const msg::Command& value) {
    using To = wire::Command::Builder;
    put(to.initAction(), value.action);
    to.setSessionUs(wire_value(value.session));
    to.setExpiresUs(wire_value(value.expires));
    put_texts<&To::initDraining>(to, value.draining, limits::draining, limits::short_text);
}

void put_fields(wire::Confirmed::Builder to, const msg::Confirmed& value) {
    using To = wire::Confirmed::Builder;
    to.setAction(value.action.value);
    to.setHolds(value.holds);
    put_text<&To::setReason>(to, value.reason, limits::sentence);
}

void put_fields(wire::HandStart::Builder to, const msg::HandStart& value) {
    using To = wire::HandStart::Builder;
    to.setAction(value.action.value);
    put_uuid(to.getVm(), value.vm.uuid);
    put_text<&To::setConfig>(to, value.config, limits::path);
    put_text<&To::setLabel>(to, value.label, limits::label);
    put_text<&To::setUser>(to, value.user, limits::short_text);
    to.setOnBoot(value.on_boot);
}

void put_fields(wire::StopGuests::Builder to, const msg::StopGuests& value) {
    using To = wire::StopGuests::Builder;
    to.setHasDeadline(value.deadline.has_value());
    to.setDeadlineUs(wire_value(value.deadline.value_or(Duration{})));
    put_text<&To::setReason>(to, value.reason, limits::sentence);
}

void put_fields(wire::GuestsStopping::Builder to, const msg::GuestsStopping& value) {
    using To = wire::GuestsStopping::Builder;
    put_texts<&To::initLines>(to, value.lines, limits::evidence, limits::sentence);
    to.setLeftUs(wire_value(value.left));
    to.setWaiting(value.waiting);
    to.setDone(value.done);
    if (value.error) put(to.initError(), *value.error);
}

void put_fields(wire::HandGrant::Builder to, const msg::HandGrant& value) {
    using To = wire::HandGrant::Builder;
    to.setAction(value.action.value);
    to.setAnswer(wire_value(value.answer));
    to.setToken(value.token);
    put_text<&To::setReason>(to, value.reason, limits::sentence);
}

void put_fields(wire::ProveStorage::Builder to, const msg::ProveStorage& value) {
    using To = wire::ProveStorage::Builder;
    put_uuid(to.getPool(), value.pool.uuid);
    put_text<&To::setRoot>(to, value.root, limits::path);
    put_text<&To::setNonce>(to, value.nonce, limits::short_text);
    to.setWrite(value.write);
}

void put_fields(wire::StorageProof::Builder to, const msg::StorageProof& value) {
    using To = wire::StorageProof::Builder;
    put_uuid(to.getPool(), value.pool.uuid);
    put_text<&To::setRoot>(to, value.root, limits::path);
    put_text<&To::setNonce>(to, value.nonce, limits::short_text);
    to.setWrite(value.write);
    to.setFound(value.found);
    put_text<&To::setReason>(to, value.reason, limits::sentence);
}

void put_fields(wire::Submit::Builder to, const msg::Submit& value) {
    using To = wire::Submit::Builder;
    put(to.initAction(), value.action);
    put_text<&To::setOn>(to, value.on, limits::short_text);
    to.setYes(value.yes);
    put_uuid(to.getPlatform(), value.platform);
    put_uuid(to.getBoot(), value.boot.uuid);
}

void put_fields(wire::CancelAction::Builder to, const msg::CancelAction& value) {
    put_text<&wire::CancelAction::Builder::setAction>(to, value.action, limits::short_text);
}

void put_fields(wire::Administer::Builder to, const msg::Administer& value) {
    using To = wire::Administer::Builder;
    to.setWhat(wire_value(value.what));
    put_text<&To::setSubject>(to, value.subject, limits::path);
    put_text<&To::setReason>(to, value.reason, limits::long_text);
}

void put_fields(wire::Ask::Builder to, const msg::Ask& value) {
    put(to.initQuery(), value.query);
    to.setCredit(value.credit);
}

void put_fields(wire::Watch::Builder to, const msg::Watch& value) {
    const auto filters = std::min(value.filters.size(), limits::filters);
    put_filters(to.initFilters(static_cast<unsigned>(filters)), value.filters);
    to.setFrom(wire_value(value.from));
    put_cursor(to.getCursor(), value.cursor);
    to.setTimeUs(wire_value(value.time));
    to.setCredit(value.credit);
    to.setStopAtHead(value.stop_at_head);
}

void put_fields(wire::Accepted::Builder to, const msg::Accepted& value) {
    using To = wire::Accepted::Builder;
    to.setAction(value.action.value);
    put_text<&To::setLabel>(to, value.label, limits::label);
    put_text<&To::setWorker>(to, value.worker, limits::short_text);
    put_text<&To::setText>(to, value.text, limits::long_text);
}

void put_fields(wire::Done::Builder to, const msg::Done& value) {
    put_text<&wire::Done::Builder::setText>(to, value.text, limits::long_text);
}

void put_fields(wire::Rows::Builder to, const msg::Rows& value) {
    CTYS_ASSERT(value.rows.size() <= limits::rows);
    put_cursor(to.getAt(), value.at);
    auto rows = to.initRows(static_cast<unsigned>(value.rows.size()));
    for (unsigned i = 0; i < rows.size(); ++i) {
        put_row(rows[i], value.rows[i]);
    }
    to.setLast(value.last);
}

void put_fields(wire::WatchEvents::Builder to, const msg::WatchEvents& value) {
    CTYS_ASSERT(value.items.size() <= limits::items);
    auto items = to.initItems(static_cast<unsigned>(value.items.size()));
    for (unsigned i = 0; i < items.size(); ++i) {
        std::visit(PutItem{items[i]}, value.items[i]);
    }
    put_cursor(to.getPosition(), value.position);
    to.setCaughtUp(value.caught_up);
    to.setLast(value.last);
}

struct PutBody {
    wire::Envelope::Body::Builder to;

    void operator()(const msg::Ping& v) { to.initPing().setSessionUs(wire_value(v.session)); }
    void operator()(const msg::Pong& v) { to.initPong().setSessionUs(wire_value(v.session)); }
    void operator()(const msg::Failure& v) { put_fields(to.initFailure(), v); }
    void operator()(const msg::AgentHello& v) { put_fields(to.initAgentHello(), v); }
    void operator()(const msg::Publish& v) { put_fields(to.initPublish(), v); }
    void operator()(const msg::CommandStatus& v) { put_fields(to.initCommandStatus(), v); }
    void operator()(const msg::CommandRefused& v) { put_fields(to.initCommandRefused(), v); }
    void operator()(const msg::Confirm& v) { put_fields(to.initConfirm(), v); }
    void operator()(const msg::Withdrawn& v) { to.initWithdrawn().setAction(v.action.value); }
    void operator()(const msg::Welcome& v) { put_fields(to.initWelcome(), v); }
    void operator()(const msg::Acknowledge& v) { put_fields(to.initAcknowledge(), v); }
    void operator()(const msg::Command& v) { put_fields(to.initCommand(), v); }
    void operator()(const msg::CommandQuery& v) { to.initCommandQuery().setAction(v.action.value); }
    void operator()(const msg::Confirmed& v) { put_fields(to.initConfirmed(), v); }
    void operator()(const msg::Withdraw& v) { to.initWithdraw().setAction(v.action.value); }
    void operator()(const msg::CancelCommand& v) {
        to.initCancelCommand().setAction(v.action.value);
    }
    void operator()(const msg::ProveStorage& v) { put_fields(to.initProveStorage(), v); }
    void operator()(const msg::StorageProof& v) { put_fields(to.initStorageProof(), v); }
    void operator()(const msg::Submit& v) { put_fields(to.initSubmit(), v); }
    void operator()(const msg::CancelAction& v) { put_fields(to.initCancelAction(), v); }
    void operator()(const msg::Administer& v) { put_fields(to.initAdminister(), v); }
    void operator()(const msg::Ask& v) { put_fields(to.initAsk(), v); }
    void operator()(const msg::Watch& v) { put_fields(to.initWatch(), v); }
    void operator()(const msg::Credit& v) { to.initCredit().setAdd(v.add); }
    void operator()(const msg::CloseStream&) { to.setCloseStream(); }
    void operator()(const msg::Accepted& v) { put_fields(to.initAccepted(), v); }
    void operator()(const msg::Done& v) { put_fields(to.initDone(), v); }
    void operator()(const msg::Rows& v) { put_fields(to.initRows(), v); }
    void operator()(const msg::WatchEvents& v) { put_fields(to.initWatchEvents(), v); }
    void operator()(const msg::HandStart& v) { put_fields(to.initHandStart(), v); }
    void operator()(const msg::HandGrant& v) { put_fields(to.initHandGrant(), v); }
    void operator()(const msg::StopGuests& v) { put_fields(to.initStopGuests(), v); }
    void operator()(const msg::GuestsStopping& v) { put_fields(to.initGuestsStopping(), v); }
    void operator()(const msg::Farewell&) { to.setFarewell(); }
};

} // namespace

template <typename To>
void put_body(To to, const Body& value) {
    std::visit(PutBody{to}, value);
}

template void put_body(wire::Envelope::Body::Builder, const Body&);

} // namespace ctys::schema
