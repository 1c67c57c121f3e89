#pragma once

#include <string_view>

namespace ctys::agent {

enum class Magic {
    None,   ///< no configuration of a QEMU
    Active, ///< `#@#MAGICID-QEMU`
    Ignored ///< `#@#MAGICID-IGNORE` or `#@#MAGICID-NOENUM`, whatever else there is
};

/// Looks for the marker lines (CTYS-REFERENCE 4.1) in the text; they begin a line, blanks allowed.
[[nodiscard]] Magic classify(std::string_view text);

/// Is this the name of a configuration ("x.ctys", "x.conf")?
[[nodiscard]] bool is_config_name(std::string_view file_name);
/// "web.ctys": a name no other program uses.
[[nodiscard]] bool is_own_name(std::string_view file_name);
[[nodiscard]] bool is_wrapper_name(std::string_view file_name);
/// "web.vmx": it may complete "web.ctys".
[[nodiscard]] bool is_vmx_name(std::string_view file_name);

/// Does a link in `directory` (absolute, without links) that says `target` lead to `directory` or
/// to one above it? By text only.
[[nodiscard]] bool is_link_loop(std::string_view directory, std::string_view target);

} // namespace ctys::agent
