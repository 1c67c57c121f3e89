#pragma once

#include "broker/core/core.h"
#include "mesh/store/transaction.h"

namespace ctys::broker {

/// Table `plan`: of each plan one PlanRecord, and behind it a PlanStepRecord for each step.
class PlanRows {
public:
    explicit PlanRows(store::Table table) : table_(table) {}

    /// Errors of all: Storage.
    [[nodiscard]] Status put(store::WriteTransaction& transaction, const PlanRecord& plan) const;
    [[nodiscard]] Status put(store::WriteTransaction& transaction,
                             const PlanStepRecord& step) const;
    [[nodiscard]] Status erase(store::WriteTransaction& transaction, ActionId plan) const;
    /// Rows that cannot be decoded are left out: the core finds that its plan is not whole.
    void load(const store::ReadTransaction& transaction, Loaded& loaded) const;

private:
    store::Table table_;
};

} // namespace ctys::broker
