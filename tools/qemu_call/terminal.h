#pragma once

#include "mesh/core/error.h"

#include <array>
#include <cstddef>
#include <poll.h>
#include <termios.h>
#include <vector>

namespace ctys::call {

/// Standard input and output as one more client of a VM's console (CLI0 of CTYS-REFERENCE 1.4):
/// what is typed goes to the guest as it is, also Ctrl-C, and QEMU's own keys begin with Ctrl-A.
/// The end of the input is the end of typing, no more. A reader who does not read holds up the copy
/// of this client only.
///
/// One thread; drive it with add_to() before and react() after each poll().
class Terminal {
public:
    Terminal() = default;
    /// The terminal is as it was before.
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    /// The end for the console, which is its owner's to close. Errors: Failed.
    [[nodiscard]] Result<int> open();
    /// Appends what is to be waited for.
    void add_to(std::vector<pollfd>& list) const;
    /// Takes the same list with its results.
    void react(const std::vector<pollfd>& list);
    /// What the guest has printed until now, when nothing more comes. It may wait for a reader.
    void flush();

private:
    void from_input();
    void to_console();
    void from_console();
    void to_output();
    void make_raw();

    int console_ = -1;
    bool may_read_ = true;
    bool may_write_ = true;
    std::array<char, 256> typed_{};
    std::size_t typed_size_ = 0;
    std::array<char, 4096> printed_{}; ///< of PIPE_BUF: what poll() promises to take
    std::size_t printed_size_ = 0;
    bool is_raw_ = false;
    termios before_{};
};

} // namespace ctys::call
