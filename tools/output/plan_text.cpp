#include "tools/output/plan_text.h"

#include "mesh/core/text.h"
#include "tools/output/table.h"

#include <algorithm>

namespace ctys::tools {

namespace {

/// "0:40", "1:02:03": what a plan's times are read as.
std::string minutes_text(Duration span) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span).count();
    const auto hours = seconds / 3600;
    if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, seconds / 60 % 60, seconds % 60);
    return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

constexpr std::uint8_t power_off = 0; // run levels
constexpr std::uint8_t reboot = 6;

bool rises(const PlanStepRecord& each) {
    return is_outer_first(each.step.verb);
}

std::string_view means_of(const PlanStep& step, Verb of_plan) {
    switch (step.verb) {
    case Verb::Start:
        return of_plan == Verb::Resume ? "state from disk" : "start";
    case Verb::Kill:
        return "power cut";
    case Verb::Shutdown:
        if (!step.can_ask) return "cannot be asked";
        if (step.owner != Owner::Ctys && step.owner != Owner::ByHand) return "by its owner";
        return step.guest_agent ? "guest agent" : "power button";
    case Verb::Init:
        return step.run_level == power_off ? "its own power-off"
               : step.run_level == reboot  ? "its own reboot"
                                           : "run level inside";
    case Verb::Suspend:
        return "state to disk";
    default:
        return to_string(step.verb);
    }
}

/// What becomes of those inside whom nobody can order now.
std::string unreached_text(const PlanStep& step) {
    const auto labels = fmt::format("{}", fmt::join(step.unreached, ", "));
    const std::string_view s = step.unreached.size() == 1 ? "s" : "";
    switch (step.verb) {
    case Verb::Kill:
    case Verb::Reset:
        return fmt::format("{} end{} with it", labels, s);
    case Verb::Pause:
    case Verb::Suspend:
        return fmt::format("{} stand{} with it", labels, s);
    case Verb::Start:
    case Verb::Resume:
        return fmt::format("nobody can resume {}", labels);
    default:
        return fmt::format("its own agent ends {}", labels);
    }
}

/// Who is drawn below whom: what is carried below what carries it. Of the steps that end things, or
/// of those that raise them.
class Tree {
public:
    Tree(const PlanPicture& picture, bool of_rising)
        : picture_(picture), below_(picture.steps.size()) {
        std::vector<bool> is_below(picture.steps.size());
        const auto& steps = picture.steps;
        for (const auto& each : steps) {
            for (const auto before : each.step.after) {
                if (before >= steps.size() || each.index >= steps.size()) continue;
                if (rises(each) != of_rising || rises(steps[before]) != of_rising) continue;
                const auto outer = of_rising ? before : each.index;
                const auto inner = of_rising ? each.index : before;
                if (steps[inner].step.level <= steps[outer].step.level) continue; // beside it
                below_[outer].push_back(inner);
                is_below[inner] = true;
            }
        }
        for (std::uint32_t i = 0; i < steps.size(); ++i) {
            if (!is_below[i] && rises(steps[i]) == of_rising) roots_.push_back(i);
        }
    }

    [[nodiscard]] const std::vector<std::uint32_t>& roots() const { return roots_; }
    [[nodiscard]] const std::vector<std::uint32_t>& below(std::uint32_t step) const {
        return below_[step];
    }

private:
    const PlanPicture& picture_;
    std::vector<std::vector<std::uint32_t>> below_;
    std::vector<std::uint32_t> roots_;
};

struct Line {
    std::string name;
    std::string what;
    std::string when;
    std::string text;
    Tone tone = Tone::Plain;
};

class Lines {
public:
    Lines(const PlanPicture& picture, const View& view, bool of_rising)
        : picture_(picture), view_(view), tree_(picture, of_rising), drawn_(picture.steps.size()) {
        const auto& roots = tree_.roots();
        std::vector<Place> open;
        for (auto root = roots.rbegin(); root != roots.rend(); ++root) {
            open.push_back({*root, {}, {}});
        }
        while (!open.empty()) {
            const auto place = std::move(open.back());
            open.pop_back();
            // Each once, whatever circles a broker may tell of.
            if (drawn_[place.index]) continue;
            drawn_[place.index] = true;
            add(place);
            add_below(place, open);
        }
    }

