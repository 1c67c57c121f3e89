#pragma once

#include "mesh/loop/event_loop.h"
#include "mesh/loop/signal_watch.h"
#include "mesh/loop/unique_fd.h"
#include "tools/setup_vde/perform.h"

namespace ctys::vde {

/// Does what plans say on this machine. Ctrl-C, SIGTERM and SIGHUP are what interrupts.
class Machine final : public Performer {
public:
    Machine(loop::EventLoop& loop, qemu::VdePaths paths, Account account);

    [[nodiscard]] Status perform(const Act& act) override;
    [[nodiscard]] bool is_interrupted() const override;

private:
    [[nodiscard]] Status run(const Run& program);
    [[nodiscard]] Status await(const AwaitSwitch& wait);
    [[nodiscard]] Status end(const EndSwitch& how);

    loop::EventLoop& loop_;
    qemu::VdePaths paths_;
    Account account_;
    bool interrupted_ = false;
    std::vector<loop::SignalWatch> watches_;
};

/// The right to change the network of this machine, as one of these programs at a time; whatever
/// ends the process gives it back. Errors: Conflict, naming who has it, after some seconds.
class OneAtATime {
public:
    [[nodiscard]] static Result<OneAtATime> acquire(loop::EventLoop& loop);

private:
    explicit OneAtATime(loop::UniqueFd socket) : socket_(std::move(socket)) {}
    loop::UniqueFd socket_;
};

} // namespace ctys::vde
