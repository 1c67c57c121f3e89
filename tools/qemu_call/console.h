#pragma once

#include "mesh/core/error.h"
#include "mesh/qemu/assemble.h"

#include <array>
#include <cstddef>
#include <poll.h>
#include <string>
#include <sys/types.h>
#include <vector>

namespace ctys::call {

/// Shares one serial port among several clients: QEMU dials `serial.sock`, people connect to
/// `console.sock`. What the guest prints goes to all; what anyone types goes to the guest. A client
/// that does not read loses output rather than holding up the guest; the whole is in serial.log.
///
/// One thread; drive it with add_to() before and react() after each poll().
class Console {
public:
    Console() = default;
    ~Console();
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    /// Binds both sockets, over leftovers. Errors: Failed.
    [[nodiscard]] Status open(const qemu::InstanceFiles& files);
    /// One more client, whose descriptor is the console's from now on.
    void join(int client) { clients_.push_back(client); }
    /// Only this process may be the serial port.
    void expect(pid_t qemu) { qemu_ = qemu; }
    /// What a guest that has ended printed last goes to the clients.
    void catch_up();
    /// Appends what is to be waited for.
    void add_to(std::vector<pollfd>& list) const;
    /// Takes the same list with its results.
    void react(const std::vector<pollfd>& list);

private:
    static constexpr std::size_t max_clients = 16;

    void accept_serial();
    void accept_clients();
    void from_guest();
    void from_client(int& client);
    void to_guest();

    int serial_listener_ = -1;
    int client_listener_ = -1;
    int guest_ = -1;
    pid_t qemu_ = 0;
    std::vector<int> clients_;
    std::array<char, 4096> typed_{}; ///< on its way to the guest; clients wait while it is full
    std::size_t typed_size_ = 0;
    qemu::InstanceFiles files_;
};

} // namespace ctys::call
