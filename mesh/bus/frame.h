#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace ctys::bus {

/// One part of a message; owns its bytes, which start at a multiple of 8 (Cap'n Proto reads them
/// in place). Up to 33 bytes are inside the object, so a move may move them: take bytes() again.
class Frame {
public:
    static constexpr std::size_t alignment = 8;

    Frame() noexcept;
    explicit Frame(std::span<const std::byte> bytes);
    explicit Frame(std::string_view text);
    Frame(Frame&& other) noexcept;
    Frame& operator=(Frame&& other) noexcept;
    ~Frame();

    /// Uninitialised bytes to be filled through writable().
    [[nodiscard]] static Frame of_size(std::size_t size);
    /// Shares long content instead of copying it: for sending one content to many.
    [[nodiscard]] Frame share() const;

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept;
    [[nodiscard]] std::string_view text() const noexcept;
    /// Only for a frame made by of_size() and not shared.
    [[nodiscard]] std::span<std::byte> writable() noexcept;
    [[nodiscard]] std::size_t size() const noexcept;

    /// Copies the content to an aligned place if it has none; properties of the transport are lost.
    void align();
    /// The zmq_msg_t, for the implementation of mesh/bus only.
    [[nodiscard]] void* native() const noexcept { return storage_.data(); }

private:
    alignas(alignment) mutable std::array<std::byte, 64> storage_;
};

using Frames = std::vector<Frame>;

} // namespace ctys::bus
