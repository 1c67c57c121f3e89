#pragma once

#include "tools/qemu_call/power_button.h"

namespace ctys::call {

/// What signals mean to a VM that a person runs in the foreground:
///
///     signal            | the guest
///     first of any      | is asked to end, by its power button
///     a second TERM, INT| its power is cut: SIGTERM to QEMU, which ends by it
///     a third one       | SIGKILL to QEMU
///     any further HUP   | nothing: a terminal that closes may send several
///
/// A signal that was ignored when the program began, as by nohup, stays ignored.
class Foreground {
public:
    explicit Foreground(std::string label) : label_(std::move(label)) {}
    ~Foreground();
    Foreground(const Foreground&) = delete;
    Foreground& operator=(const Foreground&) = delete;

    /// From now on signals wait for react(). `monitor` is where QEMU dials. Errors: Failed.
    [[nodiscard]] Status open(const std::string& monitor);
    void expect(pid_t qemu);
    void add_to(std::vector<pollfd>& list) const;
    void react(const std::vector<pollfd>& list);

private:
    void on_signal(int signal);

    std::string label_;
    PowerButton button_;
    int signals_ = -1;
    pid_t qemu_ = 0;
    int cuts_ = 0;
    bool is_asked_ = false;
};

} // namespace ctys::call
