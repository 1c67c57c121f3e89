#include "mesh/core/text.h"
#include "tools/output/worker_rows.h"
#include "tools/verbs/confirm.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"

namespace ctys::tools {

namespace {

class Worker final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "worker"; }
    [[nodiscard]] std::string_view summary() const override {
        return "one machine: show, fence, forget";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys worker show lab02\n"
               "  ctys worker fence lab07 --reason 'power is off, seen by eye'\n"
               "      its VMs are declared dead and may start elsewhere: only when the machine\n"
               "      surely runs none of them any more\n"
               "  ctys worker forget lab07       removes a machine that will not come back\n";
    }
    [[nodiscard]] std::string subject() const override {
        return fmt::format("{} {}", what_, worker_);
    }
    void declare(Arguments& arguments) override {
        arguments.positional("show|fence|forget", what_, Arguments::Need::Required, "what to do");
        arguments.positional("WORKER", worker_, Arguments::Need::Required, "its name");
        arguments.text("--reason", reason_, "TEXT", "kept in the journal");
    }

    [[nodiscard]] Status run(Session& session) override {
        if (worker_.starts_with("w:")) worker_.erase(0, 2);
        if (what_ == "show") return show(session);
        using What = msg::Administer::What;
        if (what_ == "fence") {
            auto agreed = confirm(session,
                                  fmt::format("Every VM that may run on {} is declared dead and "
                                              "may be started elsewhere. Is its power off?",
                                              worker_));
            if (!agreed) return agreed;
            return administer(session, What::FenceWorker);
        }
        if (what_ == "forget") return administer(session, What::ForgetWorker);
        return fail(ErrorCode::Usage,
                    fmt::format("no such thing to do: {}", printable(what_, 40)),
                    "ctys worker show|fence|forget WORKER");
    }

private:
    Status administer(Session& session, msg::Administer::What what) {
        auto connection = session.broker();
        if (!connection) return tl::unexpected(connection.error());
        auto answer =
            (*connection)
                ->request(msg::Administer{.what = what, .subject = worker_, .reason = reason_});
        if (!answer) return tl::unexpected(answer.error());
        const auto* done = std::get_if<msg::Done>(&*answer);
        return session.print(
            fmt::format("{}\n", done != nullptr ? printable(done->text) : std::string{"done"}));
    }

    Status show(Session& session) {
        auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers, .address = worker_});
        if (!workers) return tl::unexpected(workers.error());
        if (workers->empty())
            return fail(ErrorCode::NotFound, "no worker has this name", "ctys workers");
        if (!is_for_people(session.format())) return session.print_rows(*workers, worker_listing());
        fmt::memory_buffer out;
        render_worker(out, workers->front(), session.view());
        return session.print(out);
    }

    std::string what_;
    std::string worker_;
    std::string reason_;
};

} // namespace

std::unique_ptr<Subcommand> make_worker() {
    return std::make_unique<Worker>();
}

} // namespace ctys::tools
