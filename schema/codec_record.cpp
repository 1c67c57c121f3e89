#include "schema/action.capnp.h"
#include "schema/brief.h"
#include "schema/codec.h"
#include "schema/frame.h"
#include "schema/parts.h"
#include "schema/plan.capnp.h"
#include "schema/vm.capnp.h"
#include "schema/worker.capnp.h"

namespace ctys::schema {

namespace {

template <typename Root, typename Record>
std::vector<std::byte> encode_record(const Record& record) {
    return encode_frame<Root>([&](auto to) { put(to, record); });
}

} // namespace

std::vector<std::byte> encode(const VmRecord& record) {
    return encode_record<wire::VmRecord>(record);
}

std::vector<std::byte> encode(const PathRecord& record) {
    return encode_record<wire::PathRecord>(record);
}

std::vector<std::byte> encode(const InstanceRecord& record) {
    return encode_record<wire::InstanceRecord>(record);
}

std::vector<std::byte> encode(const WorkerRecord& record) {
    return encode_record<wire::WorkerRecord>(record);
}

std::vector<std::byte> encode(const ActionRecord& record) {
    return encode_record<wire::ActionRecord>(record);
}

std::vector<std::byte> encode(const Lease& record) {
    return encode_record<wire::Lease>(record);
}

std::vector<std::byte> encode(const PlanRecord& record) {
    return encode_record<wire::PlanRecord>(record);
}

std::vector<std::byte> encode(const PlanStepRecord& record) {
    return encode_record<wire::PlanStepRecord>(record);
}

std::vector<std::byte> encode(const Intent& record) {
    return encode_record<wire::Intent>(record);
}

Result<VmRecord> decode_vm(std::span<const std::byte> bytes) {
    return decode_frame<wire::VmRecord>(
        "VM record", bytes, [](Reading& in, auto from) { return take_vm(in, from); });
}

Result<VmRecord> decode_vm_brief(std::span<const std::byte> bytes) {
    return decode_frame<wire::VmRecord>(
        "VM record", bytes, [](Reading& in, auto from) { return take_vm_brief(in, from); });
}

Result<PathRecord> decode_path_brief(std::span<const std::byte> bytes) {
    return decode_frame<wire::PathRecord>(
        "path record", bytes, [](Reading& in, auto from) { return take_path_brief(in, from); });
}

Result<PathRecord> decode_path(std::span<const std::byte> bytes) {
    return decode_frame<wire::PathRecord>(
        "path record", bytes, [](Reading& in, auto from) { return take_path(in, from); });
}

Result<InstanceRecord> decode_instance(std::span<const std::byte> bytes) {
    return decode_frame<wire::InstanceRecord>(
        "instance record", bytes, [](Reading& in, auto from) { return take_instance(in, from); });
}

Result<WorkerRecord> decode_worker(std::span<const std::byte> bytes) {
    return decode_frame<wire::WorkerRecord>(
        "worker record", bytes, [](Reading& in, auto from) { return take_worker(in, from); });
}

Result<ActionRecord> decode_action(std::span<const std::byte> bytes) {
    return decode_frame<wire::ActionRecord>("action record", bytes, [](Reading& in, auto from) {
        return take_action_record(in, from);
    });
}

Result<Lease> decode_lease(std::span<const std::byte> bytes) {
    return decode_frame<wire::Lease>(
        "lease", bytes, [](Reading& in, auto from) { return take_lease(in, from); });
}

Result<PlanRecord> decode_plan(std::span<const std::byte> bytes) {
    return decode_frame<wire::PlanRecord>(
        "plan", bytes, [](Reading& in, auto from) { return take_plan(in, from); });
}

Result<PlanStepRecord> decode_plan_step(std::span<const std::byte> bytes) {
    return decode_frame<wire::PlanStepRecord>(
        "step of a plan", bytes, [](Reading& in, auto from) { return take_plan_step(in, from); });
}

Result<Intent> decode_intent(std::span<const std::byte> bytes) {
    return decode_frame<wire::Intent>(
        "intent", bytes, [](Reading& in, auto from) { return take_intent(in, from); });
}

} // namespace ctys::schema
