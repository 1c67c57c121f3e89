#pragma once

#include "agent/scan_helper/outbox.h"
#include "agent/scan_helper/watch_set.h"
#include "agent/scanner/frame.h"

#include <chrono>
#include <string>

namespace ctys::agent {

/// The life of one helper: commands of the agent, and scans of what changed.
class Session {
public:
    /// `channel` is a stream socket and stays the caller's.
    Session(std::string root, int channel);
    /// Until the agent closes the channel. Throws Fault when it breaks the protocol or is gone.
    void run();

private:
    using Clock = std::chrono::steady_clock;

    /// False at the end of the channel.
    [[nodiscard]] bool read_commands();
    void execute(const HelperCommand& command);
    [[nodiscard]] CommandDone answer(const ScanPool& command);
    [[nodiscard]] CommandDone answer(const ScanDirectory& command);
    [[nodiscard]] CommandDone answer(const Prove& command);
    [[nodiscard]] CommandDone answer(const Ping& command);
    void scan(const ScanScope& scope, bool may_mark);
    void note_changes();
    void scan_changes();
    [[nodiscard]] int wait_ms() const;

    std::string root_;
    int channel_;
    Outbox outbox_;
    FrameSplitter commands_;
    WatchSet watches_;
    bool may_watch_ = true;
    DirtyScopes dirty_;
    Clock::time_point first_change_;
    Clock::time_point last_change_;
};

} // namespace ctys::agent
