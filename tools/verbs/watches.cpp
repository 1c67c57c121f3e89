#include "tools/output/action_rows.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"

namespace ctys::tools {

namespace {

class Watches final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "watches"; }
    [[nodiscard]] std::string_view summary() const override {
        return "who follows events, and how far behind";
    }
    [[nodiscard]] std::string_view examples() const override { return "  ctys watches\n"; }
    void declare(Arguments& /*arguments*/) override {}

    [[nodiscard]] Status run(Session& session) override {
        auto watches = session.rows_of<WatchRow>({.table = Table::Watches});
        if (!watches) return tl::unexpected(watches.error());
        return session.print_rows(*watches, watch_listing());
    }
};

} // namespace

std::unique_ptr<Subcommand> make_watches() {
    return std::make_unique<Watches>();
}

} // namespace ctys::tools
