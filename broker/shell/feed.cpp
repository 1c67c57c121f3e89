#include "broker/shell/feed.h"

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
    : socket_(context, loop, bus::SocketKind::Xpub, std::move(options), [](bus::Message&) {}) {}

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
    const auto prefix = prefix_of(append.topic);
    auto found = last_.find(prefix);
    if (found == last_.end()) {
        if (last_.size() >= most_prefixes) last_.erase(last_.begin());
        found = last_.emplace(std::string{prefix}, Cursor{}).first;
    }
    send(append.topic, at, found->second, view(append.bytes));
    found->second = at;
    changed_[found->first] = at;
}

void Feed::on_second() {
    for (const auto& [prefix, at] : changed_) {
        send(prefix + "mark/", at, at, {});
    }
    changed_.clear();
}

} // namespace ctys::broker
