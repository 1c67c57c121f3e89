#pragma once

#include "agent/core/effects.h"
#include "agent/qmp/guest_client.h"

#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace ctys::agent {

/// Channels to the agents inside of our guests: one socket per instance directory, at which its
/// QEMU listens (GUESTAGENT=yes). A connection lasts for one question.
class GuestChannels {
public:
    GuestChannels(loop::EventLoop& loop, std::function<void(GuestAnswered)> answered)
        : loop_(loop), answered_(std::move(answered)) {}

    /// The QEMU of this instance directory has made such a channel.
    [[nodiscard]] static bool is_there(const std::string& directory);
    /// An earlier question to the same guest that is still open is answered as Conflict.
    void ask(const AskGuest& question, const std::string& directory);
    /// Nothing is told of it any more.
    void forget(const InstanceKey& key);

private:
    struct Talk {
        std::uint64_t number = 0;
        std::unique_ptr<qmp::GuestClient> client;
    };

    void give_up(const AskGuest& question, Error why);
    void retire(Talk talk);

    loop::EventLoop& loop_;
    std::function<void(GuestAnswered)> answered_;
    std::map<InstanceKey, Talk> talks_;
    std::vector<std::unique_ptr<qmp::GuestClient>> retired_;
};

} // namespace ctys::agent
