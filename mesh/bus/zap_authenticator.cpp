#include "mesh/bus/zap_authenticator.h"

#include "mesh/bus/frame.h"
#include "mesh/bus/zmq_call.h"
#include "mesh/core/text.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <thread>

namespace ctys::bus {

// Happy path: REP socket at the address ZAP prescribes; one request, one answer.
// Failure modes: a request that is not understood is answered with 400, since silence would stall
// its handshake; when the thread ends for whatever reason every new handshake is refused (option
// 93).

namespace {

constexpr const char* zap_address = "inproc://zeromq.zap.01";
constexpr const char* stop_address = "inproc://ctys.zap.stop";
constexpr std::size_t kept_refusals = 32;

/// Places of the frames of a request, spec 27: "version, request id, domain, address, identity,
/// mechanism, credentials".
enum RequestFrame : std::size_t { Version, RequestId, Domain, Address, RoutingId, Mechanism, Key };

struct Verdict {
    const KeyHolder* holder = nullptr;
    std::string why;
};

std::string to_z85(std::span<const std::byte> key) {
    std::array<char, 41> text{};
    zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
    return text.data();
}

std::string text_of(const Frames& frames, std::size_t index) {
    return index < frames.size() ? std::string(frames[index].text()) : std::string();
}

std::string key_of(const Frames& frames) {
    const bool is_curve = text_of(frames, Mechanism) == "CURVE" && frames.size() == Key + 1 &&
                          frames[Key].size() == 32;
    return is_curve ? to_z85(frames[Key].bytes()) : std::string();
}

} // namespace

struct ZapAuthenticator::State {
    Policy policy;
    OwnedSocket zap;
    OwnedSocket stop_ours;
    OwnedSocket stop_theirs;
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused{0};
    mutable std::mutex mutex;
    std::shared_ptr<const KnownKeys> keys;
    std::deque<Refusal> refusals;
    std::thread thread;

    Frames receive() const {
        Frames frames;
        for (bool more = true; more;) {
            Frame frame;
            auto* message = static_cast<zmq_msg_t*>(frame.native());
            if (zmq_msg_recv(message, zap.get(), ZMQ_DONTWAIT) < 0) return {};
            more = zmq_msg_more(message) != 0;
            frames.push_back(std::move(frame));
        }
        return frames;
    }

    Verdict judge(const KnownKeys& known, const Frames& request, const std::string& key) const {
        if (text_of(request, Version) != "1.0") return {nullptr, "unknown version of ZAP"};
        if (key.empty()) return {nullptr, "no CURVE key"};
        const auto* holder = known.find_key(key);
        if (holder == nullptr) return {nullptr, "unknown key"};
        if (policy && !policy(text_of(request, Domain), *holder)) {
            return {nullptr, holder->name + " may not use this socket"};
        }
        return {holder, {}};
    }

    void answer(const Frames& request, std::string_view status, std::string_view name) const {
        const auto id = text_of(request, RequestId);
        const std::array<std::string_view, 6> reply = {
            "1.0", id, status, status == "200" ? "OK" : "refused", name, ""};
        for (std::size_t i = 0; i < reply.size(); ++i) {
            const int more = i + 1 < reply.size() ? ZMQ_SNDMORE : 0;
            zmq_send(zap.get(), reply[i].data(), reply[i].size(), more | ZMQ_DONTWAIT);
        }
    }

    void note(const Frames& request, const std::string& key, std::string why) {
        ++refused;
        const std::lock_guard lock(mutex);
        refusals.push_back({printable(text_of(request, Address)), key, std::move(why)});
        if (refusals.size() > kept_refusals) refusals.pop_front();
    }

    void serve_one() {
        const auto request = receive();
        if (request.empty()) return;
        std::shared_ptr<const KnownKeys> known;
        {
            const std::lock_guard lock(mutex);
            known = keys;
        }
        const auto key = key_of(request);
        auto verdict = judge(*known, request, key);
        // Counted first: who sees the answer may look at the counters.
        if (verdict.holder != nullptr) {
            ++accepted;
            answer(request, "200", verdict.holder->name);
        } else {
            note(request, key, std::move(verdict.why));
            answer(request, "400", "");
        }
    }

    void run() {
        std::array<zmq_pollitem_t, 2> items = {zmq_pollitem_t{zap.get(), 0, ZMQ_POLLIN, 0},
                                               zmq_pollitem_t{stop_theirs.get(), 0, ZMQ_POLLIN, 0}};
        while (true) {
            if (zmq_poll(items.data(), static_cast<int>(items.size()), -1) < 0) {
                if (zmq_errno() == EINTR) continue;
                return;
            }
            if ((items[1].revents & ZMQ_POLLIN) != 0) return;
            if ((items[0].revents & ZMQ_POLLIN) != 0) serve_one();
        }
    }
};

ZapAuthenticator::ZapAuthenticator(Context& context, KnownKeys keys, Policy policy)
    : state_(std::make_unique<State>()) {
    auto& state = *state_;
    state.policy = std::move(policy);
    state.keys = std::make_shared<const KnownKeys>(std::move(keys));
    state.zap = open_socket(context.native(), ZMQ_REP);
    state.stop_ours = open_socket(context.native(), ZMQ_PAIR);
    state.stop_theirs = open_socket(context.native(), ZMQ_PAIR);
    // Bound here, so that a CURVE bind after the constructor finds it; starting a thread is the
    // full fence that moving a socket to another thread needs.
    if (zmq_bind(state.zap.get(), zap_address) != 0 ||
        zmq_bind(state.stop_theirs.get(), stop_address) != 0 ||
        zmq_connect(state.stop_ours.get(), stop_address) != 0) {
        throw_zmq_fault("start the authenticator");
    }
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    state.thread = std::thread([&state] { state.run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(state.thread.native_handle(), "zap");
}

ZapAuthenticator::~ZapAuthenticator() {
    zmq_send(state_->stop_ours.get(), "", 0, 0);
    state_->thread.join();
}

void ZapAuthenticator::replace_keys(KnownKeys keys) {
    auto next = std::make_shared<const KnownKeys>(std::move(keys));
    const std::lock_guard lock(state_->mutex);
    state_->keys.swap(next);
}

std::uint64_t ZapAuthenticator::accepted() const {
    return state_->accepted;
}

std::uint64_t ZapAuthenticator::refused() const {
    return state_->refused;
}

std::vector<ZapAuthenticator::Refusal> ZapAuthenticator::recent_refusals() const {
    const std::lock_guard lock(state_->mutex);
    return {state_->refusals.begin(), state_->refusals.end()};
}

} // namespace ctys::bus
