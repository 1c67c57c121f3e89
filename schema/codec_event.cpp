#include "schema/codec.h"
#include "schema/event.capnp.h"
#include "schema/frame.h"
#include "schema/parts.h"
#include "schema/writing.h"

namespace ctys::schema {

namespace {

struct PutPayload {
    wire::Event::Payload::Builder to;

    void operator()(std::monostate) { to.setNone(); }
    void operator()(const InstanceRecord& value) { put(to.initInstance(), value); }
    void operator()(const PathFacts& value) {
        auto facts = to.initPathFacts();
        put(facts.initVm(), value.vm);
        put(facts.initPath(), value.path);
    }
    void operator()(const PathRecord& value) { put(to.initPath(), value); }
    void operator()(const WorkerRecord& value) { put(to.initWorker(), value); }
    void operator()(const ActionRecord& value) { put(to.initAction(), value); }
};

void put_event(wire::Event::Builder to, const Event& value) {
    using To = wire::Event::Builder;
    to.setKind(wire_value(value.kind));
    to.setTimeUs(wire_value(value.time));
    put_uuid(to.getWorker(), value.worker.uuid);
    put_text<&To::setWorkerName>(to, value.worker_name, limits::short_text);
    put_uuid(to.getVm(), value.vm.uuid);
    put_text<&To::setLabel>(to, value.label, limits::label);
    to.setAction(value.action.value);
    to.setOldState(wire_value(value.old_state));
    to.setNewState(wire_value(value.new_state));
    put_text<&To::setBy>(to, value.by, limits::short_text);
    put_text<&To::setEvidence>(to, value.evidence, limits::short_text);
    put_text<&To::setText>(to, value.text, limits::long_text);
    put_list<&To::initData>(
        to, value.data, limits::facts, [](wire::Fact::Builder fact, const auto& pair) {
            put_text<&wire::Fact::Builder::setKey>(fact, pair.first, limits::key);
            put_text<&wire::Fact::Builder::setValue>(fact, pair.second, limits::path);
        });
    std::visit(PutPayload{to.getPayload()}, value.payload);
}

EventPayload take_payload(Reading& in, EventKind kind, const wire::Event::Payload::Reader& from) {
    using Payload = wire::Event::Payload;
    switch (from.which()) {
    case Payload::NONE:
        return std::monostate{};
    case Payload::INSTANCE:
        return take_instance(in, from.getInstance());
    case Payload::PATH_FACTS: {
        const auto facts = from.getPathFacts();
        return PathFacts{.vm = take_vm(in, facts.getVm()), .path = take_path(in, facts.getPath())};
    }
    case Payload::PATH:
        return take_path(in, from.getPath());
    case Payload::WORKER:
        return take_worker(in, from.getWorker());
    case Payload::ACTION:
        return take_action_record(in, from.getAction());
    }
    // A newer kind may bring a newer payload, and is kept opaque with it. A kind that is folded
    // here must not lose facts silently.
    if (family(kind) != EventFamily::Unknown) {
        in.reject(ErrorCode::Unsupported,
                  fmt::format("payload {} is not known to this version",
                              static_cast<std::uint16_t>(from.which())));
    }
    return std::monostate{};
}

Event take_event(Reading& in, wire::Event::Reader from) {
    Event event;
    event.kind = static_cast<EventKind>(from.getKind());
    event.time = in.wall("time", from.getTimeUs());
    event.worker = {take_uuid(from.getWorker())};
    event.worker_name = in.text("worker name", from.getWorkerName(), limits::short_text);
    event.vm = {take_uuid(from.getVm())};
    event.label = in.text("label", from.getLabel(), limits::label);
    event.action = {from.getAction()};
    event.old_state = in.choice("old state", from.getOldState(), VmState::Unknown, VmState::Gone);
    event.new_state = in.choice("new state", from.getNewState(), VmState::Unknown, VmState::Gone);
    event.by = in.text("by", from.getBy(), limits::short_text);
    event.evidence = in.text("evidence", from.getEvidence(), limits::short_text);
    event.text = in.text("text", from.getText(), limits::long_text);
    event.data = in.list("data", from.getData(), limits::facts, [&](wire::Fact::Reader fact) {
        return std::pair{in.text("key of a fact", fact.getKey(), limits::key),
                         in.text("value of a fact", fact.getValue(), limits::path)};
    });
    event.payload = take_payload(in, event.kind, from.getPayload());
    return event;
}

} // namespace

SharedBytes encode_event(const Event& event) {
    return std::make_shared<const std::vector<std::byte>>(
        encode_frame<wire::Event>([&](wire::Event::Builder to) { put_event(to, event); }));
}

Result<Event> decode_event(std::span<const std::byte> bytes) {
    return decode_frame<wire::Event>("event", bytes, take_event);
}

} // namespace ctys::schema
