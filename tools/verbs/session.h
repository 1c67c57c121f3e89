#pragma once

#include "mesh/core/id.h"
#include "mesh/loop/event_loop.h"
#include "mesh/setup/directories.h"
#include "tools/client/connection.h"
#include "tools/output/listing.h"
#include "tools/output/view.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ctys::tools {

constexpr std::string_view default_format = "table";

/// Options every verb understands, as given.
struct Globals {
    std::string format{default_format};
    std::string broker;
    std::string key;
    std::string broker_key;
    std::string runtime_dir;
    std::string state_dir;
    std::optional<Duration> timeout; ///< the person's patience
    bool no_header = false;
    bool quiet = false;
    bool yes = false;
};

/// What one call of the tool has at hand: where to print, whom to ask. The broker is dialled when
/// first needed.
class Session {
public:
    /// `formats` are those that -o may name. Errors: Usage.
    [[nodiscard]] static Result<std::unique_ptr<Session>>
    open(Globals globals, const std::vector<std::string_view>& formats);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    [[nodiscard]] const Globals& globals() const { return globals_; }
    [[nodiscard]] Format format() const { return format_; }
    /// Of standard output, with the time of now.
    [[nodiscard]] View view() const;
    [[nodiscard]] loop::EventLoop& loop();
    /// Errors: Unreachable, Usage, Refused and those of key files.
    [[nodiscard]] Result<Connection*> broker();
    /// Errors: Usage.
    [[nodiscard]] Result<setup::Directories> directories() const;
    [[nodiscard]] ActionId new_action_id();

    /// To standard output, in one write.
    [[nodiscard]] Status print(const fmt::memory_buffer& text);
    [[nodiscard]] Status print(std::string_view text);
    /// To standard error unless --quiet: remarks that are no result.
    void remark(std::string_view text);

    /// Rows in the format asked for.
    template <typename R>
    [[nodiscard]] Status print_rows(const std::vector<R>& rows, const Listing<R>& listing) {
        fmt::memory_buffer out;
        render_rows(out, rows, format_, view(), listing);
        return print(out);
    }

    /// All rows of a query that are of type R. Errors: those of Connection::ask.
    template <typename R>
    [[nodiscard]] Result<std::vector<R>> rows_of(const Query& query) {
        auto connection = broker();
        if (!connection) return tl::unexpected(connection.error());
        std::vector<R> out;
        auto asked = (*connection)->ask(query, [&](std::vector<Row>&& rows) {
            for (auto& row : rows) {
                if (auto* typed = std::get_if<R>(&row)) out.push_back(std::move(*typed));
            }
        });
        if (!asked) return tl::unexpected(asked.error());
        return out;
    }
    /// The one VM at an address. Errors: NotFound, Ambiguous, Usage.
    [[nodiscard]] Result<VmDetail> vm_at(const std::string& address);
    /// What the broker said of an address that matches nothing, with the label that was most likely
    /// meant; other errors stay as they are, also those of a worker that is not found.
    [[nodiscard]] Error with_near_label(const std::string& address, Error error);

private:
    struct Mesh;
    Session(Globals globals, Format format);

    Globals globals_;
    Format format_;
    std::unique_ptr<Mesh> mesh_;
};

} // namespace ctys::tools
