#pragma once

#include "mesh/core/error.h"

#include <string>

namespace ctys::call {

/// /var/tmp/qemumon.LABEL.PID.USER: what QEMUMONSOCK says by default, of this process.
[[nodiscard]] std::string default_console_link(const std::string& label);

/// Whether a link to a console may be made at this path, which a configuration names. Errors:
/// Usage for a path that no socket can have, NotFound without its folder, Failed where others may
/// replace it or this account may not make it, Conflict where something else is.
[[nodiscard]] Status check_console_link(const std::string& path);

/// The name under which tools of the original look for a VM's console (CTYS-REFERENCE 1.11): a
/// link to its socket as long as this lives.
class ConsoleLink {
public:
    ConsoleLink() = default;
    ~ConsoleLink();
    ConsoleLink(const ConsoleLink&) = delete;
    ConsoleLink& operator=(const ConsoleLink&) = delete;

    /// Over a link that is left of an earlier VM. Errors: Failed, and those of
    /// check_console_link().
    [[nodiscard]] Status make(const std::string& console, const std::string& path);

private:
    std::string path_; // empty: there is none
};

} // namespace ctys::call
