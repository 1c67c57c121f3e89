#include "schema/action.capnp.h"
#include "schema/parts.h"
#include "schema/writing.h"

namespace ctys::schema {

namespace {

void put_outcome(wire::Outcome::Builder to, const Outcome& value) {
    using To = wire::Outcome::Builder;
    if (value.error) put(to.initError(), *value.error);
    put_text<&To::setText>(to, value.text, limits::long_text);
}

Outcome take_outcome(Reading& in, wire::Outcome::Reader from) {
    Outcome outcome;
    if (from.hasError()) outcome.error = take_error(in, from.getError());
    outcome.text = in.text("outcome", from.getText(), limits::long_text);
    return outcome;
}

} // namespace

template <typename To>
void put(To to, const Action& value) {
    to.setId(value.id.value);
    to.setVerb(wire_value(value.verb));
    put_text<&To::setTarget>(to, value.target, limits::path);
    put_uuid(to.getVm(), value.vm.uuid);
    put_uuid(to.getWorker(), value.worker.uuid);
    put_text<&To::setUser>(to, value.user, limits::short_text);
    to.setHasDeadline(value.deadline.has_value());
    to.setDeadlineUs(wire_value(value.deadline.value_or(Duration{})));
    to.setAlwaysCut(value.always_cut);
    to.setForce(value.force);
    to.setIfRunning(wire_value(value.if_running));
    put_text<&To::setReason>(to, value.reason, limits::long_text);
    put(to.initPrincipal(), value.principal);
    to.setExpiryUs(wire_value(value.expiry));
    to.setToken(value.token);
    put_text<&To::setConfig>(to, value.config, limits::path);
    to.setDryRun(value.dry_run);
    if (value.instance != InstanceKey{}) put(to.initInstance(), value.instance);
    to.setShrink(value.shrink);
    to.setCutUnaskable(value.cut_unaskable);
    to.setWidth(value.width);
    to.setPlan(value.plan.value);
    to.setSelf(value.self);
    to.setStack(value.stack);
    to.setLikeBefore(value.like_before.value);
    to.setDiscardState(value.discard_state);
    to.setNoRestore(value.no_restore);
    to.setHasRunLevel(value.run_level.has_value());
    to.setRunLevel(value.run_level.value_or(0));
    put_text<&To::setDevice>(to, value.device, limits::path);
    put_text<&To::setImage>(to, value.image, limits::path);
    put_text<&To::setSnapshot>(to, value.snapshot, limits::short_text);
    put_texts<&To::initOptions>(to, value.options, limits::start_options, limits::path);
}

template <typename From>
Action take_action(Reading& in, From from) {
    Action action;
    action.id = {from.getId()};
    action.verb = in.choice("verb", from.getVerb(), Verb::Start, last_verb);
    action.target = in.text("target", from.getTarget(), limits::path);
    action.vm = {take_uuid(from.getVm())};
    action.worker = {take_uuid(from.getWorker())};
    action.user = in.text("user", from.getUser(), limits::short_text);
    if (from.getHasDeadline()) action.deadline = in.span("deadline", from.getDeadlineUs());
    action.always_cut = from.getAlwaysCut();
    action.force = from.getForce();
    action.if_running =
        in.choice("if-running", from.getIfRunning(), IfRunning::Refuse, IfRunning::Connect);
    action.reason = in.text("reason", from.getReason(), limits::long_text);
    action.principal = take_principal(in, from.getPrincipal());
    action.expiry = in.span("expiry", from.getExpiryUs());
    action.token = from.getToken();
    action.config = in.text("configuration path", from.getConfig(), limits::path);
    action.dry_run = from.getDryRun();
    action.instance = take_instance_key(in, from.getInstance());
    action.shrink = from.getShrink();
    action.cut_unaskable = from.getCutUnaskable();
    action.width = from.getWidth();
    action.plan = {from.getPlan()};
    action.self = from.getSelf();
    action.stack = from.getStack();
    action.like_before = {from.getLikeBefore()};
    action.discard_state = from.getDiscardState();
    action.no_restore = from.getNoRestore();
    if (from.getHasRunLevel()) action.run_level = in.run_level(from.getRunLevel());
    action.device = in.text("drive", from.getDevice(), limits::path);
    action.image = in.text("image", from.getImage(), limits::path);
    action.snapshot = in.text("snapshot", from.getSnapshot(), limits::short_text);
    action.options = in.texts("options", from.getOptions(), limits::start_options, limits::path);
    return action;
}

template <typename To>
void put(To to, const ActionRecord& value) {
    put(to.initAction(), value.action);
    put_text<&To::setLabel>(to, value.label, limits::label);
    to.setState(wire_value(value.state));
    put_text<&To::setProgress>(to, value.progress, limits::long_text);
    to.setCancelling(value.cancelling);
    if (value.outcome) put_outcome(to.initOutcome(), *value.outcome);
    to.setRequestedUs(wire_value(value.requested));
    to.setEndedUs(wire_value(value.ended));
}

template <typename From>
ActionRecord take_action_record(Reading& in, From from) {
    ActionRecord record;
    record.action = take_action(in, from.getAction());
    record.label = in.text("label", from.getLabel(), limits::label);
    record.state =
        in.choice("action state", from.getState(), ActionState::Requested, ActionState::Ended);
    record.progress = in.text("progress", from.getProgress(), limits::long_text);
    record.cancelling = from.getCancelling();
    if (from.hasOutcome()) record.outcome = take_outcome(in, from.getOutcome());
    record.requested = in.wall("requested", from.getRequestedUs());
    record.ended = in.wall("ended", from.getEndedUs());
    return record;
}

template <typename To>
void put(To to, const Intent& value) {
    to.setAction(value.action.value);
    to.setVerb(wire_value(value.verb));
    if (value.instance != InstanceKey{}) put(to.initInstance(), value.instance);
    put_uuid(to.getVm(), value.vm.uuid);
    to.setAtUs(wire_value(value.at));
    put_text<&To::setDevice>(to, value.device, limits::path);
    put_text<&To::setImage>(to, value.image, limits::path);
    put_text<&To::setSnapshot>(to, value.snapshot, limits::short_text);
}

template <typename From>
Intent take_intent(Reading& in, From from) {
    return {
        .action = {from.getAction()},
        .verb = in.choice("verb", from.getVerb(), Verb::Start, last_verb),
        .instance = take_instance_key(in, from.getInstance()),
        .vm = {take_uuid(from.getVm())},
        .at = in.wall("written at", from.getAtUs()),
        .device = in.text("drive", from.getDevice(), limits::path),
        .image = in.text("image", from.getImage(), limits::path),
        .snapshot = in.text("snapshot", from.getSnapshot(), limits::short_text),
    };
}

template void put(wire::Action::Builder, const Action&);
template void put(wire::ActionRecord::Builder, const ActionRecord&);
template void put(wire::Intent::Builder, const Intent&);
template Action take_action(Reading&, wire::Action::Reader);
template ActionRecord take_action_record(Reading&, wire::ActionRecord::Reader);
template Intent take_intent(Reading&, wire::Intent::Reader);

} // namespace ctys::schema
