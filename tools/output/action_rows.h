#pragma once

#include "mesh/core/query.h"
#include "tools/output/listing.h"

namespace ctys::tools {

/// ID VERB TARGET WORKER STATE BY ASKED TOOK NOTE.
[[nodiscard]] const Listing<ActionRecord>& action_listing();
/// ID PRINCIPAL AT LAG CREDIT SINCE FILTER.
[[nodiscard]] const Listing<WatchRow>& watch_listing();

void render_action(fmt::memory_buffer& out, const ActionRecord& record, const View& view);

/// "a-81d0b2": enough of an id for people; every prefix that is unique can be typed.
[[nodiscard]] std::string short_text(ActionId id);

} // namespace ctys::tools
