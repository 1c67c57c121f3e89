#pragma once

#include "mesh/core/intent.h"
#include "mesh/core/message.h"
#include "schema/reading.h"

/// One `put` and one `take_...` per value that several messages contain. They are templates over
/// the generated builder or reader, so that this header needs none of the generated ones; each is
/// instantiated, for the one type that fits, at the end of the file that defines it.
namespace ctys::schema {

// codec_types.cpp
template <typename To>
void put(To to, const Error& value);
template <typename To>
void put(To to, const Principal& value);
template <typename To>
void put(To to, const Filter& value);
template <typename From>
[[nodiscard]] Error take_error(Reading& in, From from);
template <typename From>
[[nodiscard]] Principal take_principal(Reading& in, From from);
template <typename From>
[[nodiscard]] Filter take_filter(Reading& in, From from);

// codec_vm.cpp
template <typename To>
void put(To to, const VmRecord& value);
template <typename To>
void put(To to, const PathRecord& value);
template <typename To>
void put(To to, const InstanceKey& value);
template <typename To>
void put(To to, const InstanceRecord& value);
template <typename To>
void put(To to, const Lease& value);
template <typename From>
[[nodiscard]] VmRecord take_vm(Reading& in, From from);
template <typename From>
[[nodiscard]] VmRecord take_vm_brief(Reading& in, From from);
template <typename From>
[[nodiscard]] PathRecord take_path(Reading& in, From from);
template <typename From>
[[nodiscard]] PathRecord take_path_brief(Reading& in, From from);
template <typename From>
[[nodiscard]] InstanceKey take_instance_key(Reading& in, From from);
template <typename From>
[[nodiscard]] InstanceRecord take_instance(Reading& in, From from);
template <typename From>
[[nodiscard]] Lease take_lease(Reading& in, From from);

// codec_worker.cpp
template <typename To>
void put(To to, const StreamMark& value);
template <typename To>
void put(To to, const WorkerRecord& value);
template <typename From>
[[nodiscard]] StreamMark take_mark(Reading& in, From from);
template <typename From>
[[nodiscard]] WorkerRecord take_worker(Reading& in, From from);

// codec_action.cpp
template <typename To>
void put(To to, const Action& value);
template <typename To>
void put(To to, const ActionRecord& value);
template <typename To>
void put(To to, const Intent& value);
template <typename From>
[[nodiscard]] Action take_action(Reading& in, From from);
template <typename From>
[[nodiscard]] ActionRecord take_action_record(Reading& in, From from);
template <typename From>
[[nodiscard]] Intent take_intent(Reading& in, From from);

// codec_plan.cpp
template <typename To>
void put(To to, const PlanRecord& value);
template <typename To>
void put(To to, const PlanStepRecord& value);
template <typename From>
[[nodiscard]] PlanRecord take_plan(Reading& in, From from);
template <typename From>
[[nodiscard]] PlanStepRecord take_plan_step(Reading& in, From from);

// codec_query.cpp
template <typename To>
void put(To to, const Query& value);
template <typename To>
void put_row(To to, const Row& value);
template <typename From>
[[nodiscard]] Query take_query(Reading& in, From from);
template <typename From>
[[nodiscard]] Row take_row(Reading& in, From from);

// put_body.cpp, take_body.cpp: a body to and from the union of the envelope
template <typename To>
void put_body(To to, const Body& value);
template <typename From>
[[nodiscard]] Body take_body(Reading& in, From from);

} // namespace ctys::schema
