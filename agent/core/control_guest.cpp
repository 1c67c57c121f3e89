// What the agent inside of a guest is asked for.

#include "agent/core/control.h"

#include <fmt/format.h>

namespace ctys::agent {

namespace {

constexpr Duration guest_sync = std::chrono::seconds{1}; // DESIGN: Ladder
// A `shutdown` that cannot says so as soon as it has looked around.
constexpr Duration guest_refusal = std::chrono::seconds{5};
// That of systemd waits until the level is reached, which may stop and start many services.
constexpr Duration guest_init = std::chrono::seconds{60};

} // namespace

std::uint64_t Control::ask_guest(Turn& turn, AskGuest question) {
    question.number = next_number();
    question.sync = guest_sync;
    question.answer = question.what == AskGuest::What::RunLevel ? guest_init : guest_refusal;
    turn.then(question);
    return question.number;
}

void Control::enter_run_level(Turn& turn, const Action& action, const Instance& instance) {
    const auto& key = instance.record.key;
    const auto number = ask_guest(
        turn,
        {.key = key, .what = AskGuest::What::RunLevel, .level = action.run_level.value_or(0)});
    guest_works_[number] = GuestWork{key, action.id};
}

Outcome Control::run_level_outcome(ActionId action, const GuestAnswered& answered) {
    const auto* work = works_.find(action);
    const unsigned level = work == nullptr ? 0 : work->action.run_level.value_or(0);
    const auto label = work == nullptr ? std::string{} : work->label;
    const auto look = fmt::format("ctys console {}: is qemu-ga running inside?", label);
    if (answered.error) {
        auto error = within(fmt::format("the guest agent of {}", label), *answered.error);
        // An order to end it took the channel: its init may run all the same. Else nobody has lost
        // patience, and worker and broker do answer.
        const bool may_run =
            error.code == ErrorCode::Indeterminate || error.code == ErrorCode::Conflict;
        error.code = may_run ? ErrorCode::Indeterminate : ErrorCode::Failed;
        if (error.try_next.empty()) error.try_next = look;
        return {.error = std::move(error), .text = {}};
    }
    if (answered.exit_status == 0)
        return {.error = {}, .text = fmt::format("run level {} is entered", level)};
    return {.error = Error{.code = ErrorCode::Failed,
                           .message = fmt::format("/sbin/init {} inside of {} ended with {}",
                                                  level,
                                                  label,
                                                  answered.exit_status)},
            .text = {}};
}

void Control::on_guest_answered(Turn& turn, const GuestAnswered& answered) {
    if (const auto work = guest_works_.extract(answered.number)) {
        const auto action = work.mapped().action;
        return works_.end(turn, action, run_level_outcome(action, answered));
    }
    auto* instance = instances_.find(answered.key);
    if (instance == nullptr || !answered.error) return; // taken: its end is waited for
    const auto descent = descents_.find(answered.key);
    if (descent != descents_.end() && descent->second.guest_question == answered.number) {
        descent->second.guest_question = 0;
        if (descent->second.ladder.state() != Ladder::State::Asking) return; // it is cut already
        descent->second.guest_refusal =
            fmt::format("; its guest agent: {}", answered.error->message);
        descent->second.ladder.on_guest_agent_failed(turn.now().instant);
        return climb(turn, *instance);
    }
    const auto reboot = reboots_.find(answered.key);
    if (reboot == reboots_.end() || reboot->second.guest_question != answered.number) return;
    reboot->second.guest_question = 0;
    if (reboot->second.phase == Reboot::Asked) command(turn, answered.key, Monitor::Powerdown, {});
}

} // namespace ctys::agent
