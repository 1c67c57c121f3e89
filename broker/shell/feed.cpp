#include "broker/shell/feed.h"

#include "mesh/core/digest.h"
#include "mesh/store/bytes.h"

namespace ctys::broker {

namespace {

std::string_view prefix_of(std::string_view topic) {
    const auto first = topic.find('/');
    const auto second = first == std::string_view::npos ? first : topic.find('/', first + 1);
    return second == std::string_view::npos ? topic : topic.substr(0, second + 1);
}

} // namespace

Feed::Feed(bus::Context& context, loop::EventLoop& loop, bus::SocketOptions options)
    : socket_(
          context, loop, bus::SocketKind::Xpub, std::move(options), [this](bus::Message& message) {
              on_subscription(message);
          }) {}

// zmq_socket(3), ZMQ_XPUB: "Subscription message is a byte 1 (for subscriptions) or byte 0 (for
// unsubscriptions) followed by the subscription body"; each body comes once for all subscribers.
void Feed::on_subscription(const bus::Message& message) {
    const auto bytes = message.frames.front().bytes();
    if (bytes.empty()) return;
    if (bytes.front() == std::byte{1}) {
        ++subscriptions_;
    } else if (bytes.front() == std::byte{0} && subscriptions_ > 0) {
        --subscriptions_;
    }
}

void Feed::send(const std::string& topic,
                Cursor at,
                Cursor before,
                std::span<const std::byte> event) {
    std::array<std::byte, 32> head{};
    store::write_big_endian(head.data(), at.epoch, 8);
    store::write_big_endian(head.data() + 8, at.sequence, 8);
    store::write_big_endian(head.data() + 16, before.epoch, 8);
    store::write_big_endian(head.data() + 24, before.sequence, 8);
    bus::Frames frames;
    frames.emplace_back(std::string_view{topic});
    frames.emplace_back(std::span<const std::byte>{head});
    frames.emplace_back(event);
    // At most once by contract: a subscriber that is full sees the gap in `before`.
    static_cast<void>(socket_.send(frames));
}

void Feed::publish(std::uint64_t epoch, const Append& append) {
    if (append.topic.starts_with("audit/")) return; // DESIGN: the feed never carries audit/
    const Cursor at{epoch, append.sequence};
    const auto text = prefix_of(append.topic);
    const auto key = digest(text);
    auto found = prefixes_.find(key);
    if (found == prefixes_.end()) {
        if (prefixes_.size() >= most_prefixes) prefixes_.erase(prefixes_.begin());
        found = prefixes_.emplace(key, Prefix{.text = std::string{text}}).first;
    }
    auto& prefix = found->second;
    if (subscriptions_ > 0) send(append.topic, at, prefix.last, view(append.bytes));
    prefix.last = at;
    if (!std::exchange(prefix.changed, true)) changed_.push_back(key);
}

void Feed::on_second() {
    for (const auto key : changed_) {
        const auto found = prefixes_.find(key);
        if (found == prefixes_.end()) continue; // made room for another
        auto& prefix = found->second;
        prefix.changed = false;
        if (subscriptions_ > 0) send(prefix.text + "mark/", prefix.last, prefix.last, {});
    }
    changed_.clear();
}

} // namespace ctys::broker
