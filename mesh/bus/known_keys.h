#pragma once

#include "mesh/core/error.h"
#include "mesh/core/role.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ctys::bus {

/// Whom a public key stands for.
struct KeyHolder {
    std::string name; ///< of the file without ".pub"; comes back as PeerIdentity::name
    std::string key;  ///< public key, Z85
    Role role = Role::None;
    std::string worker = {}; ///< an agent key speaks for this worker only; empty: not bound
};

/// The keys that may enter over tcp: one file per holder, `<name>.pub`, with the lines
/// `key = "<Z85>"`, `role = "viewer|operator|admin|agent"` and, if wanted, `worker = "<name>"`.
/// Empty lines and lines that begin with "#" are skipped. A value; loading again makes another.
class KnownKeys {
public:
    struct Load;

    /// A file that cannot be used is a problem of that file, named with its line, and its key stays
    /// unknown. No directory gives no keys. Errors: Storage (the directory cannot be read).
    [[nodiscard]] static Result<Load> load(const std::string& directory);

    /// One file's text; pure. Errors: Malformed, "<file>:<line>: ...".
    [[nodiscard]] static Result<KeyHolder>
    parse(std::string_view name, std::string_view file, std::string_view text);

    /// Text of a file for this holder.
    [[nodiscard]] static std::string to_text(const KeyHolder& holder);

    /// Errors: Conflict (the key or the name is there already).
    [[nodiscard]] Status add(KeyHolder holder);
    [[nodiscard]] const KeyHolder* find_key(std::string_view public_key) const;
    [[nodiscard]] const KeyHolder* find_name(std::string_view name) const;
    /// In order of names.
    [[nodiscard]] std::vector<KeyHolder> all() const;
    [[nodiscard]] std::size_t size() const { return by_key_.size(); }

private:
    std::unordered_map<std::string, KeyHolder> by_key_;
    std::unordered_map<std::string, std::string> key_of_name_;
};

struct KnownKeys::Load {
    KnownKeys keys;
    std::vector<Error> problems;
};

} // namespace ctys::bus
