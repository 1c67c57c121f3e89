#include "schema/parts.h"
#include "schema/vm.capnp.h"
#include "schema/writing.h"

namespace ctys::schema {

namespace {

void put_storage(wire::StorageIdentity::Builder to, const StorageIdentity& value) {
    using To = wire::StorageIdentity::Builder;
    put_uuid(to.getPool(), value.pool.uuid);
    put_text<&To::setBelow>(to, value.below, limits::path);
    to.setInode(value.inode);
    put_text<&To::setFilesystem>(to, value.filesystem, limits::short_text);
    put_text<&To::setSource>(to, value.source, limits::path);
}

StorageIdentity take_storage(Reading& in, wire::StorageIdentity::Reader from) {
    return {
        .pool = {take_uuid(from.getPool())},
        .below = in.text("path below the pool", from.getBelow(), limits::path),
        .inode = from.getInode(),
        .filesystem = in.text("file system", from.getFilesystem(), limits::short_text),
        .source = in.text("mount source", from.getSource(), limits::path),
    };
}

void put_setting(wire::Setting::Builder to, const Setting& value) {
    using To = wire::Setting::Builder;
    put_text<&To::setKey>(to, value.key, limits::key);
    put_text<&To::setValue>(to, value.value, limits::path);
    // Who does not know of files takes a line for one of the configuration.
    to.setLine(value.file.empty() ? value.line : 0);
    put_text<&To::setFile>(to, value.file, limits::short_text);
    to.setFileLine(value.file.empty() ? 0 : value.line);
}

Setting take_setting(Reading& in, wire::Setting::Reader from) {
    Setting setting{
        .key = in.text("key of a setting", from.getKey(), limits::key),
        .value = in.text("value of a setting", from.getValue(), limits::path),
        .line = from.getLine(),
        .file = in.text("file of a setting", from.getFile(), limits::short_text),
    };
    if (!setting.file.empty()) setting.line = from.getFileLine();
    return setting;
}

} // namespace

template <typename To>
void put(To to, const VmRecord& value) {
    put_uuid(to.getId(), value.id.uuid);
    put_text<&To::setLabel>(to, value.label, limits::label);
    put_text<&To::setType>(to, value.type, limits::short_text);
    to.setUuidDerived(value.uuid_derived);
    to.setForeign(value.foreign);
    put_uuid(to.getCopyOf(), value.copy_of.uuid);
    put_texts<&To::initMacs>(to, value.macs, limits::addresses, limits::short_text);
    put_texts<&To::initIps>(to, value.ips, limits::addresses, limits::short_text);
    put_text<&To::setArch>(to, value.arch, limits::short_text);
    to.setMemoryMb(value.memory_mb);
    to.setVcpus(value.vcpus);
    to.setHasGrace(value.grace.has_value());
    to.setGraceUs(wire_value(value.grace.value_or(Duration{})));
    to.setOnStop(wire_value(value.on_stop));
    to.setOnBoot(wire_value(value.on_boot));
    put_texts<&To::initStartAfter>(to, value.start_after, limits::start_after, limits::label);
    put_texts<&To::initRemarks>(to, value.remarks, limits::remarks, limits::sentence);
    put_storage(to.initHome(), value.home);
    put_list<&To::initSettings>(to, value.settings, limits::settings, put_setting);
}

template <typename From>
VmRecord take_vm_brief(Reading& in, From from) {
    VmRecord vm;
    vm.id = {take_uuid(from.getId())};
    vm.label = in.text("label", from.getLabel(), limits::label);
    vm.type = in.text("type", from.getType(), limits::short_text);
    vm.uuid_derived = from.getUuidDerived();
    vm.foreign = from.getForeign();
    vm.copy_of = {take_uuid(from.getCopyOf())};
    vm.macs = in.texts("MACs", from.getMacs(), limits::addresses, limits::short_text);
    vm.ips = in.texts("IPs", from.getIps(), limits::addresses, limits::short_text);
    vm.arch = in.text("architecture", from.getArch(), limits::short_text);
    vm.memory_mb = from.getMemoryMb();
    vm.vcpus = from.getVcpus();
    if (from.getHasGrace()) vm.grace = in.span("grace", from.getGraceUs());
    vm.on_stop = in.choice("ONSTOP", from.getOnStop(), OnStop::Shutdown, OnStop::Kill);
    vm.on_boot = in.choice("ONBOOT", from.getOnBoot(), OnBoot::No, OnBoot::LikeBefore);
    vm.start_after =
        in.texts("STARTAFTER", from.getStartAfter(), limits::start_after, limits::label);
    vm.remarks = in.texts("remarks", from.getRemarks(), limits::remarks, limits::sentence);
    return vm;
}

template <typename From>
VmRecord take_vm(Reading& in, From from) {
    auto vm = take_vm_brief(in, from);
    vm.home = take_storage(in, from.getHome());
    vm.settings = in.list("settings", from.getSettings(), limits::settings, [&](auto each) {
        return take_setting(in, each);
    });
    return vm;
}

template <typename To>
void put(To to, const PathRecord& value) {
    put_uuid(to.getVm(), value.vm.uuid);
    put_uuid(to.getWorker(), value.worker.uuid);
    put_text<&To::setConfig>(to, value.config, limits::path);
    put_text<&To::setWrapper>(to, value.wrapper, limits::path);
    put_text<&To::setPoolRoot>(to, value.pool_root, limits::path);
    put_storage(to.initStorage(), value.storage);
    to.setConfigDigest(value.config_digest);
    to.setHealth(wire_value(value.health));
    put_text<&To::setHealthReason>(to, value.health_reason, limits::sentence);
    put_text<&To::setVmstate>(to, value.vmstate, limits::short_text);
    to.setRunnable(value.runnable);
    put_text<&To::setWhyNot>(to, value.why_not, limits::sentence);
    to.setOwnerUid(value.owner_uid);
    to.setFirstSeenUs(wire_value(value.first_seen));
    to.setLastSeenUs(wire_value(value.last_seen));
}

template <typename From>
PathRecord take_path_brief(Reading& in, From from) {
    PathRecord path;
    path.vm = {take_uuid(from.getVm())};
    path.worker = {take_uuid(from.getWorker())};
    path.config = in.text("configuration path", from.getConfig(), limits::path);
    path.health =
        in.choice("path health", from.getHealth(), PathHealth::Good, PathHealth::Unreadable);
    path.runnable = from.getRunnable();
    path.why_not = in.text("why-not", from.getWhyNot(), limits::sentence);
    return path;
}

template <typename From>
PathRecord take_path(Reading& in, From from) {
    auto path = take_path_brief(in, from);
    path.wrapper = in.text("wrapper path", from.getWrapper(), limits::path);
    path.pool_root = in.text("pool root", from.getPoolRoot(), limits::path);
    path.storage = take_storage(in, from.getStorage());
    path.config_digest = from.getConfigDigest();
    path.health_reason = in.text("health reason", from.getHealthReason(), limits::sentence);
    path.vmstate = in.text("VMSTATE", from.getVmstate(), limits::short_text);
    path.owner_uid = from.getOwnerUid();
    path.first_seen = in.wall("first seen", from.getFirstSeenUs());
    path.last_seen = in.wall("last seen", from.getLastSeenUs());
    return path;
}

template <typename To>
void put(To to, const InstanceKey& value) {
    put_uuid(to.getBoot(), value.boot.uuid);
    to.setPid(value.pid);
    to.setStartTicks(value.start_ticks);
}

template <typename From>
InstanceKey take_instance_key([[maybe_unused]] Reading& in, From from) {
    return {.boot = {take_uuid(from.getBoot())},
            .pid = from.getPid(),
            .start_ticks = from.getStartTicks()};
}

template <typename To>
void put(To to, const Lease& value) {
    put_uuid(to.getVm(), value.vm.uuid);
    put_uuid(to.getWorker(), value.worker.uuid);
    to.setToken(value.token);
    to.setAction(value.action.value);
    to.setPhase(wire_value(value.phase));
    to.setSinceUs(wire_value(value.since));
    if (value.instance != InstanceKey{}) put(to.initInstance(), value.instance);
}

template <typename From>
Lease take_lease(Reading& in, From from) {
    return {
        .vm = {take_uuid(from.getVm())},
        .worker = {take_uuid(from.getWorker())},
        .token = from.getToken(),
        .action = {from.getAction()},
        .phase = in.choice(
            "lease phase", from.getPhase(), Lease::Phase::Reserved, Lease::Phase::Running),
        .since = in.wall("lease since", from.getSinceUs()),
        .instance = take_instance_key(in, from.getInstance()),
    };
}

template void put(wire::VmRecord::Builder, const VmRecord&);
template void put(wire::PathRecord::Builder, const PathRecord&);
template void put(wire::InstanceKey::Builder, const InstanceKey&);
template void put(wire::Lease::Builder, const Lease&);
template VmRecord take_vm(Reading&, wire::VmRecord::Reader);
template VmRecord take_vm_brief(Reading&, wire::VmRecord::Reader);
template PathRecord take_path(Reading&, wire::PathRecord::Reader);
template PathRecord take_path_brief(Reading&, wire::PathRecord::Reader);
template InstanceKey take_instance_key(Reading&, wire::InstanceKey::Reader);
template Lease take_lease(Reading&, wire::Lease::Reader);

} // namespace ctys::schema
