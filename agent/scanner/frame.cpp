#include "agent/scanner/frame.h"

#include "mesh/core/assert.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

namespace ctys::agent {

namespace {

constexpr std::size_t length_bytes = 4;

std::uint64_t read_number(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
        value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
    }
    return value;
}

} // namespace

FrameWriter::FrameWriter() : bytes_(length_bytes, '\0') {}

void FrameWriter::put_number(std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) {
        bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
    }
}

void FrameWriter::put(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    bytes_ += text;
}

std::string FrameWriter::take() && {
    const auto length = bytes_.size() - length_bytes;
    CTYS_ASSERT(length <= max_frame_bytes);
    for (std::size_t i = 0; i < length_bytes; ++i) {
        bytes_[i] = static_cast<char>(length >> (8 * i) & 0xff);
    }
    return std::move(bytes_);
}

std::uint64_t FrameReader::number(std::size_t bytes) {
    if (rest_.size() < bytes) {
        reject("it ends too early");
        return 0;
    }
    const auto value = read_number(rest_.substr(0, bytes));
    rest_.remove_prefix(bytes);
    return value;
}

bool FrameReader::flag() {
    const auto value = u8();
    if (value > 1) reject("a flag is neither 0 nor 1");
    return value == 1 && !failed_;
}

std::string_view FrameReader::bytes(std::size_t limit) {
    const auto size = u32();
    if (size > limit || size > rest_.size()) {
        reject("a text is longer than allowed");
        return {};
    }
    const auto out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
}

std::string FrameReader::text(std::size_t limit) {
    const auto out = bytes(limit);
    if (auto checked = check_text("a text", out, limit); !checked) {
        reject(checked.error().message);
        return {};
    }
    return std::string(out);
}

void FrameReader::reject(std::string_view why) {
    rest_ = {};
    if (failed_) return;
    failed_ = true;
    why_ = why;
}

Status FrameReader::finish() const {
    if (failed_) return fail(ErrorCode::Malformed, fmt::format("frame of a scan helper: {}", why_));
    if (!rest_.empty()) return fail(ErrorCode::Malformed, "frame of a scan helper: bytes are left");
    return {};
}

void FrameSplitter::feed(std::string_view bytes) {
    buffer_.erase(0, at_);
    at_ = 0;
    buffer_ += bytes;
}

Result<std::optional<std::string_view>> FrameSplitter::next() {
    const auto rest = std::string_view(buffer_).substr(at_);
    if (rest.size() < length_bytes) return std::nullopt;
    const auto length = read_number(rest.substr(0, length_bytes));
    if (length > max_frame_bytes) {
        return fail(ErrorCode::Malformed,
                    fmt::format("frame of a scan helper: {} bytes are announced", length));
    }
    if (rest.size() < length_bytes + length) return std::nullopt;
    at_ += length_bytes + length;
    return rest.substr(length_bytes, length);
}

} // namespace ctys::agent
