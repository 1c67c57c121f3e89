#pragma once

#include "tools/client/connection.h"

#include <deque>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

namespace ctys::tools {

/// A reliable stream of events: opens a watch, takes what comes, and opens it again behind the
/// last position when the broker was restarted, so that nothing is lost and nothing comes twice.
class Watcher {
public:
    using Item = std::variant<msg::WatchItem, msg::Gap>;
    enum class End : std::uint8_t { Time, Interrupted, Last };

    Watcher(Connection& connection, msg::Watch watch);
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    /// Waits until the broker has answered the opening, for `bound`, else for the
    /// connection's patience. Errors: those of the broker, Unreachable.
    [[nodiscard]] Status open(std::optional<Duration> bound = {});

    /// The next item, or why there is none within `bound`. Errors: those of the broker.
    [[nodiscard]] Result<std::variant<Item, End>>
    next(Duration bound, const std::function<bool()>& interrupted = {});

    /// Everything up to here was looked at.
    [[nodiscard]] Cursor position() const { return position_; }
    [[nodiscard]] bool has_caught_up() const { return caught_up_; }
    /// How often the stream had to be opened anew.
    [[nodiscard]] unsigned reopened() const { return reopened_; }

private:
    [[nodiscard]] Status start();
    void take(msg::WatchEvents&& events);

    Connection& connection_;
    msg::Watch watch_;
    std::optional<std::uint64_t> stream_;
    std::deque<Item> items_;
    std::optional<Cursor> held_; ///< position of the newest message taken
    Cursor position_;
    std::uint32_t owed_ = 0; ///< credit used and not yet granted again
    bool caught_up_ = false;
    bool last_ = false;
    unsigned reopened_ = 0;
};

} // namespace ctys::tools
