#pragma once

#include "mesh/core/error.h"
#include "mesh/core/uuid.h"
#include "mesh/core/vm.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys {

/// The original's <machine-address> (CTYS-REFERENCE 2.1): one or more keys, all of which must hold.
/// Keys are case-insensitive, matching is exact (a label "tst1" never means "tst10"); only `f:`
/// is a part of a path. A word without a key is a label.
struct Address {
    std::optional<std::string> label;
    std::optional<std::string> path; ///< id: absolute path of the configuration
    std::optional<Uuid> uuid;
    std::optional<std::string> mac;  ///< lower case, colons
    std::optional<std::string> tcp;  ///< address or name, as written
    std::optional<std::string> file; ///< part of the path
    std::vector<std::string>
        bases; ///< b: directories to search below; an address only with another key
    std::optional<std::string> worker; ///< w:
    bool bare = false;                 ///< a single word without a key

    /// Errors: Usage, with the column (1-based) of what is wrong and a near key where there is one;
    /// Unsupported for `dr:`, as long as there is no database that numbers its records.
    [[nodiscard]] static Result<Address> parse(std::string_view text);
    /// One `key:value`; false when the key is none of an address (then nothing changes).
    [[nodiscard]] Result<bool>
    add(std::string_view key, std::string_view value, std::size_t column);

    [[nodiscard]] bool names_a_vm() const;
    [[nodiscard]] std::string to_string() const;
    bool operator==(const Address&) const = default;
};

/// Does the VM, reachable by these paths, fit every key of the address?
[[nodiscard]] bool
matches(const Address& address, const VmRecord& vm, const std::vector<PathRecord>& paths);

/// "AA-BB-CC..", "aabb..." and "aa:bb:.." as lower case with colons. Errors: Malformed.
[[nodiscard]] Result<std::string> parse_mac(std::string_view text);

} // namespace ctys
