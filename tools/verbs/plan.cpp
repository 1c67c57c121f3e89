#include "mesh/core/exact_text.h"
#include "mesh/core/text.h"
#include "tools/client/sum_up.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/planning.h"

namespace ctys::tools {

namespace {

class PlanVerb final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "plan"; }
    [[nodiscard]] std::string_view summary() const override {
        return "what would be done to a stack, in which order; does nothing";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys plan shutdown lab02 --deadline 3m\n"
               "  ctys plan shutdown w:rack1             every VM on the worker\n"
               "  ctys plan shutdown --all               the whole estate\n"
               "  ctys plan pause lab02 -o json | jq '.steps[].label'\n"
               "  ctys plan shutdown lab02 --exit-code   10 when there is something to do\n"
               "  ctys plan reboot lab02                 what is ended, and started again\n"
               "Verbs: shutdown, kill, pause, suspend, reboot, reset, init:0, init:6 (inner VMs\n"
               "first), resume (outer first).\n"
               "Each VM has until the end of its share; its carrier's turn comes when all inside\n"
               "is gone, or under a deadline when their share is over. Of resume the turn of what\n"
               "is inside comes when its carrier goes on. A start: ctys start VM --dry-run.\n";
    }
    [[nodiscard]] std::string subject() const override {
        return fmt::format(
            "{} {}", verb_, all_ ? "--all" : fmt::format("{}", fmt::join(targets_, " ")));
    }
    [[nodiscard]] std::vector<std::string_view> formats() const override {
        return {"table", "json"};
    }
    void declare(Arguments& arguments) override {
        arguments.positional("VERB", verb_, Arguments::Need::Required, "what would be done");
        arguments.positionals(
            "TARGET", targets_, Arguments::Need::Optional, "VMs, or w:WORKER for all on it");
        arguments.flag("--all", all_, "every VM of the estate");
        arguments.span(
            "--deadline", deadline_, "of the whole plan: then power is cut (suspend: it runs on)");
        options_.declare(arguments, std::nullopt);
        arguments.flag("--exit-code", exit_code_, "status 10 when there is something to do");
    }

    [[nodiscard]] Status run(Session& session) override {
        std::optional<std::uint8_t> run_level;
        if (verb_ == "init:0") run_level = std::uint8_t{0};
        if (verb_ == "init:6") run_level = std::uint8_t{6};
        const auto verb = run_level ? std::optional{*run_level == 0 ? Verb::Shutdown : Verb::Reboot}
                                    : verb_from_text(verb_);
        if (!verb || !is_of_stacks(*verb)) {
            // Also one that has a plan behind it, as of --stack and --like-before.
            const bool is_start = verb == Verb::Start;
            return fail(ErrorCode::Usage,
                        fmt::format("there is no plan to {}", printable(verb_, 40)),
                        is_start ? "ctys start VM --dry-run"
                                 : "ctys plan shutdown|kill|pause|suspend|resume|reboot|reset|"
                                   "init:0|init:6 VM");
        }
        const bool has_time =
            is_rebooting(*verb) || *verb == Verb::Shutdown || *verb == Verb::Suspend;
        if (deadline_ && !has_time)
            return fail(ErrorCode::Usage,
                        fmt::format("{} takes no time that --deadline could bound", verb_),
                        fmt::format("ctys plan {} VM", verb_));
        if (all_ && !targets_.empty())
            return fail(ErrorCode::Usage, "--all means every VM: no target is named beside it");
        if (all_) targets_.emplace_back("*");
        if (targets_.empty())
            return fail(ErrorCode::Usage, "the target is missing", "ctys plan shutdown VM");
        if (auto able = options_.check(targets_, spoken_verb()); !able) return able;
        std::vector<FailedTarget> failures;
        for (const auto& target : targets_) {
            msg::Submit order{.yes = session.globals().yes};
            order.action.id = session.new_action_id();
            order.action.verb = *verb;
            order.action.target = target;
            order.action.deadline = deadline_;
            order.action.run_level = run_level;
            options_.apply(order.action);
            auto picture = plan_of(session, order);
            // Nothing runs: that is a plan, too.
            const auto named = target == "*" ? std::string{"--all"} : target;
            if (!picture && picture.error().message == nothing_runs) {
                session.remark(fmt::format("{}: {}", named, nothing_runs));
                continue;
            }
            if (!picture) {
                failures.push_back({named, picture.error()});
                continue;
            }
            something_to_do_ = something_to_do_ || !picture->empty();
            if (auto shown = show_plan(session, *picture, words_for(target)); !shown) return shown;
            // Who would do it is refused, and looks at it to learn why.
            if (auto askable = picture->check_askable(); !askable)
                failures.push_back({named, askable.error()});
        }
        return sum_up(failures, targets_.size());
    }
    [[nodiscard]] int status_when_done() const override {
        constexpr int changes = 10; // DESIGN: Tools
        return exit_code_ && something_to_do_ ? changes : 0;
    }

private:
    /// "init 0" of "init:0".
    [[nodiscard]] std::string spoken_verb() const {
        auto verb = verb_;
        if (const auto colon = verb.find(':'); colon != std::string::npos) verb[colon] = ' ';
        return verb;
    }

    /// The command that does it.
    [[nodiscard]] std::string words_for(const std::string& target) const {
        auto words = fmt::format("ctys {} {}", spoken_verb(), target == "*" ? "--all" : target);
        if (deadline_) words += fmt::format(" --deadline {}", exact_text(*deadline_));
        if (options_.shrink) words += " --shrink";
        if (options_.cut_unaskable) words += " --cut-unaskable";
        if (options_.self) words += " --self";
        if (options_.no_restore) words += " --no-restore";
        if (options_.width) words += fmt::format(" --width {}", *options_.width);
        return words;
    }

    std::string verb_;
    std::vector<std::string> targets_;
    StackOptions options_;
    std::optional<Duration> deadline_;
    bool all_ = false;
    bool exit_code_ = false;
    bool something_to_do_ = false;
};

} // namespace

std::unique_ptr<Subcommand> make_plan() {
    return std::make_unique<PlanVerb>();
}

} // namespace ctys::tools
