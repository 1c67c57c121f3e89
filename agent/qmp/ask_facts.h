#pragma once

#include "agent/qmp/client.h"
#include "agent/qmp/facts.h"

#include <functional>

namespace ctys::qmp {

/// Asks all of fact_commands() and folds the answers; a declined one leaves its part empty. To be
/// called in on_ready: events that come from then on are deltas to what is answered.
///
/// `on_done` is called once, unless the client is dropped: with an error when query-status has no
/// answer. Errors: those of Session::submit at once; Unreachable, TimedOut or Failed later.
[[nodiscard]] Status
ask_facts(Client& client, Duration patience, std::function<void(const Result<QmpFacts>&)> on_done);

} // namespace ctys::qmp
