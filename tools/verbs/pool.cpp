#include "mesh/core/text.h"
#include "tools/output/table.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/pool_change.h"
#include "tools/verbs/session.h"

namespace ctys::tools {

namespace {

/// A pool with the worker that sees it.
struct PoolRow {
    std::string worker;
    PoolReport pool;
};

std::vector<Column> columns(bool /*wide*/) {
    return {{"WORKER"},
            {"POOL"},
            {"HEALTH"},
            {"VMS", Align::Right},
            {"FILESYSTEM"},
            {"SHARED"},
            {"ID"},
            {"NOTE"}};
}

std::vector<Cell> cells(const PoolRow& row, bool /*wide*/, const View& /*view*/) {
    const auto& pool = row.pool;
    return {Cell{row.worker},
            Cell{pool.root},
            Cell{std::string{to_string(pool.health)},
                 pool.health == PoolHealth::Good ? Tone::Good : Tone::Bad},
            Cell{std::to_string(pool.vms)},
            Cell{pool.filesystem},
            Cell{pool.shared ? "yes" : "no"},
            Cell{pool.id.is_none() ? std::string{} : pool.id.to_string()},
            Cell{pool.trusted ? "trusted " + pool.reason : pool.reason}};
}

void json(JsonWriter& out, const PoolRow& row) {
    out.begin_object();
    out.member("worker", row.worker);
    out.member("root", row.pool.root);
    out.member("id", row.pool.id);
    out.member("health", to_string(row.pool.health));
    out.member("reason", row.pool.reason);
    out.member("filesystem", row.pool.filesystem);
    out.member("shared", row.pool.shared);
    out.member("trusted", row.pool.trusted);
    out.member("vms", row.pool.vms);
    out.end_object();
}

std::vector<std::string> names(const std::vector<PoolRow>& rows) {
    std::vector<std::string> out;
    for (const auto& row : rows)
        out.push_back(row.worker + ":" + row.pool.root);
    return out;
}

constexpr Listing<PoolRow> listing{columns, cells, json, names};

class Pool final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "pool"; }
    [[nodiscard]] std::string_view summary() const override {
        return "the directories that hold VMs: list, add, trust";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys pool list                       of every worker\n"
               "  ctys pool add /srv/vms               to the agent of this machine, at once and\n"
               "                                       for good\n"
               "  ctys pool add w2:/srv/vms            where several agents run here\n"
               "  ctys pool trust /mnt/pool            its paths count without marker or proof:\n"
               "                                       only if it really is the storage that the\n"
               "                                       other workers see\n"
               "add and trust write pools.toml in the agent's state directory, as root or as the "
               "agent's\n"
               "user, and let it read that again (SIGHUP). To take a pool away: remove it there.\n";
    }
    [[nodiscard]] std::string subject() const override {
        return fmt::format("{} {}", what_, pool_);
    }
    void declare(Arguments& arguments) override {
        arguments.positional("list|add|trust", what_, Arguments::Need::Required, "what to do");
        arguments.positional("POOL", pool_, Arguments::Need::Optional, "directory, or WORKER:DIR");
    }

    [[nodiscard]] Status run(Session& session) override {
        if (what_ == "list") return list(session);
        if (what_ == "add") return tell_agent(session, pool_, PoolChange::Add);
        if (what_ == "trust") return tell_agent(session, pool_, PoolChange::Trust);
        return fail(ErrorCode::Usage,
                    fmt::format("no such thing to do: {}", printable(what_, 40)),
                    "ctys pool list|add|trust");
    }

private:
    static Status list(Session& session) {
        auto workers = session.rows_of<WorkerRecord>({.table = Table::Workers});
        if (!workers) return tl::unexpected(workers.error());
        std::vector<PoolRow> rows;
        for (const auto& worker : *workers) {
            for (const auto& pool : worker.pools)
                rows.push_back({.worker = worker.name, .pool = pool});
        }
        return session.print_rows(rows, listing);
    }

    std::string what_;
    std::string pool_;
};

} // namespace

std::unique_ptr<Subcommand> make_pool() {
    return std::make_unique<Pool>();
}

} // namespace ctys::tools
