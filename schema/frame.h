#pragma once

#include "schema/limits.h"
#include "schema/reading.h"

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ctys::schema {

/// Zeroed words that every message of a thread is built in first: a builder clears what it used,
/// and asks malloc only for more. One message at a time: what fills a message never encodes.
[[nodiscard]] kj::ArrayPtr<capnp::word> thread_scratch();

/// Segment table and segments, as `capnp decode` reads them.
[[nodiscard]] std::vector<std::byte> flatten(capnp::MessageBuilder& message);

/// The bytes of a message at an aligned address: the bytes themselves, or a copy (values of LMDB
/// are aligned to 2, frames of ZeroMQ to nothing).
class AlignedWords {
public:
    explicit AlignedWords(std::span<const std::byte> bytes);
    AlignedWords(const AlignedWords&) = delete;
    AlignedWords& operator=(const AlignedWords&) = delete;

    [[nodiscard]] kj::ArrayPtr<const capnp::word> words() const { return words_; }

private:
    static constexpr std::size_t small_words = 256;

    std::array<std::uint64_t, small_words> small_; // on the stack of the decoder, not initialised
    std::vector<std::uint64_t> large_;
    kj::ArrayPtr<const capnp::word> words_;
};

/// Size and segment table make sense. Errors: Malformed.
[[nodiscard]] Status check_frame(std::string_view what, std::span<const std::byte> bytes);
[[nodiscard]] capnp::ReaderOptions reader_options(std::size_t words);
[[nodiscard]] Error malformed(std::string_view what, const kj::Exception& exception);

/// `fill` writes the root.
template <typename Root, typename Fill>
[[nodiscard]] std::vector<std::byte> encode_frame(const Fill& fill) {
    capnp::MallocMessageBuilder message{thread_scratch()};
    fill(message.initRoot<Root>());
    return flatten(message);
}

/// `take(reading, root)` makes the value. The one place where exceptions of Cap'n Proto end.
template <typename Root, typename Take>
[[nodiscard]] auto
decode_frame(std::string_view what, std::span<const std::byte> bytes, const Take& take)
    -> Result<decltype(take(std::declval<Reading&>(), std::declval<typename Root::Reader>()))> {
    if (auto status = check_frame(what, bytes); !status) return tl::unexpected(status.error());
    try {
        const AlignedWords aligned{bytes};
        const auto words = aligned.words();
        capnp::FlatArrayMessageReader message{words, reader_options(words.size())};
        if (message.getEnd() != words.end()) {
            return fail(ErrorCode::Malformed, fmt::format("{}: bytes after its end", what));
        }
        Reading reading;
        auto value = take(reading, message.getRoot<Root>());
        if (reading.failure()) return wrap(what, *reading.failure());
        return value;
    } catch (const kj::Exception& exception) {
        return tl::unexpected(malformed(what, exception));
    }
}

} // namespace ctys::schema
