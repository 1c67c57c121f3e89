#include "tools/qemu_call/console.h"

#include "tools/qemu_call/local_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

namespace ctys::call {

namespace {

void close_and_forget(int& descriptor) {
    ::close(descriptor);
    descriptor = -1;
}

} // namespace

Console::~Console() {
    for (const int one : clients_) {
        ::close(one);
    }
    for (const int one : {serial_listener_, client_listener_, guest_}) {
        if (one >= 0) ::close(one);
    }
    if (serial_listener_ >= 0) ::unlink(files_.serial.c_str());
    if (client_listener_ >= 0) ::unlink(files_.console.c_str());
}

Status Console::open(const qemu::InstanceFiles& files) {
    files_ = files;
    const auto serial = listen_at(files.serial);
    if (!serial) return tl::unexpected(serial.error());
    serial_listener_ = *serial;
    const auto console = listen_at(files.console);
    if (!console) return tl::unexpected(console.error());
    client_listener_ = *console;
    return {};
}

void Console::add_to(std::vector<pollfd>& list) const {
    list.push_back({serial_listener_, POLLIN, 0});
    list.push_back({client_listener_, POLLIN, 0});
    if (guest_ >= 0) {
        const int events = typed_size_ == 0 ? POLLIN : POLLIN | POLLOUT;
        list.push_back({guest_, static_cast<short>(events), 0});
    }
    for (const int client : clients_) {
        // A client that hung up while the guest does not read is noticed once it reads again.
        if (typed_size_ == 0) list.push_back({client, POLLIN, 0});
    }
}

void Console::react(const std::vector<pollfd>& list) {
    // Whoever has connected before the guest spoke hears it, however late this process gets a turn.
    for (const auto& [descriptor, asked, happened] : list) {
        if (happened != 0 && descriptor == client_listener_) accept_clients();
    }
    for (const auto& [descriptor, asked, happened] : list) {
        if (happened == 0 || descriptor < 0) continue;
        if (descriptor == guest_) {
            to_guest();
            if ((happened & ~POLLOUT) != 0) from_guest();
            continue;
        }
        const auto client = std::find(clients_.begin(), clients_.end(), descriptor);
        if (client != clients_.end()) from_client(*client);
    }
    std::erase(clients_, -1);
    // It comes last: its descriptor may repeat one that was closed above.
    for (const auto& [descriptor, asked, happened] : list) {
        if (happened != 0 && descriptor == serial_listener_) accept_serial();
    }
}

void Console::accept_serial() {
    int newcomer = accept_one(serial_listener_);
    if (newcomer < 0) return;
    if (peer_of(newcomer) != qemu_) return close_and_forget(newcomer);
    if (guest_ >= 0) ::close(guest_);
    guest_ = newcomer;
}

void Console::accept_clients() {
    for (int newcomer = accept_one(client_listener_); newcomer >= 0;
         newcomer = accept_one(client_listener_)) {
        if (clients_.size() >= max_clients) return close_and_forget(newcomer);
        clients_.push_back(newcomer);
    }
}

void Console::from_guest() {
    if (guest_ < 0) return;
    std::array<char, 4096> printed;
    const auto count = ::recv(guest_, printed.data(), printed.size(), 0);
    if (has_ended(count)) return close_and_forget(guest_);
    if (count < 0) return;
    for (const int client : clients_) {
        if (client < 0) continue;
        std::ignore = ::send(
            client, printed.data(), static_cast<std::size_t>(count), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

void Console::catch_up() {
    pollfd guest{guest_, POLLIN, 0};
    while (guest_ >= 0 && ::poll(&guest, 1, 0) == 1) {
        from_guest();
    }
}

void Console::from_client(int& client) {
    if (typed_size_ != 0) return;
    const auto count = ::recv(client, typed_.data(), typed_.size(), 0);
    if (has_ended(count)) return close_and_forget(client);
    if (count < 0 || guest_ < 0) return; // nobody there to read it: as a cable that is not plugged
    typed_size_ = static_cast<std::size_t>(count);
    to_guest();
}

void Console::to_guest() {
    if (typed_size_ == 0) return;
    const auto count =
        guest_ < 0 ? 0 : ::send(guest_, typed_.data(), typed_size_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
        typed_size_ = 0;
        return;
    }
    typed_size_ -= static_cast<std::size_t>(count);
    std::memmove(typed_.data(), typed_.data() + count, typed_size_);
}

} // namespace ctys::call
