// Guests: what their monitors tell, and what the agents inside of them are asked.

#include "agent/shell/agent.h"

namespace ctys::agent {

void Agent::on_monitor(Input input) {
    if (auto* up = std::get_if<MonitorUp>(&input)) {
        const auto found = directories_.find(up->key);
        up->has_guest_agent = found != directories_.end() && GuestChannels::is_there(found->second);
    }
    const auto* down = std::get_if<MonitorDown>(&input);
    const auto key = down != nullptr ? std::optional{down->key} : std::nullopt;
    step(std::move(input));
    if (key) exits_.look_again(*key);
}

void Agent::ask_guest(const AskGuest& question) {
    const auto found = directories_.find(question.key);
    if (found != directories_.end()) return guest_channels_.ask(question, found->second);
    loop_.defer([this, question] {
        step(GuestAnswered{.key = question.key,
                           .number = question.number,
                           .error =
                               Error{.code = ErrorCode::NotFound, .message = "it has no channel"}});
    });
}

void Agent::on_guest(GuestAnswered answered) {
    if (answered.error)
        log_.info("the guest agent of pid {}: {}", answered.key.pid, answered.error->message);
    step(std::move(answered));
}

} // namespace ctys::agent
