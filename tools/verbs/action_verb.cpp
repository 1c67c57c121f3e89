#include "tools/verbs/action_verb.h"

#include "mesh/core/address.h"
#include "tools/verbs/order.h"
#include "tools/verbs/rehearsal.h"
#include "tools/verbs/session.h"

namespace ctys::tools {

namespace {

// UX: what has no deadline of its own is waited for this long.
constexpr Duration default_patience = std::chrono::seconds{180};
constexpr std::size_t most_at_once = 256; // values of one filter

class ActionVerb final : public Subcommand {
public:
    explicit ActionVerb(const ActionWord& word) : word_(word) {}

    [[nodiscard]] std::string_view name() const override { return to_string(word_.verb); }
    [[nodiscard]] std::string_view summary() const override { return word_.summary; }
    [[nodiscard]] std::string_view examples() const override { return word_.examples; }
    [[nodiscard]] std::string subject() const override {
        return fmt::format("{}", fmt::join(targets_, " "));
    }

    void declare(Arguments& arguments) override {
        arguments.positionals("VM", targets_, Arguments::Need::Required, "label or address");
        arguments.flag("--no-wait", no_wait_, "print the id of the action and leave");
        arguments.text("--reason", reason_, "TEXT", "kept in the journal");
        arguments.flag("--dry-run", dry_run_, "say what would be asked, and do nothing");
        if (word_.takes_deadline) {
            arguments.span(
                "--deadline", deadline_, "the VM's time: the power is cut when it is over");
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
        std::vector<msg::Submit> orders;
        for (const auto& target : targets_) {
            auto address = Address::parse(target);
            if (!address) return tl::unexpected(address.error());
            orders.push_back(order_for(target, session));
        }
        if (dry_run_) return rehearse(session, orders);
        return carry_out(session,
                         std::move(orders),
                         no_wait_ ? Waiting::None : Waiting::Outcome,
                         default_patience);
    }

private:
    [[nodiscard]] msg::Submit order_for(const std::string& target, Session& session) const {
        msg::Submit order{.on = on_, .yes = session.globals().yes};
        order.action.id = session.new_action_id();
        order.action.verb = word_.verb;
        order.action.target = target;
        order.action.user = user_;
        order.action.deadline = deadline_;
        order.action.reason = reason_;
        if (reuse_) order.action.if_running = IfRunning::Reuse;
        return order;
    }

    ActionWord word_;
    std::vector<std::string> targets_;
    std::string on_;
    std::string user_;
    std::string reason_;
    std::optional<Duration> deadline_;
    bool no_wait_ = false;
    bool reuse_ = false;
    bool dry_run_ = false;
};

} // namespace

std::unique_ptr<Subcommand> make_action_verb(const ActionWord& word) {
    return std::make_unique<ActionVerb>(word);
}

} // namespace ctys::tools
