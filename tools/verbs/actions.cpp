#include "mesh/core/text.h"
#include "tools/client/sum_up.h"
#include "tools/output/action_rows.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/planning.h"
#include "tools/verbs/session.h"

#include <algorithm>

namespace ctys::tools {

namespace {

class Actions final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "actions"; }
    [[nodiscard]] std::string_view summary() const override {
        return "what was asked: list, show, cancel";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys actions                   open ones\n"
               "  ctys actions --all             with those that ended\n"
               "  ctys actions show a-81d0b2\n"
               "  ctys actions cancel a-81d0b2   any prefix that is unique\n"
               "show and cancel take several IDs.\n";
    }
    [[nodiscard]] std::string subject() const override {
        return ids_.empty() ? what_ : fmt::format("{} {}", what_, fmt::join(ids_, " "));
    }
    void declare(Arguments& arguments) override {
        arguments.positional("list|show|cancel", what_, Arguments::Need::Optional, "what to do");
        arguments.positionals("ID", ids_, Arguments::Need::Optional, "action, or its beginning");
        arguments.flag("--all", all_, "with those that ended");
    }

    [[nodiscard]] Status run(Session& session) override {
        const bool lists = what_.empty() || what_ == "list";
        if (!lists && what_ != "show" && what_ != "cancel") {
            return fail(ErrorCode::Usage,
                        fmt::format("no such thing to do: {}", printable(what_, 40)),
                        "ctys actions list|show|cancel");
        }
        if (lists && !ids_.empty())
            return fail(ErrorCode::Usage, "a list takes no id", "ctys actions show " + ids_[0]);
        if (lists) return list(session);
        if (ids_.empty()) return fail(ErrorCode::Usage, "the id is missing", "ctys actions");
        return what_ == "show" ? show(session) : cancel(session);
    }

private:
    Status list(Session& session) const {
        auto records = session.rows_of<ActionRecord>({.table = Table::Actions, .all = all_});
        if (!records) return tl::unexpected(records.error());
        std::sort(records->begin(), records->end(), [](const auto& a, const auto& b) {
            return a.requested > b.requested;
        });
        return session.print_rows(*records, action_listing());
    }

    static Result<ActionRecord> find(Session& session, const std::string& id) {
        auto records =
            session.rows_of<ActionRecord>({.table = Table::Actions, .address = id, .all = true});
        if (!records) return tl::unexpected(records.error());
        if (records->empty())
            return fail(ErrorCode::NotFound, "no action has this id", "ctys actions --all");
        if (records->size() == 1) return std::move(records->front());
        std::vector<std::string> candidates;
        for (const auto& record : *records)
            candidates.push_back(record.action.id.to_string());
        return fail(ErrorCode::Ambiguous,
                    fmt::format("{} actions begin like this", records->size()),
                    fmt::format("ctys actions show {}", candidates.front()),
                    candidates);
    }

    Status show(Session& session) const {
        std::vector<ActionRecord> records;
        std::vector<FailedTarget> failures;
        for (const auto& id : ids_) {
            if (auto record = find(session, id)) {
                records.push_back(std::move(*record));
            } else {
                failures.push_back({id, record.error()});
            }
        }
        Status printed;
        if (is_for_people(session.format())) {
            fmt::memory_buffer out;
            for (const auto& record : records) {
                if (out.size() != 0) out.push_back('\n');
                render_action(out, record, session.view());
                const auto plan = plan_behind(session, record.action.id);
                if (!plan) return tl::unexpected(plan.error());
                if (*plan) render_plan(out, **plan, session.view());
            }
            printed = session.print(out);
        } else if (!records.empty()) {
            printed = session.print_rows(records, action_listing());
        }
        if (!printed) return printed;
        return sum_up(failures, ids_.size());
    }

    Status cancel(Session& session) const {
        auto connection = session.broker();
        if (!connection) return tl::unexpected(connection.error());
        std::vector<FailedTarget> failures;
        for (const auto& id : ids_) {
            auto answer =
                (*connection)->exchange(msg::CancelAction{.action = id}, (*connection)->patience());
            if (!answer) return tl::unexpected(answer.error());
            if (auto* failure = std::get_if<msg::Failure>(&*answer)) {
                failures.push_back({id, std::move(failure->error)});
                continue;
            }
            const auto* done = std::get_if<msg::Done>(&*answer);
            const auto text = done != nullptr ? printable(done->text) : std::string{"done"};
            auto printed = session.print(ids_.size() == 1 ? fmt::format("{}\n", text)
                                                          : fmt::format("{}  {}\n", id, text));
            if (!printed) return printed;
        }
        return sum_up(failures, ids_.size());
    }

    std::string what_;
    std::vector<std::string> ids_;
    bool all_ = false;
};

} // namespace

std::unique_ptr<Subcommand> make_actions() {
    return std::make_unique<Actions>();
}

} // namespace ctys::tools
