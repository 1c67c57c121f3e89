#pragma once

#include "mesh/core/error.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ctys::bus {

/// Where a socket listens or dials: "ipc:///run/ctys/broker/mesh" or "tcp://lab02:7510".
class Endpoint {
public:
    /// Longest ipc path in bytes (unix(7)).
    static constexpr std::size_t max_ipc_path_bytes = 107;

    /// ipc: an absolute path. tcp: host name, IPv4 address or "*", and a port of 1 to 65535, or
    /// "*" for any free one (both stars only for bind). Errors: Usage, saying what is expected.
    [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
    /// Errors: Usage.
    [[nodiscard]] static Result<Endpoint> ipc(std::string_view path);

    [[nodiscard]] const std::string& to_string() const { return text_; }
    [[nodiscard]] bool is_tcp() const { return is_tcp_; }
    /// True with a "*" in it: one can listen there, but not dial.
    [[nodiscard]] bool is_wildcard() const;
    /// The path of an ipc endpoint.
    [[nodiscard]] std::string path() const;

    bool operator==(const Endpoint&) const = default;

private:
    Endpoint(std::string text, bool is_tcp) : text_(std::move(text)), is_tcp_(is_tcp) {}
    std::string text_;
    bool is_tcp_;
};

} // namespace ctys::bus
