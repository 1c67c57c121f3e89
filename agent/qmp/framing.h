#pragma once

#include "mesh/core/error.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::qmp {

/// Longest message of a monitor. query-qmp-schema, the longest answer known, has 207 kB in one
/// line; a hundred query-block rows have less. What is fifty times longer is not a QEMU.
constexpr std::size_t max_message_bytes = 10UL * 1024 * 1024;

/// Cuts the byte stream of a monitor into messages. QMP: "each JSON document ends with a CRLF";
/// strings inside have their line ends escaped, so the first LF ends a message. A lone LF is
/// accepted as well.
class Framer {
public:
    struct Framed {
        std::vector<std::string> messages; ///< whole ones, in order, without line end, none empty
        Status status;                     ///< Malformed after a message beyond the limit
    };

    explicit Framer(std::size_t limit = max_message_bytes) : limit_(limit) {}

    /// What the chunk completes. How a stream is cut into chunks changes nothing in what comes
    /// out. After an error every further call gives the same error and no messages.
    [[nodiscard]] Framed feed(std::string_view chunk);

    /// Bytes of an unfinished message.
    [[nodiscard]] std::size_t pending_bytes() const { return partial_.size(); }

private:
    std::size_t limit_;
    std::string partial_;
    bool broken_ = false;
};

} // namespace ctys::qmp
