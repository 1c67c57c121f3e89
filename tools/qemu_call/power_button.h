#pragma once

#include "mesh/core/error.h"

#include <poll.h>
#include <string>
#include <sys/types.h>
#include <vector>

namespace ctys::call {

/// The monitor of a QEMU that nobody else listens to, for its power button only. QEMU dials the
/// path and redials each second.
///
/// One thread; drive it with add_to() before and react() after each poll().
class PowerButton {
public:
    PowerButton() = default;
    ~PowerButton();
    PowerButton(const PowerButton&) = delete;
    PowerButton& operator=(const PowerButton&) = delete;

    /// Over leftovers. Errors: Failed.
    [[nodiscard]] Status open(const std::string& path);
    /// Only this process may be the monitor.
    void expect(pid_t qemu) { qemu_ = qemu; }
    /// Now, or as soon as QEMU has dialled. False: later.
    bool press();
    /// Appends what is to be waited for.
    void add_to(std::vector<pollfd>& list) const;
    /// Takes the same list with its results.
    void react(const std::vector<pollfd>& list);

private:
    void accept_monitor();
    void tell();
    void drain();

    std::string path_;
    int listener_ = -1;
    int monitor_ = -1;
    pid_t qemu_ = 0;
    bool due_ = false;
};

} // namespace ctys::call
