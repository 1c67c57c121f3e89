#pragma once

#include "tools/verbs/session.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ctys::tools {

/// One thing `ctys doctor` looked at.
struct Finding {
    enum class Verdict : std::uint8_t { Ok, Warn, Fail };

    Verdict verdict = Verdict::Ok;
    std::string what;
    std::string fact;
    std::string mend; ///< a command, or empty
};

/// Looks at directories, sockets, processes, QEMU and the limits of this machine; changes nothing.
[[nodiscard]] std::vector<Finding> examine(Session& session);

} // namespace ctys::tools
