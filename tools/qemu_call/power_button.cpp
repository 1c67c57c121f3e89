#include "tools/qemu_call/power_button.h"

#include "tools/qemu_call/local_socket.h"

#include <array>
#include <string_view>
#include <sys/socket.h>
#include <tuple>
#include <unistd.h>

namespace ctys::call {

PowerButton::~PowerButton() {
    for (const int one : {listener_, monitor_}) {
        if (one >= 0) ::close(one);
    }
    if (listener_ >= 0) ::unlink(path_.c_str());
}

Status PowerButton::open(const std::string& path) {
    const auto listener = listen_at(path);
    if (!listener) return tl::unexpected(listener.error());
    listener_ = *listener;
    path_ = path;
    return {};
}

bool PowerButton::press() {
    due_ = true;
    tell();
    return !due_;
}

void PowerButton::add_to(std::vector<pollfd>& list) const {
    if (listener_ >= 0) list.push_back({listener_, POLLIN, 0});
    if (monitor_ >= 0) list.push_back({monitor_, POLLIN, 0});
}

void PowerButton::react(const std::vector<pollfd>& list) {
    for (const auto& [descriptor, asked, happened] : list) {
        if (happened != 0 && descriptor == monitor_) drain();
    }
    for (const auto& [descriptor, asked, happened] : list) {
        if (happened != 0 && descriptor == listener_) accept_monitor();
    }
}

void PowerButton::accept_monitor() {
    const int newcomer = accept_one(listener_);
    if (newcomer < 0) return;
    if (peer_of(newcomer) != qemu_) {
        ::close(newcomer);
        return;
    }
    if (monitor_ >= 0) ::close(monitor_);
    monitor_ = newcomer;
    constexpr std::string_view begin = "{\"execute\":\"qmp_capabilities\"}\n";
    // What cannot be sent to a monitor that is gone is sent again to the next one.
    std::ignore = ::send(monitor_, begin.data(), begin.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    tell();
}

void PowerButton::tell() {
    if (!due_ || monitor_ < 0) return;
    constexpr std::string_view text = "{\"execute\":\"system_powerdown\"}\n";
    const auto count = ::send(monitor_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count == static_cast<ssize_t>(text.size())) due_ = false;
}

// Answers and events are not looked at: its end shows whether the guest has obeyed.
void PowerButton::drain() {
    std::array<char, 4096> said;
    const auto count = ::recv(monitor_, said.data(), said.size(), MSG_DONTWAIT);
    if (!has_ended(count)) return;
    ::close(monitor_);
    monitor_ = -1;
}

} // namespace ctys::call
