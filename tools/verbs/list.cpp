#include "mesh/core/row_filter.h"
#include "tools/client/terminal.h"
#include "tools/client/watcher.h"
#include "tools/output/vm_rows.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/filters.h"
#include "tools/verbs/local_scan.h"
#include "tools/verbs/session.h"

#include <optional>
#include <unistd.h>

namespace ctys::tools {

namespace {

constexpr std::size_t flush_list_bytes = 256 * 1024;
constexpr Duration between_screens = std::chrono::milliseconds{500};
constexpr Duration longest_screen = std::chrono::seconds{5}; // ages grow without events

class List final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "list"; }
    [[nodiscard]] std::string_view summary() const override { return "what runs and what could"; }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys list\n"
               "  ctys list --filter worker=lab02 --filter state=running,paused\n"
               "  ctys list -o jsonl | jq -r 'select(.managed|not).label'\n"
               "  ctys list -o name --filter owner=ctys | xargs ctys shutdown\n"
               "  ctys list --watch        until Ctrl-C, or for --timeout\n"
               "  ctys list --local        asks this machine, without a broker\n"
               "Fields of --filter: label vm worker worker_state state owner managed accelerator\n"
               "arch.\n";
    }
    [[nodiscard]] std::string subject() const override { return address_; }

    void declare(Arguments& arguments) override {
        arguments.positional(
            "VM", address_, Arguments::Need::Optional, "label or address; else all");
        arguments.flag("--all", all_, "with ended foreign, ignored and vanished VMs");
        arguments.texts("--filter", filters_, "FIELD=VALUE[,VALUE]", "only these; all must hold");
        arguments.flag("--watch", watch_, "show it again with every change");
        arguments.flag("--local", local_, "ask this machine's agent program, not the broker");
    }

    [[nodiscard]] Status run(Session& session) override {
        if (local_ && watch_)
            return fail(ErrorCode::Usage, "--local and --watch exclude each other", "ctys up");
        auto filters = parse_filters(filters_, row_filter_fields());
        if (!filters) return tl::unexpected(filters.error());
        const Query query{.table = Table::Vms,
                          .address = address_,
                          .filters = std::move(*filters),
                          .all = all_,
                          .names = session.format() == Format::Name};
        if (local_) return show_local(session, query);
        if (watch_) return follow(session, query);
        if (session.format() == Format::Jsonl) return stream(session, query);
        return show(session, query, /*clear=*/false);
    }

private:
    // Rows are written as they come, in the inventory's order: memory stays flat.
    static Status stream(Session& session, const Query& query) {
        auto connection = session.broker();
        if (!connection) return tl::unexpected(connection.error());
        fmt::memory_buffer out;
        Status printed;
        bool none = true;
        auto asked = (*connection)->ask(query, [&](std::vector<Row>&& rows) {
            none = none && rows.empty();
            for (const auto& row : rows) {
                JsonWriter json(out);
                vm_listing().json(json, std::get<VmRow>(row));
                out.push_back('\n');
            }
            if (out.size() < flush_list_bytes || !printed) return;
            printed = session.print(out);
            out.clear();
        });
        if (!printed) return printed;
        if (!asked) return asked;
        if (none && !query.address.empty()) return no_match();
        return session.print(out);
    }

    static tl::unexpected<Error> no_match() {
        return fail(ErrorCode::NotFound, "no VM matches this address", "ctys list --all");
    }

    static Status print(Session& session, std::vector<VmRow> rows, bool clear) {
        sort_for_people(rows);
        fmt::memory_buffer out;
        const auto view = session.view();
        if (clear) out.append(std::string_view{"\x1b[H\x1b[2J"});
        render_rows(out, rows, session.format(), view, vm_listing());
        const bool sums = is_for_people(session.format()) && view.width != 0 && view.header &&
                          !session.globals().quiet;
        if (sums) fmt::format_to(std::back_inserter(out), "{}\n", summary_of(rows));
        return session.print(out);
    }

    static Status show(Session& session, const Query& query, bool clear) {
        auto rows = session.rows_of<VmRow>(query);
        if (!rows) return tl::unexpected(rows.error());
        if (rows->empty() && !query.address.empty()) return no_match();
        return print(session, std::move(*rows), clear);
    }

    // List, then watch, in the order that cannot miss a change: the watch is opened first.
    static Status follow(Session& session, const Query& query) {
        auto connection = session.broker();
        if (!connection) return tl::unexpected(connection.error());
        Watcher watcher(**connection,
                        {.filters = {{.field = "family", .values = {"vm", "path", "worker"}}}});
        if (auto opened = watcher.open(); !opened) return opened;
        const bool clear = is_terminal(STDOUT_FILENO) && is_for_people(session.format());
        const auto begun = wall_now();
        const auto timeout = session.globals().timeout;
        while (true) {
            if (auto shown = show(session, query, clear); !shown) return shown;
            const auto left = timeout ? *timeout - (wall_now() - begun) : longest_screen;
            auto next = watcher.next(std::clamp(left, Duration{}, longest_screen));
            if (!next) return tl::unexpected(next.error());
            if (timeout && wall_now() - begun >= *timeout) return {};
            // A burst of events is one new screen.
            const auto until = wall_now() + between_screens;
            while (wall_now() < until) {
                auto more = watcher.next(until - wall_now());
                if (!more) return tl::unexpected(more.error());
            }
        }
    }

    // As the broker would answer, from the rows of this machine.
    static Status show_local(Session& session, const Query& query) {
        std::optional<Address> address;
        if (!query.address.empty()) {
            auto parsed = Address::parse(query.address);
            if (!parsed) return tl::unexpected(parsed.error());
            address = std::move(*parsed);
        }
        auto rows = scan_locally(session);
        if (!rows) return tl::unexpected(rows.error());
        std::erase_if(*rows, [&](const VmRow& row) {
            return (address && !matches(*address, row)) || !accepts(query.filters, row);
        });
        if (rows->empty() && address) return no_match();
        return print(session, std::move(*rows), /*clear=*/false);
    }

    std::string address_;
    std::vector<std::string> filters_;
    bool all_ = false;
    bool watch_ = false;
    bool local_ = false;
};

} // namespace

std::unique_ptr<Subcommand> make_list() {
    return std::make_unique<List>();
}

} // namespace ctys::tools
