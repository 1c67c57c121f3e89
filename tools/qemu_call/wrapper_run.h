#pragma once

#include "mesh/core/error.h"
#include "mesh/qemu/stock_wrapper.h"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ctys::call {

/// The wrapper of this version, as it is copied beside a configuration.
[[nodiscard]] std::string_view wrapper_text();

/// Where a wrapper and its configuration lie.
struct WrapperPair {
    std::string wrapper;
    std::string configuration;

    bool operator==(const WrapperPair&) const = default;
};
/// Of a path of either of them. Errors: Usage, where it ends otherwise.
[[nodiscard]] Result<WrapperPair> wrapper_pair(const std::string& path);

/// The text of a wrapper: nothing where there is none, and no word of one that is too large to be
/// the original's. Errors: Refused, Failed (it is there and cannot be read).
[[nodiscard]] Result<std::optional<std::string>> read_wrapper(const std::string& path);

/// Why the wrapper of the original at this path is not bypassed; nothing where it may be.
[[nodiscard]] Status check_stock(const WrapperPair& pair, const qemu::WrapperKind& kind);

/// Becomes the wrapper of the VM, with these options: the one that lies there, or this version's in
/// place of a stock wrapper of the original or of none. With `--check-first` among them one that is
/// not of this version is run with --check before, for `check_limit` at most; this version's does
/// by itself all that it would do then. Returns when it refuses, or that is not possible, with the
/// exit status.
constexpr std::chrono::seconds check_limit{20};
[[nodiscard]] int run_wrapper(const std::string& path, std::span<const std::string> given);

/// ctys-wrapper-lib.sh of this version, which wrappers source. It is installed as a file too, but a
/// program that was copied alone has to do.
[[nodiscard]] std::string_view library_text();

} // namespace ctys::call
