#pragma once

#include "tests/support/simulation/network.h"
#include "tests/support/simulation/sim_broker.h"

#include <set>

namespace ctys::sim {

/// A person's tool: submits actions, asks, and watches the whole journal from a cursor, opening it
/// anew as often as it must.
class SimTool {
public:
    SimTool(Ground& ground,
            Network& network,
            SimBroker& broker,
            Promises& promises,
            std::string name,
            Principal principal);

    [[nodiscard]] const std::string& name() const { return name_; }
    /// Asks until it is answered; `doubled` asks twice from the start.
    ActionId submit(Action action,
                    const std::string& label,
                    const std::string& on,
                    bool doubled,
                    bool agreed = false);
    void cancel(ActionId action);
    void administer(msg::Administer::What what,
                    const std::string& subject,
                    std::function<void(bool)> done = {});
    /// P1 is checked: answered within 3 s (the slowest network takes 1.6) when nothing stands
    /// between tool and broker.
    void ask(Query query, std::function<void(const msg::Rows&)> rows = {});
    void watch(msg::WatchFrom from, Cursor cursor = {});
    /// Takes nothing from now on: a slow reader.
    void set_greed(std::uint32_t credit) { greed_ = credit; }
    void set_cut(bool cut);

    struct Told {
        ActionId action;
        std::string label;
        std::optional<Error> refused;
        bool answered = false;
    };
    [[nodiscard]] const std::map<std::uint64_t, Told>& told() const { return told_; }
    [[nodiscard]] Cursor position() const { return position_; }
    [[nodiscard]] bool is_watching() const { return watch_ != 0; }
    /// Every event it may see was told.
    [[nodiscard]] bool is_caught_up() const {
        return next_visible() > broker_.store().range().second;
    }
    [[nodiscard]] std::uint64_t gaps() const { return gaps_; }
    /// Called with a line for people: what was answered and shown.
    std::function<void(std::string)> on_line;
    const Machine* machine = nullptr; ///< it runs there, and says so

private:
    struct Pending {
        Envelope envelope;
        unsigned tries = 0;
    };
    struct Asked {
        Instant at;
        std::function<void(const msg::Rows&)> rows;
        bool answered = false;
    };
    void send(std::uint64_t correlation, Body body) {
        network_.send_to_broker(name_,
                                Envelope{.correlation = correlation, .body = std::move(body)});
    }
    void remind(std::uint64_t correlation);
    void receive(Envelope envelope);
    void show_plan(std::uint64_t correlation, const msg::Rows& rows);
    void on_answer(std::uint64_t correlation, std::optional<Error> error, const std::string& text);
    void on_watch(const msg::WatchEvents& events);
    void on_item(const msg::WatchItem& item);
    void on_gap(const msg::Gap& gap);
    /// What must come next: the first event after the position that this principal may see.
    [[nodiscard]] std::uint64_t next_visible() const;
    void open_watch();
    void keep_alive();
    void line(std::string text) {
        ground_.tell([&] { return fmt::format("tool {}: {}", name_, text); });
        if (on_line) on_line(std::move(text));
    }

    Ground& ground_;
    Network& network_;
    SimBroker& broker_;
    Promises& promises_;
    std::string name_;
    Principal principal_;
    std::uint64_t last_correlation_ = 0;
    std::map<std::uint64_t, Pending> pending_;
    std::map<std::uint64_t, Told> told_;
    std::map<std::uint64_t, std::function<void(bool)>> done_;
    std::map<std::uint64_t, Asked> asked_;
    std::uint64_t watch_ = 0;      ///< correlation of the open stream
    std::uint64_t watch_life_ = 0; ///< of the connection it was opened on
    msg::WatchFrom from_ = msg::WatchFrom::Now;
    Cursor position_;
    bool placed_ = false; ///< the position is known: the first answer came, or a cursor was named
    std::uint32_t greed_ = 64;
    std::uint32_t taken_ = 0;
    Instant heard_;
    std::uint64_t gaps_ = 0;
};

} // namespace ctys::sim
