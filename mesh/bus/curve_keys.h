#pragma once

#include "mesh/core/error.h"

#include <string>
#include <string_view>

namespace ctys::bus {

/// True for the 40 characters of a key in Z85 (rfc.zeromq.org/spec/32).
[[nodiscard]] bool is_z85_key(std::string_view text);

/// A CURVE key pair, both halves in Z85.
struct CurveKeyPair {
    std::string public_key;
    std::string secret_key;

    [[nodiscard]] static CurveKeyPair generate();

    /// The file is 0600 and belongs to the user of this process, else Refused, saying how to mend
    /// it. Errors: NotFound, Refused, Malformed, Storage.
    [[nodiscard]] static Result<CurveKeyPair> load(const std::string& path);

    /// Makes the file with mode 0600, durable when it returns. Errors: Conflict (it exists; a key
    /// is never overwritten), Storage.
    [[nodiscard]] Status save(const std::string& path) const;
};

/// A public key given as such, or the path of a file that holds it, bare or as `ctys keys generate`
/// prints it. Errors: Usage.
[[nodiscard]] Result<std::string> public_key_from(const std::string& key_or_file);

} // namespace ctys::bus
