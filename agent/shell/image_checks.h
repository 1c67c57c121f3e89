#pragma once

#include "agent/core/effects.h"
#include "mesh/loop/child_process.h"

#include <functional>
#include <map>

namespace ctys::agent {

/// Looks at images by a process of the account that a VM runs as: what that may not read its QEMU
/// may not either, and a storage that hangs holds up nobody else.
class ImageChecks {
public:
    static constexpr Duration limit = std::chrono::seconds{10};
    /// The core has one for each VM at most; beyond this many at once they are refused (P8).
    static constexpr std::size_t most = 32;
    using OnChecked = std::function<void(ImageChecked)>;

    /// `call` is the path of ctys-qemu-call.
    ImageChecks(loop::EventLoop& loop, std::string call, OnChecked on_checked)
        : loop_(loop), call_(std::move(call)), on_checked_(std::move(on_checked)) {}

    /// Answered later by on_checked, also where it cannot even be begun. Errors told: NotFound,
    /// Refused, Failed, TimedOut, Overloaded.
    void run(CheckImage check);

private:
    [[nodiscard]] Status start(const CheckImage& check);
    void done(const InstanceKey& key, std::uint64_t number, std::optional<Error> error);

    loop::EventLoop& loop_;
    std::string call_;
    OnChecked on_checked_;
    std::map<std::uint64_t, loop::ChildProcess> children_; ///< by number
};

} // namespace ctys::agent
