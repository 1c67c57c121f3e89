#include "tools/verbs/action_verb.h"

#include "mesh/core/address.h"
#include "mesh/core/text.h"
#include "tools/client/sum_up.h"
#include "tools/verbs/confirm.h"
#include "tools/verbs/order.h"
#include "tools/verbs/planning.h"
#include "tools/verbs/rehearsal.h"
#include "tools/verbs/session.h"
#include "tools/verbs/wrapper_options.h"

namespace ctys::tools {

namespace {

// UX: what has no deadline of its own is waited for this long.
constexpr Duration default_patience = std::chrono::seconds{180};
constexpr std::size_t most_at_once = 256; // values of one filter

std::string meaning_of_deadline(Verb verb) {
    switch (verb) {
    case Verb::Suspend:
        return "time to save: it runs on when it is over";
    case Verb::Reboot:
        return "the VM's time: it is reset when it is over";
    case Verb::Reset:
        return "time for what it carries to end before";
    default:
        return "the VM's time: the power is cut when it is over";
    }
}

/// "a, b and 7 more"
std::string short_list(const std::vector<std::string>& labels) {
    constexpr std::size_t most = 8; // of a sentence that people read
    const std::vector<std::string> named(
        labels.begin(),
        labels.begin() + static_cast<std::ptrdiff_t>(std::min(most, labels.size())));
    const auto text = fmt::format("{}", fmt::join(named, ", "));
    return labels.size() > most ? fmt::format("{} and {} more", text, labels.size() - most) : text;
}

class ActionVerb final : public Subcommand {
public:
    explicit ActionVerb(const ActionWord& word) : word_(word) {}

    [[nodiscard]] std::string_view name() const override { return to_string(word_.verb); }
    [[nodiscard]] std::string_view summary() const override { return word_.summary; }
    [[nodiscard]] std::string_view examples() const override { return word_.examples; }
    [[nodiscard]] std::string subject() const override {
        return all_ ? "--all" : fmt::format("{}", fmt::join(targets_, " "));
    }

    void declare(Arguments& arguments) override {
        const bool is_of_many = is_of_stacks(word_.verb) || word_.verb == Verb::Init;
        if (word_.verb == Verb::Init)
            arguments.positional("LEVEL", level_, Arguments::Need::Required, "run level, 0 to 6");
        const bool may_name_none = is_of_many || word_.verb == Verb::Start;
        arguments.positionals("VM",
                              targets_,
                              may_name_none ? Arguments::Need::Optional : Arguments::Need::Required,
                              is_of_many ? "label or address; w:WORKER means all on it"
                                         : "label or address");
        arguments.flag("--no-wait", no_wait_, "print the id of the action and leave");
        arguments.text("--reason", reason_, "TEXT", "kept in the journal");
        arguments.flag("--dry-run", dry_run_, "say what would be asked, and do nothing");
        if (word_.takes_deadline) {
            arguments.span("--deadline", deadline_, meaning_of_deadline(word_.verb));
        }
        if (is_of_many) {
            const bool ends = is_ending(word_.verb) || is_rebooting(word_.verb);
            arguments.flag("--all", all_, "every VM of the estate; shows the plan and asks");
            if (ends)
                arguments.flag("--force", force_, "this VM alone: what it carries ends with it");
            options_.declare(arguments, word_.verb);
        }
        if (word_.verb == Verb::Start) {
            arguments.flag("--stack", stack_, "start what carries it before it");
            arguments.flag("--discard-state",
                           discard_state_,
                           "boot it: what suspend has saved is thrown away");
            arguments.text(
                "--like-before", like_before_, "ID", "what this action has ended, not a VM");
            wrapper_.declare(arguments);
        }
        if (word_.takes_place) {
            arguments.text("--on", on_, "WORKER", "where; else the mesh chooses");
            arguments.text("--user", user_, "NAME", "account the VM runs as");
            arguments.flag("--reuse", reuse_, "it is fine when it runs already");
        }
    }

