#include "tools/verbs/factories.h"
#include "tools/verbs/order.h"
#include "tools/verbs/session.h"

namespace ctys::tools {

namespace {

constexpr Duration scan_patience = std::chrono::minutes{10};

class Scan final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "scan"; }
    [[nodiscard]] std::string_view summary() const override {
        return "let workers walk their pools now";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys scan            every worker that is alive\n  ctys scan lab02\n";
    }
    [[nodiscard]] std::string subject() const override {
        return fmt::format("{}", fmt::join(workers_, " "));
    }
    void declare(Arguments& arguments) override {
        arguments.positionals("WORKER", workers_, Arguments::Need::Optional, "else all");
        arguments.flag("--no-wait", no_wait_, "print the ids of the actions and leave");
    }

    [[nodiscard]] Status run(Session& session) override {
        if (workers_.empty()) {
            auto all = session.rows_of<WorkerRecord>({.table = Table::Workers});
            if (!all) return tl::unexpected(all.error());
            for (const auto& worker : *all) {
                if (worker.state == WorkerState::Alive) workers_.push_back(worker.name);
            }
            if (workers_.empty())
                return fail(ErrorCode::NotFound, "no worker is alive", "ctys workers");
        }
        std::vector<msg::Submit> orders;
        for (auto name : workers_) {
            if (!name.starts_with("w:")) name.insert(0, "w:");
            msg::Submit order;
            order.action.id = session.new_action_id();
            order.action.verb = Verb::Scan;
            order.action.target = name;
            orders.push_back(std::move(order));
        }
        return carry_out(
            session, std::move(orders), no_wait_ ? Waiting::None : Waiting::Outcome, scan_patience);
    }

private:
    std::vector<std::string> workers_;
    bool no_wait_ = false;
};

} // namespace

std::unique_ptr<Subcommand> make_scan() {
    return std::make_unique<Scan>();
}

} // namespace ctys::tools
