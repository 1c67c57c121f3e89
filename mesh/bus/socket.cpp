#include "mesh/bus/socket.h"

#include "mesh/bus/zmq_call.h"
#include "mesh/loop/edge_pump.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::bus {

// Happy path: EdgePump calls receive_some() once per round; it reads whole messages until EAGAIN or
// the budget is spent, and a spent budget keeps the loop awake since ZMQ_EVENTS still holds.
// Failure modes: a message beyond its bounds is read to its end and dropped; a full queue and an
// unknown peer are values of send(); any other error of libzmq is a fault and leaves the loop.

namespace {

int type_of(SocketKind kind) {
    switch (kind) {
    case SocketKind::Router:
        return ZMQ_ROUTER;
    case SocketKind::Dealer:
        return ZMQ_DEALER;
    case SocketKind::Xpub:
        return ZMQ_XPUB;
    case SocketKind::Sub:
        return ZMQ_SUB;
    }
    CTYS_ASSERT(false);
}

zmq_msg_t* native(const Frame& frame) {
    return static_cast<zmq_msg_t*>(frame.native());
}

std::string_view property(const Frame& frame, const char* name) {
    const char* value = zmq_msg_gets(native(frame), name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

void apply(void* socket, SocketKind kind, const SocketOptions& options) {
    set_option(socket, ZMQ_LINGER, to_zmq_ms(options.linger));
    set_option(socket, ZMQ_SNDHWM, options.send_high_water);
    set_option(socket, ZMQ_RCVHWM, options.receive_high_water);
    set_option(socket, ZMQ_IMMEDIATE, options.immediate ? 1 : 0);
    set_option(socket, ZMQ_RECONNECT_IVL, to_zmq_ms(options.reconnect_first));
    set_option(socket, ZMQ_RECONNECT_IVL_MAX, to_zmq_ms(options.reconnect_max));
    set_option(socket, ZMQ_HANDSHAKE_IVL, to_zmq_ms(options.handshake));
    set_option(socket, ZMQ_CONNECT_TIMEOUT, to_zmq_ms(options.connect));
    set_option(socket, ZMQ_HEARTBEAT_IVL, to_zmq_ms(options.heartbeat_interval));
    set_option(socket, ZMQ_HEARTBEAT_TIMEOUT, to_zmq_ms(options.heartbeat_timeout));
    set_option(socket, ZMQ_HEARTBEAT_TTL, to_zmq_ms(options.heartbeat_ttl));
    set_option(socket, ZMQ_BACKLOG, options.backlog);
    set_option(socket, ZMQ_MAXMSGSIZE, options.max_frame_bytes);
    set_option(socket, ZMQ_IPV6, 0);
    if (kind == SocketKind::Router) set_option(socket, ZMQ_ROUTER_MANDATORY, 1);
    if (kind == SocketKind::Router) set_option(socket, ZMQ_ROUTER_HANDOVER, 0);
    if (kind == SocketKind::Xpub) set_option(socket, ZMQ_XPUB_NODROP, options.xpub_no_drop ? 1 : 0);
}

Status refuse_insecure(const Endpoint& endpoint) {
    return fail(ErrorCode::Refused,
                fmt::format("{}: tcp is never open without keys; make them with `ctys keys "
                            "generate`, or use an ipc endpoint",
                            endpoint.to_string()),
                "ctys keys generate");
}

} // namespace

class Socket::Impl : public std::enable_shared_from_this<Socket::Impl> {
public:
    Impl(Context& context, SocketKind kind, SocketOptions options, OnMessage on_message)
        : kind_(kind), options_(std::move(options)), on_message_(std::move(on_message)),
          socket_(open_socket(context.native(), type_of(kind))) {
        apply(socket_.get(), kind_, options_);
    }

    void start(loop::EventLoop& loop) {
        pump_.emplace(
            loop,
            int_option(socket_.get(), ZMQ_FD),
            [this] { return (int_option(socket_.get(), ZMQ_EVENTS) & ZMQ_POLLIN) != 0; },
            [this] { receive_some(); });
    }

    /// The pump goes first: its descriptor is the socket's.
    void close() {
        pump_.reset();
        socket_.reset();
    }

    Status bind(const Endpoint& endpoint) {
        if (auto ready = secure(endpoint, std::holds_alternative<CurveServer>(options_.security));
            !ready) {
            return ready;
        }
        if (zmq_bind(socket_.get(), endpoint.to_string().c_str()) != 0) {
            const auto code = zmq_errno() == EADDRINUSE ? ErrorCode::Conflict : ErrorCode::Failed;
            return tl::unexpected(zmq_failure("listen on " + endpoint.to_string(), code));
        }
        return endpoint.is_tcp() ? Status{} : open_to_group(endpoint.path());
    }

    Status connect(const Endpoint& endpoint) {
        if (endpoint.is_wildcard()) {
            return fail(ErrorCode::Usage,
                        fmt::format("{}: \"*\" is no place to dial", endpoint.to_string()));
        }
        if (auto ready = secure(endpoint, std::holds_alternative<CurveClient>(options_.security));
            !ready) {
            return ready;
        }
        if (zmq_connect(socket_.get(), endpoint.to_string().c_str()) != 0) {
            return tl::unexpected(zmq_failure("dial " + endpoint.to_string()));
        }
        return {};
    }

    Status disconnect(const Endpoint& endpoint) {
        if (zmq_disconnect(socket_.get(), endpoint.to_string().c_str()) == 0) return {};
        return tl::unexpected(
            zmq_failure("disconnect " + endpoint.to_string(), ErrorCode::NotFound));
    }

    Status send(Frames& frames) {
        CTYS_ASSERT(!frames.empty());
        for (std::size_t i = 0; i < frames.size(); ++i) {
            const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
            if (send_frame(frames[i], more)) continue;
            const int number = zmq_errno();
            if (i == 0) return refused_send(number);
            // The peer went away between two frames; libzmq drops what follows up to the last one.
            for (auto rest = i + 1; rest < frames.size(); ++rest) {
                send_frame(frames[rest], rest + 1 < frames.size() ? ZMQ_SNDMORE : 0);
            }
            return refused_send(EHOSTUNREACH);
        }
        ++counters_.sent;
        return {};
    }

    void subscribe(int option, std::string_view prefix) {
        CTYS_ASSERT(kind_ == SocketKind::Sub);
        set_option(socket_.get(), option, prefix);
    }

    [[nodiscard]] void* socket() const { return socket_.get(); }
    [[nodiscard]] const SocketCounters& counters() const { return counters_; }

private:
    /// The folder decides who comes near the file, and the file who may dial.
    [[nodiscard]] Status open_to_group(const std::string& path) const {
        const auto keep_owner = static_cast<uid_t>(-1);
        if ((!options_.ipc_group || ::lchown(path.c_str(), keep_owner, *options_.ipc_group) == 0) &&
            ::chmod(path.c_str(), options_.ipc_mode) == 0)
            return {};
        return fail(ErrorCode::Failed,
                    fmt::format("change group and mode of {}: {}", path, std::strerror(errno)));
    }

    /// Options apply to the binds and connects that follow: tcp is never served without CURVE, ipc
    /// always, since there the kernel knows the peer.
    Status secure(const Endpoint& endpoint, bool has_keys) {
        auto* socket = socket_.get();
        if (!endpoint.is_tcp()) {
            // libzmq cannot clear a ZAP domain: an ipc peer would be asked of the authenticator.
            if (serves_tcp_) {
                return fail(ErrorCode::Usage,
                            fmt::format("{}: ipc endpoints are bound before those of tcp",
                                        endpoint.to_string()));
            }
            set_option(socket, ZMQ_CURVE_SERVER, 0); // Back to NULL if a tcp dial came before.
            return {};
        }
        if (!has_keys) return refuse_insecure(endpoint);
        if (const auto* server = std::get_if<CurveServer>(&options_.security)) {
            CTYS_ASSERT(!server->domain.empty());
            set_option(socket, ZMQ_CURVE_SERVER, 1);
            set_option(socket, ZMQ_ZAP_DOMAIN, std::string_view(server->domain));
            set_option(socket, option_zap_enforce_domain, 1);
            set_option(socket, ZMQ_CURVE_SECRETKEY, std::string_view(server->keys.secret_key));
            serves_tcp_ = true;
        } else if (const auto* client = std::get_if<CurveClient>(&options_.security)) {
            set_option(socket, ZMQ_CURVE_PUBLICKEY, std::string_view(client->keys.public_key));
            set_option(socket, ZMQ_CURVE_SECRETKEY, std::string_view(client->keys.secret_key));
            set_option(socket, ZMQ_CURVE_SERVERKEY, std::string_view(client->server_key));
        }
        return {};
    }

    bool send_frame(Frame& frame, int more) {
        int rc = -1;
        do {
            rc = zmq_msg_send(native(frame), socket_.get(), ZMQ_DONTWAIT | more);
        } while (rc < 0 && zmq_errno() == EINTR);
        return rc >= 0;
    }

    Status refused_send(int number) {
        if (number == EAGAIN) {
            ++counters_.overloaded;
            return fail(ErrorCode::Overloaded, "the queue to the peer is full, or nobody is there");
        }
        if (number == EHOSTUNREACH) {
            ++counters_.unreachable;
            return fail(ErrorCode::Unreachable, "the peer is not connected");
        }
        throw_zmq_fault("send");
    }

    void receive_some() {
        const auto keep = shared_from_this(); // on_message may drop the socket.
        for (int left = options_.receive_budget; left > 0 && socket_; --left) {
            if (!receive_frames()) return;
            if (scratch_.frames.empty()) continue;
            ++counters_.received;
            on_message_(scratch_);
        }
    }

    /// One whole message into scratch_, which stays empty if it was beyond its bounds. False when
    /// there is none.
    bool receive_frames() {
        scratch_.frames.clear();
        std::size_t bytes = 0;
        bool fits = true;
        for (bool more = true; more;) {
            Frame frame;
            if (!receive_frame(frame)) return false;
            more = zmq_msg_more(native(frame)) != 0;
            bytes += frame.size();
            fits = fits && scratch_.frames.size() < options_.max_frames &&
                   bytes <= options_.max_message_bytes;
            if (fits) scratch_.frames.push_back(std::move(frame));
        }
        if (!fits) {
            ++counters_.oversized;
            scratch_.frames.clear();
            return true;
        }
        identify_peer();
        for (auto& frame : scratch_.frames) {
            frame.align();
        }
        return true;
    }

    bool receive_frame(Frame& frame) {
        while (zmq_msg_recv(native(frame), socket_.get(), ZMQ_DONTWAIT) < 0) {
            if (zmq_errno() == EAGAIN) return false;
            if (zmq_errno() != EINTR) throw_zmq_fault("receive");
        }
        return true;
    }

    /// Before aligning, which loses properties. On the routing id frame libzmq 4.3.4 has none.
    void identify_peer() {
        if (kind_ != SocketKind::Router) return;
        const auto& body = scratch_.frames.back();
        const bool is_body = scratch_.frames.size() > 1;
        scratch_.peer = is_body ? identify(property(body, "Peer-Address"),
                                           serves_tcp_ ? property(body, "User-Id") : "",
                                           serves_tcp_)
                                : PeerIdentity{};
        if (scratch_.peer.is_anonymous()) ++counters_.anonymous;
    }

    SocketKind kind_;
    SocketOptions options_;
    OnMessage on_message_;
    SocketCounters counters_;
    Message scratch_;
    bool serves_tcp_ = false;
    OwnedSocket socket_;
    std::optional<loop::EdgePump> pump_;
};

Socket::Socket(Context& context,
               loop::EventLoop& loop,
               SocketKind kind,
               SocketOptions options,
               OnMessage on_message)
    : impl_(std::make_shared<Impl>(context, kind, std::move(options), std::move(on_message))) {
    impl_->start(loop);
}

Socket::~Socket() {
    if (impl_) impl_->close();
}

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this == &other) return *this;
    if (impl_) impl_->close();
    impl_ = std::move(other.impl_);
    return *this;
}

