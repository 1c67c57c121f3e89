// An event pump: a process that speaks as the agent of a worker with many VMs. It registers, gives
// its facts in a full exchange, then publishes on demand, with the window of agent/core/uplink.
// A command is answered at once by an event that ends its action.
//
// Standard input: "changes N", "remarks N" (events that change no record), "quit".
#include "agent/core/uplink.h"
#include "mesh/core/digest.h"
#include "tests/bench/mesh_peer.h"

#include <fmt/format.h>

#include <random>

namespace {

using namespace ctys;
using namespace ctys::bench;

constexpr std::size_t batch_events = agent::Uplink::batch_events;
constexpr std::size_t window = agent::Uplink::window_batches * batch_events;

template <typename T>
T random_id() {
    std::random_device source;
    std::array<std::uint8_t, 16> bytes{};
    for (auto& byte : bytes) {
        byte = static_cast<std::uint8_t>(source());
    }
    return T{Uuid::from_random(bytes)};
}

class Pump {
public:
    Pump(const std::string& endpoint, const std::string& name, std::size_t vms, std::size_t live)
        : vms_(vms), live_(live), peer_(endpoint, [this](Envelope& each) { on_envelope(each); }) {
        worker_.id = WorkerId{Uuid::from_name(ctys_namespace(), "bench " + name)};
        worker_.name = name;
        worker_.host = name;
        worker_.boot = random_id<BootId>();
        worker_.nonce = random_id<NonceId>();
        worker_.accelerators.push_back({.name = "tcg", .usable = true, .why = {}});
        pool_ = PoolId{Uuid::from_name(ctys_namespace(), "bench pool")};
        stream_ = random_id<StreamId>();
    }

    void run() {
        peer_.send(1,
                   msg::AgentHello{.worker = worker_,
                                   .end = {.stream = stream_, .sequence = 0, .hash = 0},
                                   .first_kept = 1});
        peer_.wait(
            "end of the exchange", [&] { return exchanged_; }, std::chrono::minutes{5});
        say("ready");
        while (true) {
            std::optional<std::string> line;
            peer_.wait(
                "order",
                [&] { return (line = heard_line()).has_value(); },
                std::chrono::minutes{30});
            if (*line == "quit") return;
            const auto space = line->find(' ');
            publish(line->substr(0, space), std::stoull(line->substr(space + 1)));
        }
    }

private:
    [[nodiscard]] VmId vm_id(std::size_t i) const {
        return VmId{Uuid::from_name(worker_.id.uuid, std::to_string(i))};
    }
    [[nodiscard]] static std::string label(std::size_t i) { return fmt::format("vm-{:06}", i); }
    [[nodiscard]] static std::string folder(std::size_t i) {
        return fmt::format("/srv/vmpool/group-{:03}/{}", i / 1000, label(i));
    }

    [[nodiscard]] PathFacts facts(std::size_t i) const {
        PathFacts out;
        out.vm.id = vm_id(i);
        out.vm.label = label(i);
        out.vm.macs = {
            fmt::format("52:54:00:{:02x}:{:02x}:{:02x}", i >> 16, i >> 8 & 255, i & 255)};
        out.vm.ips = {fmt::format("10.{}.{}.{}", i >> 16, i >> 8 & 255, i & 255)};
        out.vm.arch = "x86_64";
        out.vm.memory_mb = 1024;
        out.vm.vcpus = 2;
        std::uint32_t line = 0;
        for (const auto* key : {"LABEL",
                                "UUID",
                                "MAC0",
                                "IP0",
                                "DIST",
                                "RELEASE",
                                "OS",
                                "OSREL",
                                "CATEGORY",
                                "VMSTATE",
                                "HDDBOOTIMAGE",
                                "MEMSIZE",
                                "ARCH",
                                "USER"}) {
            out.vm.settings.push_back(
                {.key = key, .value = fmt::format("{} of {}", key, label(i)), .line = ++line});
        }
        out.path.vm = out.vm.id;
        out.path.worker = worker_.id;
        out.path.config = folder(i) + "/" + label(i) + ".ctys";
        out.path.wrapper = folder(i) + "/" + label(i) + ".sh";
        out.path.pool_root = "/srv/vmpool";
        out.path.storage = {.pool = pool_,
                            .below = folder(i).substr(12),
                            .inode = 1000 + i,
                            .filesystem = "ext4",
                            .source = "/dev/sda1"};
        out.path.config_digest = i + 1;
        return out;
    }

