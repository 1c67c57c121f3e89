#include "agent/qmp/framing.h"

#include <fmt/format.h>

namespace ctys::qmp {
namespace {

std::string_view without_carriage_return(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

} // namespace

Framer::Framed Framer::feed(std::string_view chunk) {
    Framed out;
    while (!broken_ && !chunk.empty()) {
        const auto end = chunk.find('\n');
        const bool complete = end != std::string_view::npos;
        const auto piece = chunk.substr(0, end);
        // One byte more for the CR, which may come in a chunk before its LF.
        const auto room = limit_ + 1 - partial_.size();
        partial_.append(piece.substr(0, room));
        if (piece.size() > room) {
            broken_ = true;
            break;
        }
        chunk.remove_prefix(complete ? end + 1 : chunk.size());
        if (!complete) break;
        const auto line = without_carriage_return(partial_);
        if (line.size() > limit_) {
            broken_ = true;
            break;
        }
        if (!line.empty()) out.messages.emplace_back(line);
        partial_.clear();
    }
    if (broken_) {
        partial_ = {};
        out.status = fail(ErrorCode::Malformed, fmt::format("a message exceeds {} bytes", limit_));
    }
    return out;
}

} // namespace ctys::qmp