Status Socket::bind(const Endpoint& endpoint) {
    return impl_->bind(endpoint);
}

Status Socket::connect(const Endpoint& endpoint) {
    return impl_->connect(endpoint);
}

Status Socket::disconnect(const Endpoint& endpoint) {
    return impl_->disconnect(endpoint);
}

Endpoint Socket::last_endpoint() const {
    auto endpoint = Endpoint::parse(text_option(impl_->socket(), ZMQ_LAST_ENDPOINT));
    CTYS_ASSERT(endpoint.has_value());
    return *std::move(endpoint);
}

void Socket::subscribe(std::string_view prefix) {
    impl_->subscribe(ZMQ_SUBSCRIBE, prefix);
}

void Socket::unsubscribe(std::string_view prefix) {
    impl_->subscribe(ZMQ_UNSUBSCRIBE, prefix);
}

Status Socket::send(Frames& frames) {
    return impl_->send(frames);
}

const SocketCounters& Socket::counters() const {
    return impl_->counters();
}

std::map<std::string, std::int64_t> Socket::options_in_force() const {
    const auto read = [this](int option) {
        return static_cast<std::int64_t>(int_option(impl_->socket(), option));
    };
    std::int64_t max_frame = 0;
    std::size_t size = sizeof max_frame;
    zmq_getsockopt(impl_->socket(), ZMQ_MAXMSGSIZE, &max_frame, &size);
    return {{"linger", read(ZMQ_LINGER)},
            {"send_high_water", read(ZMQ_SNDHWM)},
            {"receive_high_water", read(ZMQ_RCVHWM)},
            {"immediate", read(ZMQ_IMMEDIATE)},
            {"reconnect_first", read(ZMQ_RECONNECT_IVL)},
            {"reconnect_max", read(ZMQ_RECONNECT_IVL_MAX)},
            {"handshake", read(ZMQ_HANDSHAKE_IVL)},
            {"connect", read(ZMQ_CONNECT_TIMEOUT)},
            {"heartbeat_interval", read(ZMQ_HEARTBEAT_IVL)},
            {"heartbeat_timeout", read(ZMQ_HEARTBEAT_TIMEOUT)},
            {"heartbeat_ttl", read(ZMQ_HEARTBEAT_TTL)},
            {"backlog", read(ZMQ_BACKLOG)},
            {"max_frame_bytes", max_frame},
            {"ipv6", read(ZMQ_IPV6)},
            {"curve_server", read(ZMQ_CURVE_SERVER)},
            {"mechanism", read(ZMQ_MECHANISM)}};
}

} // namespace ctys::bus
