// A tool that asks: round trips of a read-only query, and of actions that end at once. Prints the
// median of the round trips in microseconds and the sizes of request and answer.
#include "tests/bench/mesh_peer.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <vector>

namespace {

using namespace ctys;
using namespace ctys::bench;

constexpr auto patience = std::chrono::seconds{10};

class Requester {
public:
    explicit Requester(const std::string& endpoint)
        : peer_(endpoint, [this](Envelope& each) { on_envelope(each); }) {}

    void query(const std::string& address, std::size_t count) {
        const msg::Ask ask{.query = {.table = Table::Vms, .address = address}, .credit = 16};
        measure(count, [&](std::uint64_t number) {
            peer_.send(number, ask);
            peer_.wait(
                "rows", [&] { return ended_ == number; }, patience);
        });
        const auto sizes = fmt::format(
            "{} {}", schema::encode(Envelope{.correlation = 1, .body = ask}).size(), answer_bytes_);
        say(fmt::format("round {} {}", median(), sizes));
    }

    void action(const std::string& worker, std::size_t count) {
        watch_ = 1'000'000;
        peer_.send(watch_,
                   msg::Watch{.filters = {{.field = "kind", .values = {"ended"}}}, .credit = 1024});
        peer_.wait(
            "watch", [&] { return ended_ == watch_; }, patience);
        std::random_device source;
        measure(count, [&](std::uint64_t number) {
            msg::Submit submit;
            submit.action.id = {(static_cast<std::uint64_t>(source()) << 32U | source()) + 1};
            submit.action.verb = Verb::Scan;
            submit.action.target = "w:" + worker;
            peer_.send(number, submit);
            peer_.wait(
                "end of the action", [&] { return action_ == submit.action.id; }, patience);
            peer_.send(watch_, msg::Credit{.add = 1});
        });
        say(fmt::format("round {} 300 300", median()));
    }

private:
    template <typename Once>
    void measure(std::size_t count, const Once& once) {
        for (std::uint64_t number = 1; number <= count; ++number) {
            const auto begin = now_us();
            once(number);
            if (number > count / 10) spent_.push_back(now_us() - begin); // the first ones warm up
        }
    }
    [[nodiscard]] std::int64_t median() {
        std::sort(spent_.begin(), spent_.end());
        return spent_[spent_.size() / 2];
    }

    void on_envelope(Envelope& envelope) {
        if (const auto* rows = std::get_if<msg::Rows>(&envelope.body)) {
            if (rows->rows.size() != 1) throw std::runtime_error("not one row");
            if (answer_bytes_ == 0) answer_bytes_ = schema::encode(envelope).size();
            if (rows->last) ended_ = envelope.correlation;
        } else if (const auto* events = std::get_if<msg::WatchEvents>(&envelope.body)) {
            ended_ = envelope.correlation;
            for (const auto& each : events->items) {
                const auto* item = std::get_if<msg::WatchItem>(&each);
                if (item == nullptr) continue;
                const auto event = schema::decode_event(view(item->event));
                if (!event) throw std::runtime_error(event.error().message);
                action_ = event->action;
            }
        }
    }

    std::vector<std::int64_t> spent_;
    std::uint64_t ended_ = 0;
    std::uint64_t watch_ = 0;
    ActionId action_;
    std::size_t answer_bytes_ = 0;
    MeshPeer peer_;
};

} // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc == 5 ? argv[2] : "";
    if (what != "query" && what != "action") {
        std::fputs("usage: bench_requester ENDPOINT query ADDRESS COUNT\n"
                   "       bench_requester ENDPOINT action WORKER COUNT\n",
                   stderr);
        return 2;
    }
    try {
        Requester requester(argv[1]);
        if (what == "query") requester.query(argv[3], std::stoull(argv[4]));
        if (what == "action") requester.action(argv[3], std::stoull(argv[4]));
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "bench_requester: %s\n", failure.what());
        return 1;
    }
}
