#include "tools/client/terminal.h"
#include "tools/output/snapshot_rows.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/order.h"
#include "tools/verbs/session.h"

namespace ctys::tools {

namespace {

// A large VM on slow storage takes minutes; the agent gives up after ten.
constexpr Duration snapshot_patience = std::chrono::minutes{11};

/// "s-20261130-120800", in UTC.
std::string name_of_now() {
    auto text = wall_now().to_rfc3339().substr(0, 19); // 2026-11-30T12:08:00
    std::string name = "s-";
    for (const char c : text) {
        if (c == 'T') name += '-';
        if (c >= '0' && c <= '9') name += c;
    }
    return name;
}

class Snapshots final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "snapshot"; }
    [[nodiscard]] std::string_view summary() const override {
        return "snapshots of a running VM: save, list, revert, delete";
    }
    [[nodiscard]] std::string_view examples() const override {
        return R"(  ctys snapshot save web01 before-upgrade
  ctys snapshot save web01                      named after the time
  ctys snapshot list web01
  ctys snapshot revert web01 before-upgrade     disks, memory and devices as they were
  ctys snapshot delete web01 before-upgrade
Every writable disk must be qcow2. The VM stands while it is saved or loaded, and goes on as before.)";
    }
    [[nodiscard]] std::string subject() const override {
        return fmt::format("{} {}", what_, target_);
    }
    void declare(Arguments& arguments) override {
        arguments.positional(
            "save|list|revert|delete", what_, Arguments::Need::Required, "what to do");
        arguments.positional("VM", target_, Arguments::Need::Required, "label or address");
        arguments.positional("NAME", name_, Arguments::Need::Optional, "of the snapshot");
        arguments.flag("--no-wait", no_wait_, "print the id of the action and leave");
        arguments.text("--reason", reason_, "TEXT", "kept in the journal");
    }

    [[nodiscard]] Status run(Session& session) override {
        if (what_ == "list") return list(session);
        auto order = order_in_group(session, name(), what_, "save|list|revert|delete", target_);
        if (!order) return tl::unexpected(order.error());
        auto& action = order->action;
        action.snapshot = name_;
        if (action.verb == Verb::SaveSnapshot && name_.empty()) action.snapshot = name_of_now();
        action.reason = reason_;
        if (auto named = check_arguments(action); !named) return named;
        return carry_out(session,
                         {std::move(*order)},
                         no_wait_ ? Waiting::None : Waiting::Outcome,
                         snapshot_patience);
    }

private:
    [[nodiscard]] Status list(Session& session) const {
        if (!name_.empty())
            return fail(
                ErrorCode::Usage, "it lists every snapshot of the VM", "ctys snapshot list VM");
        const auto detail = session.vm_at(target_);
        if (!detail) return tl::unexpected(detail.error());
        const auto rows = snapshot_rows(*detail);
        if (!rows) return tl::unexpected(rows.error());
        return session.print_rows(*rows, snapshot_listing());
    }

    std::string what_;
    std::string target_;
    std::string name_;
    std::string reason_;
    bool no_wait_ = false;
};

} // namespace

std::unique_ptr<Subcommand> make_snapshot() {
    return std::make_unique<Snapshots>();
}

} // namespace ctys::tools
