#include "tools/verbs/planning.h"

#include "mesh/core/address.h"
#include "mesh/core/text.h"
#include "mesh/setup/process.h"
#include "tools/verbs/confirm.h"

#include <algorithm>
#include <limits>

namespace ctys::tools {

void StackOptions::declare(Arguments& arguments, std::optional<Verb> verb) {
    const bool is_by_guest = verb == Verb::Init; // nothing is cut
    const bool reboots = !verb || is_rebooting(*verb) || is_by_guest;
    if (!is_by_guest && (reboots || *verb == Verb::Shutdown)) {
        arguments.flag("--shrink", shrink, "too short a deadline shortens every VM's share");
        arguments.flag(
            "--cut-unaskable", cut_unaskable, "VMs that cannot be asked are cut in their turn");
    }
    if (reboots || is_ending(*verb))
        arguments.flag("--self", self, "of w:WORKER: its own machine, too, as the last");
    if (reboots) arguments.flag("--no-restore", no_restore, "what ran inside is not started again");
    arguments.number("--width", width, "VMs of one machine at once; default 16");
}

void StackOptions::apply(Action& action) const {
    action.shrink = shrink;
    action.cut_unaskable = cut_unaskable;
    action.self = self;
    action.no_restore = no_restore;
    action.width = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(width.value_or(0), std::numeric_limits<std::uint32_t>::max()));
}

Status StackOptions::check(const std::vector<std::string>& targets, std::string_view words) const {
    if (width == 0)
        return fail(ErrorCode::Usage, "--width 0 would ask nobody, ever", "--width 1, or more");
    const bool names_workers =
        std::all_of(targets.begin(), targets.end(), [](const std::string& target) {
            return target != "*" && means_many(target);
        });
    if (!self || names_workers) return {};
    return fail(ErrorCode::Usage,
                "--self means the machine of a worker",
                fmt::format("ctys {} w:WORKER --self", words));
}

bool means_many(const std::string& target) {
    if (target == "*") return true;
    const auto address = Address::parse(target);
    return address && address->worker && !address->names_a_vm();
}

void tell_place(msg::Submit& order) {
    const auto facts = setup::read_machine_facts();
    if (facts) order.boot = facts->boot;
    // Only root may read what firmware says.
    order.platform = facts && facts->platform ? *facts->platform : setup::uuid_of_machine();
}

Result<PlanPicture> plan_of(Session& session, msg::Submit order) {
    auto connection = session.broker();
    if (!connection) return tl::unexpected(connection.error());
    order.action.dry_run = true;
    std::vector<Row> rows;
    auto asked = (*connection)->plan(order, [&](std::vector<Row>&& some) {
        rows.insert(
            rows.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    });
    if (!asked) return tl::unexpected(asked.error());
    return picture_of(std::move(rows));
}

Result<std::optional<PlanPicture>> plan_behind(Session& session, ActionId action) {
    auto connection = session.broker();
    if (!connection) return tl::unexpected(connection.error());
    std::vector<Row> rows;
    auto asked = (*connection)
                     ->ask({.table = Table::Plan, .address = action.to_string()},
                           [&](std::vector<Row>&& some) {
                               rows.insert(rows.end(),
                                           std::make_move_iterator(some.begin()),
                                           std::make_move_iterator(some.end()));
                           });
    if (!asked && asked.error().code == ErrorCode::NotFound) return std::optional<PlanPicture>{};
    if (!asked) return tl::unexpected(asked.error());
    return std::optional{picture_of(std::move(rows))};
}

namespace {

std::string closing_line(const PlanPicture& picture, std::string_view next) {
    if (picture.empty()) return "Nothing to do.\n";
    if (!picture.check_askable()) return "Nothing done, and as it stands it would be refused.\n";
    return fmt::format("Nothing done. To do it: {}\n", printable(next));
}

} // namespace

Status show_plan(Session& session, const PlanPicture& picture, std::string_view next) {
    fmt::memory_buffer out;
    if (is_for_people(session.format()) || session.format() == Format::Name) {
        render_plan(out, picture, session.view());
        if (!next.empty()) out.append(closing_line(picture, next));
    } else {
        JsonWriter json(out);
        append_plan_json(json, picture);
        out.push_back('\n');
    }
    return session.print(out);
}

Status agree_to_plan(Session& session, const msg::Submit& order) {
    if (session.globals().yes) return {};
    const auto picture = plan_of(session, order);
    if (!picture) return tl::unexpected(picture.error());
    if (auto shown = show_plan(session, *picture, {}); !shown) return shown;
    // Nobody is asked to agree to what is refused then, or to nothing.
    if (auto askable = picture->check_askable(); !askable) return askable;
    if (picture->empty()) return {};
    const auto count = picture->count_vms();
    return confirm(session,
                   fmt::format("{} {}{}?",
                               to_string(order.action.verb),
                               count == 1 ? "this one" : fmt::format("these {} VMs", count),
                               order.action.self && count > 1 ? ", the machine with them" : ""));
}

} // namespace ctys::tools
