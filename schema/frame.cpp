#include "schema/frame.h"

#include "mesh/core/text.h"

#include <cstring>

namespace ctys::schema {

namespace {

// 32 KiB: an event, a record or a small answer in one segment, and little enough for an agent.
constexpr std::size_t scratch_words = 4096;
constexpr std::size_t word_bytes = sizeof(capnp::word);

thread_local std::array<capnp::word, scratch_words> scratch{};

void append(std::vector<std::byte>& out, const void* from, std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(from);
    out.insert(out.end(), bytes, bytes + size);
}

} // namespace

kj::ArrayPtr<capnp::word> thread_scratch() {
    return {scratch.data(), scratch.size()};
}

std::vector<std::byte> flatten(capnp::MessageBuilder& message) {
    const auto segments = message.getSegmentsForOutput();
    // Number of segments less one, the size of each in words, padded to a whole word. The format
    // is little-endian; so is every machine this is built for.
    std::vector<std::uint32_t> table{static_cast<std::uint32_t>(segments.size() - 1)};
    std::size_t words = 0;
    for (const auto& segment : segments) {
        table.push_back(static_cast<std::uint32_t>(segment.size()));
        words += segment.size();
    }
    if (table.size() % 2 != 0) table.push_back(0);

    std::vector<std::byte> out;
    out.reserve(table.size() * sizeof(std::uint32_t) + words * word_bytes);
    append(out, table.data(), table.size() * sizeof(std::uint32_t));
    for (const auto& segment : segments) {
        append(out, segment.begin(), segment.size() * word_bytes);
    }
    return out;
}

AlignedWords::AlignedWords(std::span<const std::byte> bytes) {
    const auto size = bytes.size() / word_bytes;
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % word_bytes == 0) {
        words_ = {reinterpret_cast<const capnp::word*>(bytes.data()), size};
        return;
    }
    auto* target = small_.data();
    if (size > small_words) {
        large_.resize(size);
        target = large_.data();
    }
    std::memcpy(target, bytes.data(), size * word_bytes);
    words_ = {reinterpret_cast<const capnp::word*>(target), size};
}

Status check_frame(std::string_view what, std::span<const std::byte> bytes) {
    if (bytes.size() > limits::message_bytes) {
        return fail(ErrorCode::Malformed,
                    fmt::format("{} has {} bytes, at most {} are allowed",
                                what,
                                bytes.size(),
                                limits::message_bytes));
    }
    // The smallest message: a segment table and the root pointer.
    if (bytes.size() < 2 * word_bytes || bytes.size() % word_bytes != 0) {
        return fail(ErrorCode::Malformed,
                    fmt::format("{} has {} bytes: cut off or not a message", what, bytes.size()));
    }
    std::uint32_t more_segments = 0;
    std::memcpy(&more_segments, bytes.data(), sizeof more_segments);
    if (more_segments >= limits::segments) {
        return fail(ErrorCode::Malformed, fmt::format("{} is not a message", what));
    }
    return {};
}

capnp::ReaderOptions reader_options(std::size_t words) {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = limits::traversal_factor * words + 64;
    options.nestingLimit = limits::nesting;
    return options;
}

Error malformed(std::string_view what, const kj::Exception& exception) {
    const auto description = exception.getDescription();
    return {.code = ErrorCode::Malformed,
            .message = fmt::format(
                "{}: {}", what, printable({description.cStr(), description.size()}, 200))};
}

} // namespace ctys::schema
