#include "schema/parts.h"
#include "schema/vm.capnp.h"
#include "schema/writing.h"

namespace ctys::schema {

namespace {

void put_ending(wire::Ending::Builder to, const Ending& value) {
    using To = wire::Ending::Builder;
    to.setBy(wire_value(value.by));
    to.setEvidence(wire_value(value.evidence));
    to.setExitCode(value.exit_code);
    to.setSignal(value.signal);
    put_text<&To::setDetail>(to, value.detail, limits::long_text);
    to.setAtUs(wire_value(value.at));
}

Ending take_ending(Reading& in, wire::Ending::Reader from) {
    return {
        .by = in.choice("ended by", from.getBy(), EndedBy::Unknown, EndedBy::Oom),
        .evidence =
            in.choice("evidence", from.getEvidence(), Evidence::None, Evidence::ProcConnector),
        .exit_code = from.getExitCode(),
        .signal = from.getSignal(),
        .detail = in.text("ending", from.getDetail(), limits::long_text),
        .at = in.wall("ended at", from.getAtUs()),
    };
}

void put_drive(wire::Drive::Builder to, const Drive& value) {
    using To = wire::Drive::Builder;
    put_text<&To::setName>(to, value.name, limits::path);
    put_text<&To::setImage>(to, value.image, limits::path);
    to.setHasTray(value.has_tray);
    to.setIsOpen(value.is_open);
    to.setIsLocked(value.is_locked);
}

Drive take_drive(Reading& in, wire::Drive::Reader from) {
    return {
        .name = in.text("drive", from.getName(), limits::path),
        .image = in.text("medium", from.getImage(), limits::path),
        .has_tray = from.getHasTray(),
        .is_open = from.getIsOpen(),
        .is_locked = from.getIsLocked(),
    };
}

void put_snapshot(wire::Snapshot::Builder to, const Snapshot& value) {
    using To = wire::Snapshot::Builder;
    put_text<&To::setName>(to, value.name, limits::short_text);
    to.setAtUs(wire_value(value.at));
    to.setStateBytes(value.state_bytes);
    to.setIsWhole(value.is_whole);
}

Snapshot take_snapshot(Reading& in, wire::Snapshot::Reader from) {
    return {
        .name = in.text("snapshot", from.getName(), limits::short_text),
        .at = in.wall("saved at", from.getAtUs()),
        .state_bytes = from.getStateBytes(),
        .is_whole = from.getIsWhole(),
    };
}

} // namespace

template <typename To>
void put(To to, const InstanceRecord& value) {
    put(to.initKey(), value.key);
    put_uuid(to.getVm(), value.vm.uuid);
    put_uuid(to.getWorker(), value.worker.uuid);
    put_text<&To::setLabel>(to, value.label, limits::label);
    to.setManaged(value.managed);
    to.setOwner(wire_value(value.owner));
    to.setState(wire_value(value.state));
    put_text<&To::setReason>(to, value.reason, limits::sentence);
    to.setSinceUs(wire_value(value.since));
    to.setStartedUs(wire_value(value.started));
    put_text<&To::setUser>(to, value.user, limits::short_text);
    to.setUid(value.uid);
    to.setGid(value.gid);
    put_text<&To::setExecutable>(to, value.executable, limits::path);
    put_text<&To::setVersion>(to, value.version, limits::short_text);
    put_text<&To::setAccelerator>(to, value.accelerator, limits::short_text);
    put_text<&To::setArch>(to, value.arch, limits::short_text);
    put_text<&To::setMachine>(to, value.machine, limits::short_text);
    put_text<&To::setConfig>(to, value.config, limits::path);
    put_text<&To::setImage>(to, value.image, limits::path);
    put_text<&To::setConsole>(to, value.console, limits::path);
    put_text<&To::setDisplay>(to, value.display, limits::short_text);
    to.setCport(value.cport);
    put_text<&To::setNote>(to, value.note, limits::sentence);
    to.setCanAsk(value.can_ask);
    put_texts<&To::initMacs>(to, value.macs, limits::addresses, limits::short_text);
    to.setMemoryMb(value.memory_mb);
    to.setVcpus(value.vcpus);
    to.setStartedBy(value.started_by.value);
    to.setToken(value.token);
    if (value.ended) put_ending(to.initEnded(), *value.ended);
    to.setFrozenFrom(wire_value(value.frozen_from));
    to.setUnverified(value.unverified);
    put_list<&To::initDrives>(to, value.drives, limits::drives, put_drive);
    put_list<&To::initSnapshots>(to, value.snapshots, limits::snapshots, put_snapshot);
    to.setGuestAgent(value.guest_agent);
}

template <typename From>
InstanceRecord take_instance(Reading& in, From from) {
    InstanceRecord one;
    one.key = take_instance_key(in, from.getKey());
    one.vm = {take_uuid(from.getVm())};
    one.worker = {take_uuid(from.getWorker())};
    one.label = in.text("label", from.getLabel(), limits::label);
    one.managed = from.getManaged();
    one.owner = in.choice("owner", from.getOwner(), Owner::Unknown, Owner::Incus);
    one.state = in.choice("state", from.getState(), VmState::Unknown, VmState::Gone);
    one.reason = in.text("reason", from.getReason(), limits::sentence);
    one.since = in.wall("since", from.getSinceUs());
    one.started = in.wall("started", from.getStartedUs());
    one.user = in.text("user", from.getUser(), limits::short_text);
    one.uid = from.getUid();
    one.gid = from.getGid();
    one.executable = in.text("executable", from.getExecutable(), limits::path);
    one.version = in.text("QEMU version", from.getVersion(), limits::short_text);
    one.accelerator = in.text("accelerator", from.getAccelerator(), limits::short_text);
    one.arch = in.text("architecture", from.getArch(), limits::short_text);
    one.machine = in.text("machine type", from.getMachine(), limits::short_text);
    one.config = in.text("configuration path", from.getConfig(), limits::path);
    one.image = in.text("image", from.getImage(), limits::path);
    one.console = in.text("console", from.getConsole(), limits::path);
    one.display = in.text("display", from.getDisplay(), limits::short_text);
    one.cport = from.getCport();
    one.note = in.text("note", from.getNote(), limits::sentence);
    one.can_ask = from.getCanAsk();
    one.guest_agent = from.getGuestAgent();
    one.macs = in.texts("MACs", from.getMacs(), limits::addresses, limits::short_text);
    one.memory_mb = from.getMemoryMb();
    one.vcpus = from.getVcpus();
    one.started_by = {from.getStartedBy()};
    one.token = from.getToken();
    if (from.hasEnded()) one.ended = take_ending(in, from.getEnded());
    one.frozen_from =
        in.choice("state before", from.getFrozenFrom(), VmState::Unknown, VmState::Gone);
    one.unverified = from.getUnverified();
    one.drives = in.list("drives", from.getDrives(), limits::drives, [&](auto each) {
        return take_drive(in, each);
    });
    one.snapshots = in.list("snapshots", from.getSnapshots(), limits::snapshots, [&](auto each) {
        return take_snapshot(in, each);
    });
    return one;
}

template void put(wire::InstanceRecord::Builder, const InstanceRecord&);
template InstanceRecord take_instance(Reading&, wire::InstanceRecord::Reader);

} // namespace ctys::schema
