#include "broker/storage/plan_rows.h"

#include "mesh/store/keys.h"
#include "schema/codec.h"

#include <limits>

namespace ctys::broker {

Status PlanRows::put(store::WriteTransaction& transaction, const PlanRecord& plan) const {
    return transaction.put(table_, store::action_key(plan.action), schema::encode(plan));
}

Status PlanRows::put(store::WriteTransaction& transaction, const PlanStepRecord& step) const {
    return transaction.put(
        table_, store::plan_step_key(step.plan, step.index), schema::encode(step));
}

Status PlanRows::erase(store::WriteTransaction& transaction, ActionId plan) const {
    auto erased = transaction.erase_prefix(
        table_, store::action_key(plan), std::numeric_limits<std::size_t>::max());
    return erased ? Status{} : Status{tl::unexpected(erased.error())};
}

void PlanRows::load(const store::ReadTransaction& transaction, Loaded& loaded) const {
    transaction.scan(table_, {}, [&](store::Bytes key, store::Bytes value) {
        if (store::decode_action_key(key)) {
            if (auto plan = schema::decode_plan(value)) loaded.plans.push_back(std::move(*plan));
        } else if (auto step = schema::decode_plan_step(value)) {
            loaded.plan_steps.push_back(std::move(*step));
        }
        return true;
    });
}

} // namespace ctys::broker
