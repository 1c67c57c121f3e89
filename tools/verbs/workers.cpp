#include "tools/output/worker_rows.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"

#include <algorithm>

namespace ctys::tools {

namespace {

class Workers final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "workers"; }
    [[nodiscard]] std::string_view summary() const override { return "the machines of the mesh"; }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys workers\n  ctys workers -o json\n";
    }
    void declare(Arguments& /*arguments*/) override {}

    [[nodiscard]] Status run(Session& session) override {
        auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers});
        if (!workers) return tl::unexpected(workers.error());
        std::sort(workers->begin(), workers->end(), [](const auto& a, const auto& b) {
            return a.name < b.name;
        });
        return session.print_rows(*workers, worker_listing());
    }
};

} // namespace

std::unique_ptr<Subcommand> make_workers() {
    return std::make_unique<Workers>();
}

} // namespace ctys::tools
