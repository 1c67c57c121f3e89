#include "tools/verbs/rehearsal.h"

#include "mesh/core/text.h"
#include "tools/client/sum_up.h"
#include "tools/verbs/planning.h"

namespace ctys::tools {

namespace {

/// When power would be cut, of what asks the guest.
std::string deadline_of(const PlanStep& step, const PlanPicture& picture) {
    const bool reboots = step.verb == Verb::Reboot;
    if (step.verb != Verb::Shutdown && !reboots) return {};
    const auto cut = cut_time(step, picture.plan.limited);
    if (!cut) return reboots ? std::string{} : "; power is not cut, however long it takes";
    return fmt::format(
        "; {} after {}", reboots ? "it is reset" : "power is cut", to_short_text(*cut));
}

std::string deed_of(const msg::Submit& order, const PlanPicture& picture, const VmRow& row) {
    if (picture.steps.empty()) {
        return picture.plan.notes.empty() ? std::string{"nothing to do"}
                                          : picture.plan.notes.front();
    }
    const auto& step = picture.steps.front().step;
    const auto place = step.worker_name.empty() ? std::string{} : " on " + step.worker_name;
    if (step.verb == Verb::Start) {
        const std::string_view from = !is_suspended_to_disk(row)   ? ""
                                      : order.action.discard_state ? ", without its saved state"
                                                                   : ", from its saved state";
        return fmt::format("would start{}{}", place, from);
    }
    switch (step.verb) {
    case Verb::Kill:
        return fmt::format("its power would be cut{}", place);
    case Verb::Pause:
        return fmt::format("would be paused{}", place);
    case Verb::Resume:
        return "would go on";
    case Verb::Suspend:
        return fmt::format("would be saved to disk{}, and its QEMU end", place);
    case Verb::Reset:
        return fmt::format("would be reset{}", place);
    case Verb::Init:
        return fmt::format("would be asked{} for run level {}", place, step.run_level.value_or(0));
    default:
        return fmt::format("would be asked{}{}", place, deadline_of(step, picture));
    }
}

Result<VmRow> row_of(Session& session, const msg::Submit& order, const PlanPicture& picture) {
    if (!picture.steps.empty()) {
        const auto& vm = picture.steps.front().step.vm;
        auto detail = session.vm_at(fmt::format("u:{}", vm));
        if (!detail) return tl::unexpected(detail.error());
        return std::move(detail->row);
    }
    auto detail = session.vm_at(order.action.target);
    if (!detail) return tl::unexpected(detail.error());
    return std::move(detail->row);
}

Status tell_one(Session& session, const msg::Submit& order, const PlanPicture& picture) {
    auto row = row_of(session, order, picture);
    if (!row) return tl::unexpected(row.error());
    const auto text = rehearsal_of(order, picture, *row);
    fmt::memory_buffer out;
    if (is_for_people(session.format()) || session.format() == Format::Name) {
        fmt::format_to(std::back_inserter(out), "{}. Nothing done.\n", printable(text));
        return session.print(out);
    }
    JsonWriter json(out);
    json.begin_object();
    json.member("verb", to_string(order.action.verb));
    json.member("label", row->label);
    json.member("vm", row->vm);
    json.member_or_null("worker",
                        picture.steps.empty() ? row->worker_name
                                              : picture.steps.front().step.worker_name);
    json.member("would", text);
    json.end_object();
    out.push_back('\n');
    return session.print(out);
}

Status rehearse_one(Session& session, const msg::Submit& order) {
    const auto picture = plan_of(session, order);
    if (!picture)
        return tl::unexpected(session.with_near_label(order.action.target, picture.error()));
    const bool is_many = !order.action.like_before.is_none() || means_many(order.action.target);
    if (picture->steps.size() > 1 || is_many) {
        if (auto shown = show_plan(session, *picture, "the same without --dry-run"); !shown)
            return shown;
    } else if (auto told = tell_one(session, order, *picture); !told) {
        return told;
    }
    return picture->check_askable();
}

} // namespace

std::string rehearsal_of(const msg::Submit& order, const PlanPicture& picture, const VmRow& row) {
    return fmt::format("{} {} (u:{}), {}{}: {}",
                       to_string(order.action.verb),
                       row.label,
                       row.vm,
                       to_string(row.state),
                       row.worker_name.empty() ? "" : " on " + row.worker_name,
                       deed_of(order, picture, row));
}

Status rehearse(Session& session, const std::vector<msg::Submit>& orders) {
    std::vector<FailedTarget> failures;
    for (const auto& order : orders) {
        if (auto told = rehearse_one(session, order); !told)
            failures.push_back({order.action.target, told.error()});
    }
    return sum_up(failures, orders.size());
}

} // namespace ctys::tools
