#include "schema/parts.h"
#include "schema/plan.capnp.h"
#include "schema/writing.h"

namespace ctys::schema {

namespace {

template <auto Init, typename To>
void put_numbers(To to, const std::vector<std::uint32_t>& values) {
    const auto count = std::min(values.size(), limits::steps);
    if (count == 0) return;
    auto list = (to.*Init)(static_cast<unsigned>(count));
    for (unsigned i = 0; i < list.size(); ++i) {
        list.set(i, values[i]);
    }
}

template <typename List>
std::vector<std::uint32_t> take_numbers(Reading& in, std::string_view what, List from) {
    return in.list(what, from, limits::steps, [](std::uint32_t each) { return each; });
}

void put_step(wire::PlanStep::Builder to, const PlanStep& value) {
    using To = wire::PlanStep::Builder;
    put_uuid(to.getVm(), value.vm.uuid);
    put_text<&To::setLabel>(to, value.label, limits::label);
    put_uuid(to.getWorker(), value.worker.uuid);
    put_text<&To::setWorkerName>(to, value.worker_name, limits::short_text);
    to.setVerb(wire_value(value.verb));
    to.setLevel(value.level);
    put_numbers<&To::initAfter>(to, value.after);
    to.setBeginUs(wire_value(value.begin));
    to.setUntilUs(wire_value(value.until));
    to.setHasGrace(value.grace.has_value());
    to.setGraceUs(wire_value(value.grace.value_or(Duration{})));
    to.setCuts(value.cuts);
    to.setCanAsk(value.can_ask);
    to.setOwner(wire_value(value.owner));
    put_list<&To::initInside>(to, value.inside, limits::inside, [](auto each, const WorkerId& id) {
        put_uuid(each, id.uuid);
    });
    put_texts<&To::initUnreached>(to, value.unreached, limits::evidence, limits::label);
    to.setHasRunLevel(value.run_level.has_value());
    to.setRunLevel(value.run_level.value_or(0));
    put_uuid(to.getBoot(), value.boot.uuid);
    to.setGuestAgent(value.guest_agent);
}

PlanStep take_step(Reading& in, wire::PlanStep::Reader from) {
    PlanStep step;
    step.vm = {take_uuid(from.getVm())};
    step.label = in.text("label", from.getLabel(), limits::label);
    step.worker = {take_uuid(from.getWorker())};
    step.worker_name = in.text("worker name", from.getWorkerName(), limits::short_text);
    step.verb = in.choice("verb", from.getVerb(), Verb::Start, last_verb);
    step.level = from.getLevel();
    step.after = take_numbers(in, "after", from.getAfter());
    step.begin = in.span("begin", from.getBeginUs());
    step.until = in.span("until", from.getUntilUs());
    if (from.getHasGrace()) step.grace = in.span("grace", from.getGraceUs());
    step.cuts = from.getCuts();
    step.can_ask = from.getCanAsk();
    step.owner = in.choice("owner", from.getOwner(), Owner::Unknown, Owner::Incus);
    step.inside = in.list("inside", from.getInside(), limits::inside, [](auto each) {
        return WorkerId{take_uuid(each)};
    });
    step.unreached = in.texts("unreached", from.getUnreached(), limits::evidence, limits::label);
    if (from.getHasRunLevel()) step.run_level = in.run_level(from.getRunLevel());
    step.boot = {take_uuid(from.getBoot())};
    step.guest_agent = from.getGuestAgent();
    return step;
}

} // namespace

template <typename To>
void put(To to, const PlanRecord& value) {
    to.setAction(value.action.value);
    to.setVerb(wire_value(value.verb));
    put_text<&To::setTarget>(to, value.target, limits::path);
    to.setSteps(value.steps);
    to.setNeededUs(wire_value(value.needed));
    to.setUntilUs(wire_value(value.until));
    to.setLevels(value.levels);
    to.setWidth(value.width);
    to.setLimited(value.limited);
    put_numbers<&To::initCritical>(to, value.critical);
    to.setSpentUs(wire_value(value.spent));
    put_texts<&To::initNotes>(to, value.notes, limits::remarks, limits::sentence);
}

template <typename From>
PlanRecord take_plan(Reading& in, From from) {
    PlanRecord record;
    record.action = {from.getAction()};
    record.verb = in.choice("verb", from.getVerb(), Verb::Start, last_verb);
    record.target = in.text("target", from.getTarget(), limits::path);
    record.steps = from.getSteps();
    record.needed = in.span("needed", from.getNeededUs());
    record.until = in.span("until", from.getUntilUs());
    record.levels = from.getLevels();
    record.width = from.getWidth();
    record.limited = from.getLimited();
    record.critical = take_numbers(in, "critical", from.getCritical());
    record.spent = in.span("spent", from.getSpentUs());
    record.notes = in.texts("notes", from.getNotes(), limits::remarks, limits::sentence);
    return record;
}

template <typename To>
void put(To to, const PlanStepRecord& value) {
    to.setPlan(value.plan.value);
    to.setIndex(value.index);
    put_step(to.initStep(), value.step);
    to.setState(wire_value(value.state));
    to.setAction(value.action.value);
    to.setTries(value.tries);
    put_text<&To::setText>(to, value.text, limits::long_text);
    to.setAskedUs(wire_value(value.asked));
    to.setOverUs(wire_value(value.over));
}

template <typename From>
PlanStepRecord take_plan_step(Reading& in, From from) {
    PlanStepRecord record;
    record.plan = {from.getPlan()};
    record.index = from.getIndex();
    record.step = take_step(in, from.getStep());
    record.state = in.choice("step state", from.getState(), StepState::Waiting, StepState::Skipped);
    record.action = {from.getAction()};
    record.tries = from.getTries();
    record.text = in.text("text", from.getText(), limits::long_text);
    record.asked = in.span("asked", from.getAskedUs());
    record.over = in.span("over", from.getOverUs());
    return record;
}

template void put(wire::PlanRecord::Builder, const PlanRecord&);
template void put(wire::PlanStepRecord::Builder, const PlanStepRecord&);
template PlanRecord take_plan(Reading&, wire::PlanRecord::Reader);
template PlanStepRecord take_plan_step(Reading&, wire::PlanStepRecord::Reader);

} // namespace ctys::schema
