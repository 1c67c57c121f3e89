// The least that a round trip over ZeroMQ costs: Dealer -> Router -> Dealer and back, with nothing
// but libzmq. With a folder the relay also makes every message durable before it passes it on: one
// 300 B put into LMDB and a synchronous commit.
#include <lmdb.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<char>;

void need(bool held, const char* what) {
    if (!held) throw std::runtime_error(std::string{what} + ": " + zmq_strerror(zmq_errno()));
}

/// One frame; `more` says whether another follows.
Bytes receive(void* socket, bool& more) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    need(zmq_msg_recv(&frame, socket, 0) >= 0, "receive");
    const auto* data = static_cast<const char*>(zmq_msg_data(&frame));
    Bytes bytes(data, data + zmq_msg_size(&frame));
    more = zmq_msg_more(&frame) != 0;
    zmq_msg_close(&frame);
    return bytes;
}

void send(void* socket, const Bytes& bytes, int flags) {
    need(zmq_send(socket, bytes.data(), bytes.size(), flags) >= 0, "send");
}

class Puts {
public:
    explicit Puts(const char* folder) {
        if (folder == nullptr) return;
        check(mdb_env_create(&env_));
        check(mdb_env_set_mapsize(env_, std::size_t{1} << 30U));
        check(mdb_env_open(env_, folder, 0, 0600));
        MDB_txn* txn = nullptr;
        check(mdb_txn_begin(env_, nullptr, 0, &txn));
        check(mdb_dbi_open(txn, nullptr, 0, &table_));
        check(mdb_txn_commit(txn));
    }
    void put() {
        if (env_ == nullptr) return;
        MDB_txn* txn = nullptr;
        check(mdb_txn_begin(env_, nullptr, 0, &txn));
        ++key_;
        std::array<char, 8> name{};
        for (unsigned i = 0; i < 8; ++i) {
            name[i] = static_cast<char>(key_ >> (8 * (7 - i)));
        }
        std::array<char, 300> value{};
        MDB_val key{name.size(), name.data()};
        MDB_val data{value.size(), value.data()};
        check(mdb_put(txn, table_, &key, &data, MDB_APPEND));
        check(mdb_txn_commit(txn));
    }

private:
    static void check(int code) {
        if (code != 0) throw std::runtime_error(mdb_strerror(code));
    }
    MDB_env* env_ = nullptr;
    MDB_dbi table_ = 0;
    std::uint64_t key_ = 0;
};

/// Router: the first who speaks is the worker; from then on [client][bytes] goes to it and back.
void relay(void* socket, const char* folder) {
    Puts puts(folder);
    bool more = false;
    const auto worker = receive(socket, more);
    static_cast<void>(receive(socket, more));
    while (true) {
        const auto from = receive(socket, more);
        auto first = receive(socket, more);
        puts.put();
        if (from == worker) {
            send(socket, first, ZMQ_SNDMORE);
            send(socket, receive(socket, more), 0);
        } else {
            send(socket, worker, ZMQ_SNDMORE);
            send(socket, from, ZMQ_SNDMORE);
            send(socket, first, 0);
        }
    }
}

/// Router: answers by itself.
void serve(void* socket, std::size_t size) {
    const Bytes answer(size);
    bool more = false;
    while (true) {
        const auto from = receive(socket, more);
        static_cast<void>(receive(socket, more));
        send(socket, from, ZMQ_SNDMORE);
        send(socket, answer, 0);
    }
}

/// Dealer: what the relay passes on goes back.
void work(void* socket, std::size_t size) {
    const Bytes answer(size);
    send(socket, Bytes(1), 0);
    bool more = false;
    while (true) {
        const auto client = receive(socket, more);
        static_cast<void>(receive(socket, more));
        send(socket, client, ZMQ_SNDMORE);
        send(socket, answer, 0);
    }
}

void ask(void* socket, std::size_t size, std::size_t count) {
    using Clock = std::chrono::steady_clock;
    const Bytes request(size);
    bool more = false;
    std::vector<double> spent;
    for (std::size_t i = 0; i < count; ++i) {
        const auto begin = Clock::now();
        send(socket, request, 0);
        static_cast<void>(receive(socket, more));
        const std::chrono::duration<double, std::micro> us = Clock::now() - begin;
        if (i >= count / 10) spent.push_back(us.count());
    }
    std::sort(spent.begin(), spent.end());
    std::printf("round %.1f\n", spent[spent.size() / 2]);
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fputs("usage: bench_bare_echo relay ENDPOINT [FOLDER]\n"
                   "       bench_bare_echo serve|work ENDPOINT ANSWER_BYTES\n"
                   "       bench_bare_echo ask ENDPOINT REQUEST_BYTES COUNT\n",
                   stderr);
        return 2;
    }
    const std::string role = argv[1];
    const auto number = [&](int i) { return std::strtoull(argc > i ? argv[i] : "1", nullptr, 10); };
    try {
        void* context = zmq_ctx_new();
        const bool binds = role == "relay" || role == "serve";
        void* socket = zmq_socket(context, binds ? ZMQ_ROUTER : ZMQ_DEALER);
        need(socket != nullptr, "socket");
        need((binds ? zmq_bind(socket, argv[2]) : zmq_connect(socket, argv[2])) == 0, argv[2]);
        std::puts("ready");
        std::fflush(stdout);
        if (role == "relay") relay(socket, argc > 3 ? argv[3] : nullptr);
        if (role == "serve") serve(socket, number(3));
        if (role == "work") work(socket, number(3));
        if (role == "ask") ask(socket, number(3), number(4));
        zmq_close(socket);
        zmq_ctx_term(context);
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "bench_bare_echo: %s\n", failure.what());
        return 1;
    }
}
