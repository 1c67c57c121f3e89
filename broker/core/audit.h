#pragma once

#include "broker/core/turn.h"

#include <map>

namespace ctys::broker {

/// Records refusals without letting those who are refused fill the journal (P7, P8): the first of a
/// principal at once, what follows within a second as one event that says how many there were.
class RefusalAudit {
public:
    static constexpr Duration period = std::chrono::seconds{1};
    static constexpr std::size_t most = 1024; ///< principals told apart; the rest count as one

    void on_refused(Turn& turn, const Principal& principal, std::string text);
    void on_tick(Turn& turn);

private:
    struct Tally {
        Instant recorded;
        std::uint64_t more = 0;
        std::string last;
    };
    std::map<std::string, Tally> tallies_;
};

} // namespace ctys::broker
