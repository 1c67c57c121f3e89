#pragma once

#include "tools/verbs/arguments.h"

#include <string>
#include <vector>

namespace ctys::tools {

/// Options of `ctys start` that the wrapper of the VM understands (CTYS-REFERENCE 4.2).
struct WrapperOptions {
    std::string boot;
    std::string install;
    std::string kernel;
    std::string arguments;
    std::string vnc_display;
    bool force = false;

    void declare(Arguments& to);
    /// As they are typed at a wrapper.
    [[nodiscard]] std::vector<std::string> words() const;
};

} // namespace ctys::tools