    [[nodiscard]] InstanceRecord instance(std::size_t i, VmState state, std::int64_t since) const {
        InstanceRecord out;
        out.key = {.boot = worker_.boot,
                   .pid = static_cast<std::uint32_t>(1000 + i),
                   .start_ticks = 100000 + i};
        out.vm = vm_id(i);
        out.worker = worker_.id;
        out.label = label(i);
        out.owner = Owner::ByHand;
        out.state = state;
        out.since = {since};
        out.started = {1'772'373'726'114'000};
        out.user = "vmuser";
        out.executable = "/usr/bin/qemu-system-x86_64";
        out.version = "7.2.11";
        out.accelerator = "tcg";
        out.arch = "x86_64";
        out.machine = "pc-q35-7.2";
        out.config = folder(i) + "/" + label(i) + ".ctys";
        out.can_ask = true;
        out.memory_mb = 1024;
        out.vcpus = 2;
        return out;
    }

    [[nodiscard]] Event event(EventKind kind, std::size_t i) const {
        Event out{.kind = kind};
        out.time = {1'772'373'726'000'000 + static_cast<std::int64_t>(++made_)};
        out.worker = worker_.id;
        out.worker_name = worker_.name;
        out.vm = vm_id(i);
        out.label = label(i);
        return out;
    }

    void send_facts() {
        msg::Publish batch{.stream = stream_, .first = sent_ + 1, .full = true};
        for (std::size_t i = 0; i < vms_; ++i) {
            auto seen = event(EventKind::PathSeen, i);
            seen.payload = facts(i);
            batch.events.push_back(schema::encode_event(seen));
            if (i < live_) {
                auto runs = event(EventKind::Running, i);
                runs.payload = instance(i, VmState::Running, 1'772'373'726'114'000);
                batch.events.push_back(schema::encode_event(runs));
            }
            if (batch.events.size() >= batch_events) {
                peer_.send(0, batch);
                batch.events.clear();
            }
        }
        batch.last = true;
        peer_.send(0, std::move(batch));
    }

    void publish(const std::string& what, std::size_t count) {
        // Made beforehand: an agent's own work is not the figure.
        std::vector<SharedBytes> events;
        for (std::size_t i = 0; i < count; ++i) {
            if (what == "remarks") {
                auto remark = event(EventKind::Asked, i % vms_);
                remark.text = "the power button was pressed";
                events.push_back(schema::encode_event(remark));
                continue;
            }
            const bool pause = (i / vms_) % 2 == 0;
            auto change = event(pause ? EventKind::Paused : EventKind::Running, i % vms_);
            change.old_state = pause ? VmState::Running : VmState::Paused;
            change.new_state = pause ? VmState::Paused : VmState::Running;
            change.payload = instance(i % vms_, change.new_state, change.time.us);
            events.push_back(schema::encode_event(change));
        }
        const auto begin = now_us();
        std::size_t next = 0;
        const auto first = sent_;
        peer_.wait(
            "acknowledgement",
            [&] {
                while (next < events.size() && sent_ < acknowledged_ + window) {
                    const auto size =
                        std::min({batch_events,
                                  events.size() - next,
                                  static_cast<std::size_t>(acknowledged_ + window - sent_)});
                    send_events({events.begin() + static_cast<std::ptrdiff_t>(next),
                                 events.begin() + static_cast<std::ptrdiff_t>(next + size)});
                    next += size;
                }
                return acknowledged_ >= first + events.size();
            },
            std::chrono::minutes{10});
        say(fmt::format("published {} {} {}", begin, now_us(), events.front()->size()));
    }

    void send_events(std::vector<SharedBytes> events) {
        msg::Publish batch{.stream = stream_, .first = sent_ + 1, .hash_before = hash_};
        for (const auto& bytes : events) {
            hash_ = digest(view(bytes), hash_);
        }
        sent_ += events.size();
        batch.events = std::move(events);
        peer_.send(0, std::move(batch));
    }

    void on_envelope(Envelope& envelope) {
        if (const auto* ping = std::get_if<msg::Ping>(&envelope.body)) {
            peer_.send(envelope.correlation, msg::Pong{ping->session});
        } else if (const auto* welcome = std::get_if<msg::Welcome>(&envelope.body)) {
            if (welcome->full) send_facts();
        } else if (const auto* done = std::get_if<msg::Acknowledge>(&envelope.body)) {
            acknowledged_ = std::max(acknowledged_, done->sequence);
            exchanged_ = true;
        } else if (const auto* command = std::get_if<msg::Command>(&envelope.body)) {
            auto ended = event(EventKind::ActionEnded, 0);
            ended.action = command->action.id;
            ActionRecord record{.action = command->action, .state = ActionState::Ended};
            record.outcome = Outcome{.text = "done"};
            ended.payload = record;
            send_events({schema::encode_event(ended)});
        }
    }

    std::size_t vms_;
    std::size_t live_;
    MeshPeer peer_;
    WorkerRecord worker_;
    PoolId pool_;
    StreamId stream_;
    std::uint64_t sent_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t hash_ = 0;
    bool exchanged_ = false;
    mutable std::uint64_t made_ = 0;
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("usage: bench_pump ENDPOINT WORKER VMS LIVE\n", stderr);
        return 2;
    }
    try {
        Pump(argv[1], argv[2], std::stoull(argv[3]), std::stoull(argv[4])).run();
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "bench_pump: %s\n", failure.what());
        return 1;
    }
}
