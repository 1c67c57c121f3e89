#include "schema/parts.h"
#include "schema/worker.capnp.h"
#include "schema/writing.h"

namespace ctys::schema {

namespace {

void put_pool(wire::PoolReport::Builder to, const PoolReport& value) {
    using To = wire::PoolReport::Builder;
    put_text<&To::setRoot>(to, value.root, limits::path);
    put_uuid(to.getId(), value.id.uuid);
    to.setHealth(wire_value(value.health));
    put_text<&To::setReason>(to, value.reason, limits::sentence);
    put_text<&To::setFilesystem>(to, value.filesystem, limits::short_text);
    to.setShared(value.shared);
    to.setTrusted(value.trusted);
    to.setVms(value.vms);
}

PoolReport take_pool(Reading& in, wire::PoolReport::Reader from) {
    return {
        .root = in.text("pool root", from.getRoot(), limits::path),
        .id = {take_uuid(from.getId())},
        .health = in.choice("pool health", from.getHealth(), PoolHealth::Good, PoolHealth::Copied),
        .reason = in.text("pool reason", from.getReason(), limits::sentence),
        .filesystem = in.text("file system", from.getFilesystem(), limits::short_text),
        .shared = from.getShared(),
        .trusted = from.getTrusted(),
        .vms = from.getVms(),
    };
}

void put_accelerator(wire::Accelerator::Builder to, const Accelerator& value) {
    using To = wire::Accelerator::Builder;
    put_text<&To::setName>(to, value.name, limits::short_text);
    to.setUsable(value.usable);
    put_text<&To::setWhy>(to, value.why, limits::sentence);
}

Accelerator take_accelerator(Reading& in, wire::Accelerator::Reader from) {
    return {
        .name = in.text("accelerator", from.getName(), limits::short_text),
        .usable = from.getUsable(),
        .why = in.text("accelerator's why", from.getWhy(), limits::sentence),
    };
}

void put_emulator(wire::Emulator::Builder to, const Emulator& value) {
    using To = wire::Emulator::Builder;
    put_text<&To::setPath>(to, value.path, limits::emulator_path);
    put_text<&To::setArch>(to, value.arch, limits::key);
    put_text<&To::setVersion>(to, value.version, limits::short_text);
    put_text<&To::setPackage>(to, value.package, limits::short_text);
    put_text<&To::setAccelerators>(to, value.accelerators, limits::short_text);
    put_text<&To::setMachines>(to, value.machines, limits::names);
    put_text<&To::setCpus>(to, value.cpus, limits::names);
    to.setOptions(value.options);
    put_text<&To::setProblem>(to, value.problem, limits::short_text);
    to.setKvmTrial(wire_value(value.kvm_trial));
}

Emulator take_emulator(Reading& in, wire::Emulator::Reader from) {
    return {
        .path = in.text("emulator", from.getPath(), limits::emulator_path),
        .arch = in.text("emulator's architecture", from.getArch(), limits::key),
        .version = in.text("emulator's version", from.getVersion(), limits::short_text),
        .package = in.text("emulator's package", from.getPackage(), limits::short_text),
        .accelerators =
            in.text("emulator's accelerators", from.getAccelerators(), limits::short_text),
        .machines = in.text("emulator's machines", from.getMachines(), limits::names),
        .cpus = in.text("emulator's CPUs", from.getCpus(), limits::names),
        .options = from.getOptions(),
        .problem = in.text("emulator's problem", from.getProblem(), limits::short_text),
        .kvm_trial =
            in.choice("trial of KVM", from.getKvmTrial(), KvmTrial::None, KvmTrial::Failed),
    };
}

void put_requisite(wire::Requisite::Builder to, const Requisite& value) {
    using To = wire::Requisite::Builder;
    put_text<&To::setName>(to, value.name, limits::key);
    to.setMet(value.met);
    put_text<&To::setFact>(to, value.fact, limits::short_text);
}

Requisite take_requisite(Reading& in, wire::Requisite::Reader from) {
    return {.name = in.text("requisite", from.getName(), limits::key),
            .met = from.getMet(),
            .fact = in.text("requisite's fact", from.getFact(), limits::short_text)};
}

void put_equipment(wire::Equipment::Builder to, const Equipment& value) {
    using To = wire::Equipment::Builder;
    put_text<&To::setCpuModel>(to, value.cpu_model, limits::short_text);
    put_text<&To::setCpuFlags>(to, value.cpu_flags, limits::names);
    put_list<&To::initEmulators>(to, value.emulators, limits::emulators, put_emulator);
    put_list<&To::initRequisites>(to, value.requisites, limits::requisites, put_requisite);
}

Equipment take_equipment(Reading& in, wire::Equipment::Reader from) {
    return {.cpu_model = in.text("CPU model", from.getCpuModel(), limits::short_text),
            .cpu_flags = in.text("CPU flags", from.getCpuFlags(), limits::names),
            .emulators = in.list("emulators",
                                 from.getEmulators(),
                                 limits::emulators,
                                 [&](auto each) { return take_emulator(in, each); }),
            .requisites =
                in.list("requisites", from.getRequisites(), limits::requisites, [&](auto each) {
                    return take_requisite(in, each);
                })};
}

} // namespace

template <typename To>
void put(To to, const StreamMark& value) {
    put_uuid(to.getStream(), value.stream.uuid);
    to.setSequence(value.sequence);
    to.setHash(value.hash);
}

template <typename From>
StreamMark take_mark([[maybe_unused]] Reading& in, From from) {
    return {.stream = {take_uuid(from.getStream())},
            .sequence = from.getSequence(),
            .hash = from.getHash()};
}

template <typename To>
void put(To to, const WorkerRecord& value) {
    put_uuid(to.getId(), value.id.uuid);
    put_text<&To::setName>(to, value.name, limits::short_text);
    put_uuid(to.getBoot(), value.boot.uuid);
    put_uuid(to.getNonce(), value.nonce.uuid);
    put_text<&To::setMachineId>(to, value.machine_id, limits::short_text);
    put_uuid(to.getPlatform(), value.platform);
    put_text<&To::setPlatformConflict>(to, value.platform_conflict, limits::sentence);
    put_text<&To::setVersion>(to, value.version, limits::short_text);
    put_text<&To::setHost>(to, value.host, limits::short_text);
    put_text<&To::setArch>(to, value.arch, limits::short_text);
    to.setCpus(value.cpus);
    to.setMemoryMb(value.memory_mb);
    put_list<&To::initAccelerators>(to, value.accelerators, limits::accelerators, put_accelerator);
    put_texts<&To::initBinaries>(to, value.binaries, limits::binaries, limits::path);
    put_texts<&To::initBlindSpots>(to, value.blind_spots, limits::remarks, limits::sentence);
    put_list<&To::initPools>(to, value.pools, limits::pools, put_pool);
    if (value.mark != StreamMark{}) put(to.initMark(), value.mark);
    to.setState(wire_value(value.state));
    to.setLastSeenUs(wire_value(value.last_seen));
    to.setStateSinceUs(wire_value(value.state_since));
    to.setFenced(value.fenced);
    to.setDraining(value.draining.value);
    to.setBootedUs(wire_value(value.booted));
    to.setHostStops(value.host_stops);
    to.setEnded(value.ended);
    put_text<&To::setRival>(to, value.rival, limits::sentence);
    if (value.equipment != Equipment{}) put_equipment(to.initEquipment(), value.equipment);
}

template <typename From>
WorkerRecord take_worker(Reading& in, From from) {
    WorkerRecord worker;
    worker.id = {take_uuid(from.getId())};
    worker.name = in.text("worker name", from.getName(), limits::short_text);
    worker.boot = {take_uuid(from.getBoot())};
    worker.nonce = {take_uuid(from.getNonce())};
    worker.machine_id = in.text("machine id", from.getMachineId(), limits::short_text);
    worker.platform = take_uuid(from.getPlatform());
    worker.platform_conflict =
        in.text("platform conflict", from.getPlatformConflict(), limits::sentence);
    worker.version = in.text("agent version", from.getVersion(), limits::short_text);
    worker.host = in.text("host", from.getHost(), limits::short_text);
    worker.arch = in.text("architecture", from.getArch(), limits::short_text);
    worker.cpus = from.getCpus();
    worker.memory_mb = from.getMemoryMb();
    worker.accelerators =
        in.list("accelerators", from.getAccelerators(), limits::accelerators, [&](auto each) {
            return take_accelerator(in, each);
        });
    worker.binaries = in.texts("binaries", from.getBinaries(), limits::binaries, limits::path);
    worker.blind_spots =
        in.texts("blind spots", from.getBlindSpots(), limits::remarks, limits::sentence);
    worker.pools = in.list(
        "pools", from.getPools(), limits::pools, [&](auto each) { return take_pool(in, each); });
    worker.mark = take_mark(in, from.getMark());
    worker.state =
        in.choice("worker state", from.getState(), WorkerState::Alive, WorkerState::Paused);
    worker.last_seen = in.wall("last seen", from.getLastSeenUs());
    worker.state_since = in.wall("state since", from.getStateSinceUs());
    worker.fenced = from.getFenced();
    worker.draining = {from.getDraining()};
    worker.booted = in.wall("booted", from.getBootedUs());
    worker.host_stops = from.getHostStops();
    worker.ended = from.getEnded();
    worker.rival = in.text("rival", from.getRival(), limits::sentence);
    worker.equipment = take_equipment(in, from.getEquipment());
    return worker;
}

template void put(wire::StreamMark::Builder, const StreamMark&);
template void put(wire::WorkerRecord::Builder, const WorkerRecord&);
template StreamMark take_mark(Reading&, wire::StreamMark::Reader);
template WorkerRecord take_worker(Reading&, wire::WorkerRecord::Reader);

} // namespace ctys::schema
