#pragma once

#include "mesh/core/query.h"
#include "tools/output/json_writer.h"
#include "tools/output/view.h"

#include <string>
#include <vector>

namespace ctys::tools {

/// A plan with its steps, as the broker tells it.
struct PlanPicture {
    PlanRecord plan;
    std::vector<PlanStepRecord> steps;

    [[nodiscard]] std::size_t count_vms() const;
    /// Whether anything is to be done at all.
    [[nodiscard]] bool empty() const { return steps.empty(); }
    /// What of it would be refused because somebody cannot be asked. Errors: those of
    /// ctys::check_askable().
    [[nodiscard]] Status check_askable() const;
};
/// The rows of one answer; other rows are left out.
[[nodiscard]] PlanPicture picture_of(std::vector<Row> rows);

/// "4 VMs on 3 levels, at most 3:00"; without a deadline "about 3:00 if all take their time".
[[nodiscard]] std::string size_text(const PlanPicture& picture);

/// A headline, the steps as a tree with what carries before what is carried, what a person should
/// know. Of a plan that is carried out: what has become of each step.
void render_plan(fmt::memory_buffer& out, const PlanPicture& picture, const View& view);
void append_plan_json(JsonWriter& out, const PlanPicture& picture);

} // namespace ctys::tools
