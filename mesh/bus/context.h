#pragma once

namespace ctys::bus {

/// The ZeroMQ context: made in main() before every socket, gone after the last one. At most one
/// exists at a time in a process, since in libzmq 4.3.4 the end of one context can crash another
/// that uses CURVE (libzmq issue 4242).
///
/// Zero-copy receiving is off, so that received bytes are aligned for Cap'n Proto.
class Context {
public:
    /// Throws Fault if libzmq is older than 4.3.4, lacks CURVE or refuses an option.
    explicit Context(int max_sockets = 4096);
    /// Waits until the I/O thread has closed all sockets; none may be open, and each has a bounded
    /// linger.
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    /// For the implementation of mesh/bus only.
    [[nodiscard]] void* native() const { return context_; }

private:
    void* context_;
};

} // namespace ctys::bus
