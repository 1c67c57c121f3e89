#include "mesh/bus/frame.h"

#include "mesh/bus/zmq_call.h"

#include <cstdint>
#include <cstring>
#include <new>

namespace ctys::bus {

static_assert(sizeof(zmq_msg_t) == 64 && alignof(zmq_msg_t) <= Frame::alignment);

namespace {

zmq_msg_t* message(const Frame& frame) {
    return static_cast<zmq_msg_t*>(frame.native());
}

} // namespace

Frame::Frame() noexcept {
    zmq_msg_init(message(*this));
}

Frame::Frame(std::span<const std::byte> bytes) {
    if (zmq_msg_init_size(message(*this), bytes.size()) != 0) throw std::bad_alloc();
    if (!bytes.empty()) std::memcpy(zmq_msg_data(message(*this)), bytes.data(), bytes.size());
    align();
}

Frame::Frame(std::string_view text) : Frame(std::as_bytes(std::span(text))) {}

Frame::Frame(Frame&& other) noexcept : Frame() {
    zmq_msg_move(message(*this), message(other));
}

Frame& Frame::operator=(Frame&& other) noexcept {
    if (this != &other) zmq_msg_move(message(*this), message(other));
    return *this;
}

Frame::~Frame() {
    zmq_msg_close(message(*this));
}

Frame Frame::of_size(std::size_t size) {
    Frame frame;
    if (zmq_msg_init_size(message(frame), size) != 0) {
        zmq_msg_init(message(frame));
        throw std::bad_alloc();
    }
    return frame;
}

Frame Frame::share() const {
    Frame copy;
    zmq_msg_copy(message(copy), message(*this));
    return copy;
}

std::span<const std::byte> Frame::bytes() const noexcept {
    return {static_cast<const std::byte*>(zmq_msg_data(message(*this))), size()};
}

std::string_view Frame::text() const noexcept {
    return {static_cast<const char*>(zmq_msg_data(message(*this))), size()};
}

std::span<std::byte> Frame::writable() noexcept {
    return {static_cast<std::byte*>(zmq_msg_data(message(*this))), size()};
}

std::size_t Frame::size() const noexcept {
    return zmq_msg_size(message(*this));
}

void Frame::align() {
    const auto address = reinterpret_cast<std::uintptr_t>(zmq_msg_data(message(*this)));
    if (address % alignment == 0) return;
    Frame copy = of_size(size());
    std::memcpy(zmq_msg_data(message(copy)), zmq_msg_data(message(*this)), size());
    *this = std::move(copy);
}

} // namespace ctys::bus
