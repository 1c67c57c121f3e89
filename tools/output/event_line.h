#pragma once

#include "mesh/core/event.h"
#include "mesh/core/message.h"
#include "tools/output/json_writer.h"
#include "tools/output/view.h"

#include <string>

namespace ctys::tools {

/// Events as lines for people: time, subject, what, worker, why, cursor. A stream has no widest
/// row to look ahead to, so columns grow with what was seen, up to a bound.
class EventLines {
public:
    void append(fmt::memory_buffer& out, const RecordedEvent& recorded, const View& view);
    void append(fmt::memory_buffer& out, const msg::Gap& gap, const View& view);

private:
    std::size_t subject_width_ = 8;
    std::size_t what_width_ = 18;
    std::size_t worker_width_ = 6;
};

/// "running -> stopped", or the word of the kind.
[[nodiscard]] std::string what_text(const Event& event);
/// "by guest, after 2.1 s (trace, a-81d0b2)".
[[nodiscard]] std::string why_text(const Event& event);

void append_event_json(JsonWriter& out, const RecordedEvent& recorded);
void append_gap_json(JsonWriter& out, const msg::Gap& gap);
/// An event of a newer kind, or a damaged one: what can still be said of it.
void append_opaque_json(JsonWriter& out, const msg::WatchItem& item, std::string_view reason);

} // namespace ctys::tools
