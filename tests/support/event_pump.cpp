// Speaks as an agent whose whole work is to publish COUNT numbered events of one stream, and to
// publish them again, as agents do, until the broker has acknowledged each. One line at the end.
#include "mesh/bus/socket.h"
#include "mesh/core/digest.h"
#include "mesh/loop/id_source.h"
#include "mesh/loop/timer.h"
#include "schema/codec.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace ctys {
namespace {

constexpr std::uint64_t batch_events = 256;
constexpr std::uint64_t window = 4096; // events under way
constexpr Duration silence = std::chrono::seconds{2};

class EventPump {
public:
    EventPump(const std::string& name, std::uint64_t count, std::uint64_t rate)
        : count_(count), rate_(rate),
          socket_(context_,
                  loop_,
                  bus::SocketKind::Dealer,
                  {.immediate = true, .reconnect_max = std::chrono::milliseconds{400}},
                  [this](bus::Message& message) { on_message(message); }),
          timer_(loop_), hashes_(count + 1) {
        worker_.id = WorkerId{ids_.next_uuid()};
        worker_.name = name;
        worker_.boot = BootId{ids_.next_uuid()};
        worker_.nonce = NonceId{ids_.next_uuid()};
        worker_.host = name;
        stream_ = StreamId{ids_.next_uuid()};
        began_ = loop_.now();
        for (std::uint64_t number = 1; number <= count; ++number)
            hashes_[number] = digest(view(event(number)), hashes_[number - 1]);
    }

    bool run(const bus::Endpoint& endpoint, Duration bound) {
        if (auto connected = socket_.connect(endpoint); !connected) return false;
        timer_.start_repeating(std::chrono::milliseconds{10}, [this] { on_timer(); });
        return loop_.run_until([this] { return acknowledged_ == count_; }, bound);
    }

    [[nodiscard]] std::string report() const {
        const auto took = loop_.now().instant - began_.instant;
        return fmt::format("{{\"acknowledged\":{},\"hellos\":{},\"resent\":{},\"seconds\":{:.3f}}}",
                           acknowledged_,
                           hellos_,
                           resent_,
                           static_cast<double>(took.count()) / 1e6);
    }

private:
    [[nodiscard]] SharedBytes event(std::uint64_t number) const {
        Event made{.kind = EventKind::WorkerFact,
                   .time = began_.wall + Duration{static_cast<std::int64_t>(number)}};
        made.worker = worker_.id;
        made.worker_name = worker_.name;
        made.text = "an event of the pump";
        made.data = {{"number", std::to_string(number)}};
        return schema::encode_event(made);
    }

    void send(Body body) {
        const auto bytes = schema::encode(Envelope{.correlation = 1, .body = std::move(body)});
        bus::Frames frames;
        frames.emplace_back(std::span<const std::byte>{bytes});
        // A broker that is away is told again after the silence.
        static_cast<void>(socket_.send(frames));
    }

    void hello() {
        ++hellos_;
        online_ = false;
        heard_ = loop_.now().instant;
        send(msg::AgentHello{
            .worker = worker_, .end = {stream_, count_, hashes_[count_]}, .first_kept = 1});
    }

    void on_timer() {
        if (hellos_ == 0 || loop_.now().instant - heard_ > silence) return hello();
        if (online_) send_more();
    }

    void send_more() {
        const auto ran = (loop_.now().instant - began_.instant).count();
        const auto due = rate_ == 0 ? count_ : rate_ * static_cast<std::uint64_t>(ran) / 1'000'000;
        const auto until = std::min({count_, acknowledged_ + window, due});
        while (sent_ < until) {
            msg::Publish batch{
                .stream = stream_, .first = sent_ + 1, .hash_before = hashes_[sent_]};
            while (sent_ < until && batch.events.size() < batch_events)
                batch.events.push_back(event(++sent_));
            if (batch.first <= most_sent_) resent_ += batch.events.size();
            most_sent_ = std::max(most_sent_, sent_);
            send(std::move(batch));
        }
    }

    void on_message(bus::Message& message) {
        auto envelope = schema::decode_envelope(message.frames.back().bytes());
        if (!envelope) return;
        heard_ = loop_.now().instant;
        if (const auto* ping = std::get_if<msg::Ping>(&envelope->body)) {
            send(msg::Pong{ping->session});
        } else if (const auto* welcome = std::get_if<msg::Welcome>(&envelope->body)) {
            online_ = true;
            sent_ = welcome->mark.sequence;
            send(msg::Publish{.stream = stream_, .first = sent_ + 1, .full = true, .last = true});
        } else if (const auto* acked = std::get_if<msg::Acknowledge>(&envelope->body)) {
            acknowledged_ = std::max(acknowledged_, acked->sequence);
        } else if (std::holds_alternative<msg::Failure>(envelope->body) && online_) {
            hello();
        }
    }

    std::uint64_t count_;
    std::uint64_t rate_; ///< events per second; 0: as fast as they are acknowledged
    bus::Context context_;
    loop::EventLoop loop_;
    loop::SystemIdSource ids_;
    bus::Socket socket_;
    loop::Timer timer_;
    std::vector<std::uint64_t> hashes_; ///< running, after each event
    WorkerRecord worker_;
    StreamId stream_;
    Now began_{};
    Instant heard_{};
    bool online_ = false;
    std::uint64_t sent_ = 0;
    std::uint64_t most_sent_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t hellos_ = 0;
    std::uint64_t resent_ = 0;
};

} // namespace
} // namespace ctys

int main(int count, char** arguments) {
    if (count != 5) {
        fmt::print(stderr, "usage: event_pump ENDPOINT WORKER COUNT RATE-PER-SECOND (0: all)\n");
        return 2;
    }
    const auto endpoint = ctys::bus::Endpoint::parse(arguments[1]);
    if (!endpoint) {
        fmt::print(stderr, "event_pump: {}\n", endpoint.error().message);
        return 2;
    }
    ctys::EventPump pump{arguments[2],
                         std::strtoull(arguments[3], nullptr, 10),
                         std::strtoull(arguments[4], nullptr, 10)};
    const bool done = pump.run(*endpoint, std::chrono::minutes{10});
    fmt::print("{}\n", pump.report());
    return done ? 0 : 1;
}
