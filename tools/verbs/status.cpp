#include "tools/output/status_screen.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"

namespace ctys::tools {

namespace {

class StatusVerb final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "status"; }
    [[nodiscard]] std::string_view summary() const override { return "is everything well?"; }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys status\n  ctys status -o json\n";
    }
    void declare(Arguments& /*arguments*/) override {}

    [[nodiscard]] Status run(Session& session) override {
        auto status = session.rows_of<StatusRow>({.table = Table::Broker});
        if (!status) return tl::unexpected(status.error());
        if (status->empty()) return fail(ErrorCode::Malformed, "the broker told nothing");
        auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers});
        if (!workers) return tl::unexpected(workers.error());
        fmt::memory_buffer out;
        if (is_for_people(session.format())) {
            render_status(out, status->front(), *workers, session.view());
            return session.print(out);
        }
        JsonWriter json(out);
        append_status_json(json, status->front());
        out.push_back('\n');
        return session.print(out);
    }
};

} // namespace

std::unique_ptr<Subcommand> make_status() {
    return std::make_unique<StatusVerb>();
}

} // namespace ctys::tools
