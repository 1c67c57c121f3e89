#pragma once

#include "mesh/core/message.h"
#include "tools/verbs/session.h"

#include <string>
#include <string_view>
#include <vector>

namespace ctys::tools {

enum class Waiting : std::uint8_t {
    Outcome, ///< until every action has ended
    None     ///< print the ids and leave
};

/// The order of `ctys GROUP WHAT TARGET`, such as `ctys media eject web`, with an id and what the
/// session knows. `words` are all that may stand for WHAT. Errors: Usage for another word; those of
/// the address.
[[nodiscard]] Result<msg::Submit> order_in_group(Session& session,
                                                 std::string_view group,
                                                 const std::string& what,
                                                 std::string_view words,
                                                 const std::string& target);

/// Submits actions and follows them. The watch is opened before the first action is sent, so that
/// not even a quick end is missed. What the broker refuses has that refusal as its outcome; the
/// others are asked all the same. On a terminal a line of progress is rewritten; Ctrl-C leaves the
/// actions running in the mesh and prints their ids. With --timeout, or after `patience` where an
/// action has no deadline of its own, the wait ends as TimedOut and the actions go on.
/// Errors: those of the outcome (Partial for some of several), of the broker, TimedOut,
/// Interrupted.
[[nodiscard]] Status
carry_out(Session& session, std::vector<msg::Submit> orders, Waiting waiting, Duration patience);

} // namespace ctys::tools