    [[nodiscard]] Status run(Session& session) override {
        if (targets_.size() > most_at_once) {
            return fail(ErrorCode::Usage,
                        fmt::format("{} VMs at once, at most {}", targets_.size(), most_at_once));
        }
        if (all_ && !targets_.empty())
            return fail(ErrorCode::Usage, "--all means every VM: no VM is named beside it");
        if (all_) targets_.emplace_back("*");
        ActionId before;
        if (!like_before_.empty()) {
            if (!targets_.empty())
                return fail(ErrorCode::Usage, "--like-before names no VM: it means several");
            auto found = find_action(session, like_before_);
            if (!found) return tl::unexpected(found.error());
            before = *found;
            targets_.push_back("like " + before.to_string());
        }
        if (targets_.empty()) {
            return fail(ErrorCode::Usage,
                        "the VM is missing",
                        fmt::format("ctys {} VM", to_string(word_.verb)));
        }
        const auto words = word_.verb == Verb::Init ? "init " + level_ : std::string{name()};
        if (auto able = options_.check(targets_, words); !able) return able;
        const auto asked = asked_verb();
        if (!asked) return tl::unexpected(asked.error());
        std::vector<msg::Submit> orders;
        for (const auto& target : targets_) {
            if (target != "*" && before.is_none()) {
                auto address = Address::parse(target);
                if (!address) return tl::unexpected(address.error());
            }
            orders.push_back(order_for(target, *asked, session));
            orders.back().action.like_before = before;
        }
        if (dry_run_) return rehearse(session, orders);
        for (auto& order : orders) {
            if (!is_of_stacks(asked->verb)) continue;
            if (means_many(order.action.target)) {
                if (auto agreed = agree_to_plan(session, order); !agreed) return agreed;
                order.yes = true;
            } else if (asked->verb == Verb::Kill) {
                if (auto agreed = agree_to_kill(session, order); !agreed) return agreed;
            }
        }
        return carry_out(session,
                         std::move(orders),
                         no_wait_ ? Waiting::None : Waiting::Outcome,
                         default_patience);
    }

private:
    struct Asked {
        Verb verb = Verb::Start;
        std::optional<std::uint8_t> run_level;
    };

    /// Levels 0 and 6 end and reboot a guest, and all it carries before.
    [[nodiscard]] Result<Asked> asked_verb() const {
        if (word_.verb != Verb::Init) return Asked{.verb = word_.verb, .run_level = {}};
        if (level_.size() != 1 || level_[0] < '0' || level_[0] > '6')
            return fail(ErrorCode::Usage,
                        fmt::format("\"{}\" is no run level: 0 to 6", printable(level_, 40)),
                        "ctys init 0 VM ends the guest, ctys init 6 VM reboots it");
        const auto level = static_cast<std::uint8_t>(level_[0] - '0');
        return Asked{.verb = level == 0   ? Verb::Shutdown
                             : level == 6 ? Verb::Reboot
                                          : Verb::Init,
                     .run_level = level};
    }

    static Result<ActionId> find_action(Session& session, const std::string& beginning) {
        auto records = session.rows_of<ActionRecord>(
            {.table = Table::Actions, .address = beginning, .all = true});
        if (!records) return tl::unexpected(records.error());
        if (records->size() != 1) {
            return fail(
                records->empty() ? ErrorCode::NotFound : ErrorCode::Ambiguous,
                fmt::format("{} actions begin with {}", records->size(), printable(beginning, 40)),
                "ctys actions --all");
        }
        return records->front().action.id;
    }

    /// Who cuts the power of a carrier is told what is inside, and asked where somebody can answer.
    static Status agree_to_kill(Session& session, const msg::Submit& order) {
        if (session.globals().yes) return {};
        auto unforced = order;
        unforced.action.force = false; // what is inside ends all the same
        const auto picture = plan_of(session, unforced);
        // What is refused is told by the order itself.
        if (!picture || picture->count_vms() < 2) return {};
        std::vector<std::string> inside;
        for (const auto& each : picture->steps) {
            if (each.step.level > 0) inside.push_back(each.step.label);
        }
        session.remark(fmt::format(
            "{} carries {}: they end with it", order.action.target, short_list(inside)));
        if (!has_terminal()) return {};
        return confirm(session, fmt::format("kill these {} VMs?", picture->count_vms()));
    }

    [[nodiscard]] msg::Submit
    order_for(const std::string& target, const Asked& asked, Session& session) const {
        msg::Submit order{.on = on_, .yes = session.globals().yes};
        order.action.id = session.new_action_id();
        order.action.verb = asked.verb;
        order.action.run_level = asked.run_level;
        order.action.target = target;
        order.action.user = user_;
        order.action.deadline = deadline_;
        order.action.reason = reason_;
        order.action.force = force_;
        if (is_of_stacks(asked.verb)) options_.apply(order.action);
        tell_place(order);
        order.action.stack = stack_;
        order.action.discard_state = discard_state_;
        order.action.options = wrapper_.words();
        if (reuse_) order.action.if_running = IfRunning::Reuse;
        return order;
    }

    ActionWord word_;
    std::vector<std::string> targets_;
    std::string level_;
    std::string on_;
    std::string user_;
    std::string reason_;
    std::optional<Duration> deadline_;
    bool no_wait_ = false;
    bool reuse_ = false;
    bool dry_run_ = false;
    bool all_ = false;
    bool force_ = false;
    bool stack_ = false;
    bool discard_state_ = false;
    std::string like_before_;
    StackOptions options_;
    WrapperOptions wrapper_;
};

} // namespace

std::unique_ptr<Subcommand> make_action_verb(const ActionWord& word) {
    return std::make_unique<ActionVerb>(word);
}

} // namespace ctys::tools
