#pragma once

#include "agent/scanner/helper_protocol.h"

#include <chrono>
#include <string>

namespace ctys::agent {

/// Reports on their way to the agent, in batches: an agent that reads slowly holds the scan back.
/// Throws Fault when the agent is gone; nothing is left to do then.
class Outbox {
public:
    explicit Outbox(int fd);
    void put(const HelperReport& report);
    /// A sign of life if the last one is old; cheap enough for every directory.
    void tick(std::uint64_t directories);
    void flush();

private:
    int fd_;
    std::string buffer_;
    std::chrono::steady_clock::time_point flushed_;
};

} // namespace ctys::agent
