#include "mesh/bus/context.h"

#include "mesh/bus/zmq_call.h"

#include <atomic>
#include <cerrno>

namespace ctys::bus {

namespace {

std::atomic<int> living_contexts{0};

void require_library() {
    int major = 0;
    int minor = 0;
    int patch = 0;
    zmq_version(&major, &minor, &patch);
    if (ZMQ_MAKE_VERSION(major, minor, patch) < ZMQ_MAKE_VERSION(4, 3, 4)) {
        throw Fault({.code = ErrorCode::Unsupported, .message = "libzmq is older than 4.3.4"});
    }
    if (zmq_has("curve") == 0) {
        throw Fault({.code = ErrorCode::Unsupported, .message = "libzmq is built without CURVE"});
    }
}

} // namespace

Context::Context(int max_sockets) : context_(nullptr) {
    require_library();
    CTYS_ASSERT(++living_contexts == 1);
    context_ = zmq_ctx_new();
    if (context_ == nullptr) throw_zmq_fault("open the context");
    if (zmq_ctx_set(context_, context_option_zero_copy_receive, 0) != 0 ||
        zmq_ctx_set(context_, ZMQ_IO_THREADS, 1) != 0 ||
        zmq_ctx_set(context_, ZMQ_MAX_SOCKETS, max_sockets) != 0) {
        throw_zmq_fault("configure the context");
    }
}

Context::~Context() {
    while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {
    }
    --living_contexts;
}

} // namespace ctys::bus
