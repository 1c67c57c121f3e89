#pragma once

#include "mesh/core/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ctys::agent {

/// The largest body: a configuration of 1 MiB and its facts.
constexpr std::size_t max_frame_bytes = 1024 * 1024 + 256 * 1024;

/// Appends values to the body of a frame: integers little-endian, texts with a 32-bit length.
class FrameWriter {
public:
    FrameWriter();
    void put(std::uint8_t value) { put_number(value, 1); }
    void put(std::uint16_t value) { put_number(value, 2); }
    void put(std::uint32_t value) { put_number(value, 4); }
    void put(std::uint64_t value) { put_number(value, 8); }
    void put(std::int64_t value) { put_number(static_cast<std::uint64_t>(value), 8); }
    void put(bool value) { put_number(value ? 1 : 0, 1); }
    void put(std::string_view text);
    void put(const char*) = delete;
    /// The frame with its length in front.
    [[nodiscard]] std::string take() &&;

private:
    void put_number(std::uint64_t value, std::size_t bytes);
    std::string bytes_;
};

/// Reads what FrameWriter wrote from a body of unknown origin. After a failure everything read is
/// empty and zero, and finish() tells.
class FrameReader {
public:
    explicit FrameReader(std::string_view body) : rest_(body) {}
    [[nodiscard]] std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    [[nodiscard]] std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    [[nodiscard]] std::uint64_t u64() { return number(8); }
    [[nodiscard]] bool flag();
    /// At most `limit` bytes, else a failure.
    [[nodiscard]] std::string_view bytes(std::size_t limit);
    /// As bytes(), and valid UTF-8 without NUL.
    [[nodiscard]] std::string text(std::size_t limit);
    void reject(std::string_view why);
    [[nodiscard]] bool is_failed() const { return failed_; }
    /// Errors: Malformed, also where bytes are left.
    [[nodiscard]] Status finish() const;

private:
    [[nodiscard]] std::uint64_t number(std::size_t bytes);
    std::string_view rest_;
    bool failed_ = false;
    std::string why_;
};

/// Cuts a stream into frames, whatever pieces it arrives in. Holds one frame at most and what came
/// with it.
class FrameSplitter {
public:
    void feed(std::string_view bytes);
    /// The next complete body, valid until the next call of either. Errors: Malformed (a length
    /// beyond the bound); nothing useful follows.
    [[nodiscard]] Result<std::optional<std::string_view>> next();

private:
    std::string buffer_;
    std::size_t at_ = 0;
};

} // namespace ctys::agent
