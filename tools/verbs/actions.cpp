#include "mesh/core/text.h"
#include "tools/output/action_rows.h"
#include "tools/verbs/factories.h"
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
               "  ctys actions cancel a-81d0b2   any prefix that is unique\n";
    }
    [[nodiscard]] std::string subject() const override {
        return id_.empty() ? what_ : fmt::format("{} {}", what_, id_);
    }
    void declare(Arguments& arguments) override {
        arguments.positional("list|show|cancel", what_, Arguments::Need::Optional, "what to do");
        arguments.positional("ID", id_, Arguments::Need::Optional, "action, or its beginning");
        arguments.flag("--all", all_, "with those that ended");
    }

    [[nodiscard]] Status run(Session& session) override {
        if (what_.empty() || what_ == "list") return list(session);
        if (what_ != "show" && what_ != "cancel") {
            return fail(ErrorCode::Usage,
                        fmt::format("no such thing to do: {}", printable(what_, 40)),
                        "ctys actions list|show|cancel");
        }
        if (id_.empty()) return fail(ErrorCode::Usage, "the id is missing", "ctys actions");
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

    Status show(Session& session) const {
        auto records =
            session.rows_of<ActionRecord>({.table = Table::Actions, .address = id_, .all = true});
        if (!records) return tl::unexpected(records.error());
        if (records->empty())
            return fail(ErrorCode::NotFound, "no action has this id", "ctys actions --all");
        if (records->size() > 1) {
            std::vector<std::string> candidates;
            for (const auto& record : *records)
                candidates.push_back(record.action.id.to_string());
            return fail(ErrorCode::Ambiguous,
                        fmt::format("{} actions begin like this", records->size()),
                        fmt::format("ctys actions show {}", candidates.front()),
                        candidates);
        }
        if (!is_for_people(session.format())) return session.print_rows(*records, action_listing());
        fmt::memory_buffer out;
        render_action(out, records->front(), session.view());
        return session.print(out);
    }

    Status cancel(Session& session) const {
        auto connection = session.broker();
        if (!connection) return tl::unexpected(connection.error());
        auto answer = (*connection)->request(msg::CancelAction{.action = id_});
        if (!answer) return tl::unexpected(answer.error());
        const auto* done = std::get_if<msg::Done>(&*answer);
        return session.print(
            fmt::format("{}\n", done != nullptr ? printable(done->text) : std::string{"done"}));
    }

    std::string what_;
    std::string id_;
    bool all_ = false;
};

} // namespace

std::unique_ptr<Subcommand> make_actions() {
    return std::make_unique<Actions>();
}

} // namespace ctys::tools
