#include "tests/support/specimens.h"

#include "schema/codec.h"
#include "tests/support/samples.h"

namespace ctys::samples {

namespace {

using Bytes = std::span<const std::byte>;

template <typename T>
Specimen specimen(std::string name,
                  const T& sample,
                  std::vector<std::byte> bytes,
                  Result<T> (*decode)(Bytes)) {
    return {
        .name = std::move(name),
        .bytes = std::move(bytes),
        .is_decoded_from =
            [sample, decode](Bytes from) {
                const auto value = decode(from);
                return value && *value == sample;
            },
        .can_decode = [decode](Bytes from) { return decode(from).has_value(); },
    };
}

template <typename T>
Specimen record(std::string name, const T& sample, Result<T> (*decode)(Bytes)) {
    return specimen("record_" + name, sample, schema::encode(sample), decode);
}

} // namespace

std::vector<Specimen> specimens() {
    std::vector<Specimen> out = {
        record("vm", vm(), schema::decode_vm),
        record("vm_with_policy", vm_with_policy(), schema::decode_vm),
        record("vm_with_remarks", vm_with_remarks(), schema::decode_vm),
        record("vm_with_further_file", vm_with_further_file(), schema::decode_vm),
        record("path", path(), schema::decode_path),
        record("instance", instance(), schema::decode_instance),
        record("instance_with_drives", instance_with_drives(), schema::decode_instance),
        record("instance_with_snapshots", instance_with_snapshots(), schema::decode_instance),
        record("instance_with_guest_agent", instance_with_guest_agent(), schema::decode_instance),
        record("worker", worker(), schema::decode_worker),
        record("worker_equipped", worker_equipped(), schema::decode_worker),
        record("worker_inside", worker_inside(), schema::decode_worker),
        record("worker_ended", worker_ended(), schema::decode_worker),
        record("action", action_record(), schema::decode_action),
        record("action_on_instance", action_on_instance(), schema::decode_action),
        record("action_of_stack", action_of_stack(), schema::decode_action),
        record("action_without_state", action_without_state(), schema::decode_action),
        record("action_of_machine", action_of_machine(), schema::decode_action),
        record("action_of_media", action_of_media(), schema::decode_action),
        record("action_with_options", action_with_options(), schema::decode_action),
        record("action_of_snapshot", action_of_snapshot(), schema::decode_action),
        record("lease", lease(), schema::decode_lease),
        record("plan", plan(), schema::decode_plan),
        record("plan_step", plan_step(), schema::decode_plan_step),
        record("plan_step_of_machine", plan_step_of_machine(), schema::decode_plan_step),
        record("plan_step_by_guest_agent", plan_step_by_guest_agent(), schema::decode_plan_step),
        record("intent", intent(), schema::decode_intent),
        record("intent_of_media", intent_of_media(), schema::decode_intent),
        record("intent_of_snapshot", intent_of_snapshot(), schema::decode_intent),
    };
    for (const auto& [name, event] : events_by_payload()) {
        out.push_back(
            specimen("event_" + name, event, *schema::encode_event(event), schema::decode_event));
    }
    auto all = bodies();
    for (auto& each : later_bodies()) {
        all.push_back(std::move(each));
    }
    for (const auto& [name, body] : all) {
        const Envelope envelope{.correlation = 0x0123456789abcdef, .body = body};
        out.push_back(specimen(
            "envelope_" + name, envelope, schema::encode(envelope), schema::decode_envelope));
    }
    return out;
}

} // namespace ctys::samples
