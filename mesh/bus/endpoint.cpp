#include "mesh/bus/endpoint.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ctys::bus {

namespace {

constexpr std::string_view ipc_scheme = "ipc://";
constexpr std::string_view tcp_scheme = "tcp://";
/// Longest DNS name (RFC 1035).
constexpr std::size_t max_host_bytes = 253;

tl::unexpected<Error> refuse(std::string_view text, std::string_view why) {
    return fail(ErrorCode::Usage, fmt::format("endpoint \"{}\": {}", printable(text, 200), why));
}

bool is_host(std::string_view host) {
    if (host == "*") return true;
    if (host.empty() || host.size() > max_host_bytes) return false;
    return std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_';
    });
}

bool is_port(std::string_view port) {
    if (port == "*") return true;
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    return error == std::errc{} && end == port.data() + port.size() && number >= 1 &&
           number <= 65535;
}

Status check_ipc(std::string_view text, std::string_view path) {
    if (path.empty() || path.front() != '/') {
        return refuse(text, "an absolute path is expected, as in ipc:///run/ctys/broker/mesh");
    }
    if (path.size() > Endpoint::max_ipc_path_bytes) {
        return refuse(text,
                      fmt::format("the path has {} bytes, {} are possible",
                                  path.size(),
                                  Endpoint::max_ipc_path_bytes));
    }
    if (!check_text("path", path, path.size())) return refuse(text, "the path is not text");
    return {};
}

Status check_tcp(std::string_view text, std::string_view rest) {
    if (rest.starts_with('[')) return refuse(text, "IPv6 addresses are not supported; use a name");
    const auto colon = rest.rfind(':');
    if (colon == std::string_view::npos) {
        return refuse(text, "a port is expected, as in tcp://lab02:7510");
    }
    if (!is_host(rest.substr(0, colon))) return refuse(text, "the host is not a name or address");
    if (!is_port(rest.substr(colon + 1))) return refuse(text, "the port is not 1 to 65535 or *");
    return {};
}

} // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
    const bool is_tcp = text.starts_with(tcp_scheme);
    if (!is_tcp && !text.starts_with(ipc_scheme)) {
        return refuse(text, "ipc:///path or tcp://host:port is expected");
    }
    const auto rest = text.substr(tcp_scheme.size());
    if (auto valid = is_tcp ? check_tcp(text, rest) : check_ipc(text, rest); !valid) {
        return tl::unexpected(std::move(valid.error()));
    }
    return Endpoint(std::string(text), is_tcp);
}

Result<Endpoint> Endpoint::ipc(std::string_view path) {
    return parse(fmt::format("{}{}", ipc_scheme, path));
}

bool Endpoint::is_wildcard() const {
    return is_tcp_ && text_.find('*') != std::string::npos;
}

std::string Endpoint::path() const {
    CTYS_ASSERT(!is_tcp_);
    return text_.substr(ipc_scheme.size());
}

} // namespace ctys::bus