    void render(fmt::memory_buffer& out) const {
        std::size_t name = 0;
        std::size_t what = 0;
        std::size_t when = 0;
        for (const auto& line : lines_) {
            name = std::max(name, display_width(line.name));
            what = std::max(what, display_width(line.what));
            when = std::max(when, display_width(line.when));
        }
        const auto pad = [](std::string text, std::size_t width) {
            return text.append(width - display_width(text), ' ');
        };
        for (const auto& line : lines_) {
            auto text = fmt::format("{}  {}  {}  {}",
                                    pad(line.name, name),
                                    pad(line.what, what),
                                    pad(line.when, when),
                                    line.text);
            text.erase(text.find_last_not_of(' ') + 1);
            if (view_.width != 0) text = cut_to(text, view_.width, view_.utf8);
            fmt::format_to(
                std::back_inserter(out), "{}\n", toned(printable(text), line.tone, view_));
        }
    }

private:
    struct Place {
        std::uint32_t index = 0;
        std::string branch; ///< before its name
        std::string below;  ///< before the branches of what is below it
    };
    /// Bytes before a name: stacks are not so deep, and a broker that says so fills no memory.
    static constexpr std::size_t widest = 256;

    void add(const Place& place) {
        const auto& record = picture_.steps[place.index];
        const auto& step = record.step;
        Line line{.name = place.branch + step.label, .what = {}, .when = {}, .text = {}};
        if (picture_.plan.action.is_none()) {
            line.what = means_of(step, picture_.plan.verb);
            // When a machine has booted nobody knows.
            if (step.boot.is_none() || !is_outer_first(step.verb))
                line.when =
                    fmt::format("{} - {}", minutes_text(step.begin), minutes_text(step.until));
            line.text = after_text(step);
            // Under one deadline that is the end of each share.
            const bool by_grace = step.grace && step.verb == Verb::Shutdown;
            const auto cut = cut_time(step, picture_.plan.limited);
            if (by_grace && cut) {
                line.text += fmt::format(
                    "{}cut by {} (its GRACE)", line.text.empty() ? "" : "; ", minutes_text(*cut));
            }
            if (!step.can_ask) line.tone = Tone::Warn;
        } else {
            line.what = to_string(record.state);
            if (is_over(record.state)) line.when = minutes_text(record.over);
            line.text = record.text;
            if (record.state == StepState::Failed) line.tone = Tone::Bad;
        }
        if (!step.unreached.empty()) {
            line.text += fmt::format("{}{}", line.text.empty() ? "" : "; ", unreached_text(step));
        }
        lines_.push_back(std::move(line));
    }

    void add_below(const Place& place, std::vector<Place>& open) const {
        const auto& inner = tree_.below(place.index);
        for (auto each = inner.rbegin(); each != inner.rend(); ++each) {
            const bool last = *each == inner.back();
            const std::string_view twig =
                view_.utf8 ? (last ? "└─ " : "├─ ") : (last ? "`- " : "|- ");
            const std::string_view bar = last ? "   " : view_.utf8 ? "│  " : "|  ";
            auto deeper = place.below;
            if (deeper.size() < widest) deeper += bar;
            open.push_back({*each, place.below + std::string{twig}, std::move(deeper)});
        }
    }

    [[nodiscard]] std::string after_text(const PlanStep& step) const {
        std::vector<std::string_view> labels;
        for (const auto before : step.after) {
            if (before >= picture_.steps.size()) continue;
            const auto& other = picture_.steps[before].step;
            if (other.verb == Verb::Init && other.level == step.level)
                return "if it has not gone by then";
            const bool comes_up = is_rebooting(other.verb) || other.verb == Verb::Init;
            if (comes_up && is_outer_first(step.verb))
                return fmt::format("when {} has called again", step.worker_name);
            labels.emplace_back(other.label);
        }
        constexpr std::size_t most = 4;
        if (labels.empty()) return {};
        if (labels.size() > most) return fmt::format("after {} VMs", labels.size());
        return fmt::format("after {}", fmt::join(labels, ", "));
    }

    const PlanPicture& picture_;
    const View& view_;
    Tree tree_;
    std::vector<bool> drawn_;
    std::vector<Line> lines_;
};

std::string count_text(const PlanPicture& picture) {
    const auto vms = picture.count_vms();
    const auto levels = picture.plan.levels;
    return fmt::format(
        "{} VM{} on {} level{}", vms, vms == 1 ? "" : "s", levels, levels == 1 ? "" : "s");
}

std::string headline_of(const PlanPicture& picture) {
    const auto& plan = picture.plan;
    auto text = fmt::format("{} {}: ",
                            to_string(plan.verb),
                            plan.target == "*" ? "everything" : printable(plan.target));
    if (!plan.action.is_none())
        return text + fmt::format("{}, {} spent", count_text(picture), to_short_text(plan.spent));
    text += size_text(picture);
    if (plan.verb != Verb::Shutdown && !is_rebooting(plan.verb)) return text;
    const bool cuts = std::any_of(picture.steps.begin(), picture.steps.end(), [](const auto& each) {
        return each.step.cuts || each.step.verb == Verb::Kill;
    });
    return text + (cuts ? ", nothing is cut before its own deadline" : ", nothing is cut");
}

} // namespace

