// A watcher as a tool is one: takes every event from now or from the beginning under credit,
// decodes it and checks that none is missing, doubled or out of order.
#include "tests/bench/mesh_peer.h"

#include <fmt/format.h>

namespace {

using namespace ctys;
using namespace ctys::bench;

constexpr std::uint32_t credit = 1024; // as of tools/client/watcher

class Watching {
public:
    Watching(const std::string& endpoint, std::size_t count)
        : count_(count), peer_(endpoint, [this](Envelope& each) { on_envelope(each); }) {}

    void run(bool from_beginning) {
        const auto begin = now_us();
        peer_.send(
            7,
            msg::Watch{.from = from_beginning ? msg::WatchFrom::Beginning : msg::WatchFrom::Now,
                       .credit = credit});
        peer_.wait(
            "answer", [&] { return answered_; }, std::chrono::seconds{10});
        say("ready");
        peer_.wait(
            "end of the events", [&] { return taken_ >= count_; }, std::chrono::minutes{10});
        say(fmt::format("taken {} {} {}", begin, last_us_, taken_));
    }

private:
    void on_envelope(Envelope& envelope) {
        const auto* events = std::get_if<msg::WatchEvents>(&envelope.body);
        if (events == nullptr) return;
        if (!std::exchange(answered_, true)) last_ = events->position.sequence;
        for (const auto& item : events->items) {
            take(item);
        }
        owed_ += static_cast<std::uint32_t>(events->items.size());
        if (owed_ < credit / 2) return;
        peer_.send(7, msg::Credit{.add = std::exchange(owed_, 0)});
    }

    void take(const std::variant<msg::WatchItem, msg::Gap>& either) {
        const auto* item = std::get_if<msg::WatchItem>(&either);
        if (item == nullptr) throw std::runtime_error("a gap");
        const auto event = schema::decode_event(view(item->event));
        if (!event) throw std::runtime_error(event.error().message);
        if (item->cursor.sequence != last_ + 1) {
            throw std::runtime_error(fmt::format("{} follows {}", item->cursor.sequence, last_));
        }
        last_ = item->cursor.sequence;
        if (++taken_ == count_) last_us_ = now_us();
    }

    std::size_t count_;
    std::size_t taken_ = 0;
    std::uint64_t last_ = 0;
    std::int64_t last_us_ = 0;
    std::uint32_t owed_ = 0;
    bool answered_ = false;
    MeshPeer peer_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("usage: bench_watcher ENDPOINT now|beginning COUNT\n", stderr);
        return 2;
    }
    try {
        Watching(argv[1], std::stoull(argv[3])).run(std::string_view{argv[2]} == "beginning");
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "bench_watcher: %s\n", failure.what());
        return 1;
    }
}
