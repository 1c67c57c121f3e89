#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::qemu {

/// Something in a wrapper of the original that its ctys-createConfVM has not written.
struct WrapperEdit {
    std::uint32_t line = 0; ///< 1-based; 0: something that is gone
    std::string text;       ///< the line, or what is gone

    bool operator==(const WrapperEdit&) const = default;
};

/// What a wrapper script is, by its text alone.
struct WrapperKind {
    bool of_original = false;       ///< it needs the framework of the original to run
    std::vector<WrapperEdit> edits; ///< of one of the original, in order; none: a stock one

    bool operator==(const WrapperKind&) const = default;
};

constexpr std::size_t max_wrapper_bytes = std::size_t{256} * 1024;

/// Tells a wrapper of the original (CTYS-REFERENCE 4.2) from any other: it reads CTYS_LIBPATH and
/// does not ask for ctys-wrapper-lib.sh. A stock one does nothing but what every one of them does:
/// it calls functions of the framework, sets its own variables, and puts options of a known set,
/// whose values come out of variables, into the call. Whatever else a line does is an edit; so is
/// a part of every call that is gone. Nothing is executed.
[[nodiscard]] WrapperKind judge_wrapper(std::string_view text);

} // namespace ctys::qemu