PlanPicture picture_of(std::vector<Row> rows) {
    PlanPicture picture;
    for (auto& row : rows) {
        if (auto* plan = std::get_if<PlanRecord>(&row)) picture.plan = std::move(*plan);
        if (auto* step = std::get_if<PlanStepRecord>(&row))
            picture.steps.push_back(std::move(*step));
    }
    return picture;
}

namespace {

Plan whole_of(const PlanPicture& picture) {
    Plan whole;
    whole.steps.reserve(picture.steps.size());
    for (const auto& each : picture.steps) {
        whole.steps.push_back(each.step);
    }
    return whole;
}

} // namespace

std::size_t PlanPicture::count_vms() const {
    return whole_of(*this).count_vms();
}

Status PlanPicture::check_askable() const {
    return ctys::check_askable(whole_of(*this), plan.verb);
}

std::string size_text(const PlanPicture& picture) {
    const auto& plan = picture.plan;
    return fmt::format(
        "{}, {}",
        count_text(picture),
        plan.limited ? fmt::format("at most {}", minutes_text(plan.until))
                     : fmt::format("about {} if all take their time", minutes_text(plan.needed)));
}

void render_plan(fmt::memory_buffer& out, const PlanPicture& picture, const View& view) {
    const auto write = [&](const std::string& line) {
        fmt::format_to(std::back_inserter(out), "{}\n", printable(line));
    };
    write(headline_of(picture));
    const bool has_rising = std::any_of(picture.steps.begin(), picture.steps.end(), rises);
    const bool has_others = !std::all_of(picture.steps.begin(), picture.steps.end(), rises);
    if (has_others || !has_rising) Lines(picture, view, false).render(out);
    if (has_others && has_rising) write("started again afterwards, from the outside:");
    if (has_rising) Lines(picture, view, true).render(out);
    if (picture.plan.action.is_none() && picture.plan.critical.size() > 1) {
        std::vector<std::string_view> labels;
        for (const auto index : picture.plan.critical) {
            if (index < picture.steps.size()) labels.emplace_back(picture.steps[index].step.label);
        }
        write(fmt::format("critical path: {}", fmt::join(labels, " > ")));
    }
    for (const auto& note : picture.plan.notes) {
        write(fmt::format("note: {}", note));
    }
}

void append_plan_json(JsonWriter& out, const PlanPicture& picture) {
    const auto& plan = picture.plan;
    out.begin_object();
    out.member_or_null("action", plan.action.is_none() ? "" : plan.action.to_string());
    out.member("verb", to_string(plan.verb));
    out.member("target", plan.target);
    out.member("levels", std::uint64_t{plan.levels});
    out.member("needed_s", plan.needed);
    out.member("until_s", plan.until);
    out.member("limited", plan.limited);
    out.key("steps");
    out.begin_array();
    for (const auto& each : picture.steps) {
        const auto& step = each.step;
        out.begin_object();
        out.member("index", std::uint64_t{each.index});
        out.member("label", step.label);
        out.member("vm", step.vm);
        out.member("worker", step.worker_name);
        out.member("verb", to_string(step.verb));
        out.member("level", std::uint64_t{step.level});
        out.key("after");
        out.begin_array();
        for (const auto before : step.after) {
            out.value(std::uint64_t{before});
        }
        out.end_array();
        out.member("begin_s", step.begin);
        out.member("until_s", step.until);
        out.member("cuts", step.cuts);
        if (const auto cut = cut_time(step, plan.limited)) {
            out.member("cut_s", *cut);
        } else {
            out.key("cut_s");
            out.null();
        }
        out.member("can_ask", step.can_ask);
        out.member("guest_agent", step.guest_agent);
        if (step.run_level) out.member("run_level", std::uint64_t{*step.run_level});
        if (!plan.action.is_none()) {
            out.member("state", to_string(each.state));
            out.member_or_null("order", each.action.is_none() ? "" : each.action.to_string());
            out.member_or_null("text", each.text);
        }
        out.end_object();
    }
    out.end_array();
    out.key("critical");
    out.begin_array();
    for (const auto index : plan.critical) {
        out.value(std::uint64_t{index});
    }
    out.end_array();
    out.key("notes");
    out.begin_array();
    for (const auto& note : plan.notes) {
        out.value(note);
    }
    out.end_array();
    out.end_object();
}

} // namespace ctys::tools
