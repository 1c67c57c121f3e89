#include "agent/core/turn.h"

#include "mesh/core/digest.h"
#include "schema/codec.h"

namespace ctys::agent {

std::string_view to_string(Monitor command) {
    switch (command) {
    case Monitor::Cont:
        return "cont";
    case Monitor::Stop:
        return "stop";
    case Monitor::Powerdown:
        return "system_powerdown";
    case Monitor::Wakeup:
        return "system_wakeup";
    case Monitor::Reset:
        return "system_reset";
    case Monitor::Quit:
        return "quit";
    case Monitor::ShutdownPauses:
    case Monitor::ShutdownPowersOff:
        return "set-action";
    case Monitor::QueryStatus:
        return "query-status";
    case Monitor::QueryDisks:
        return "query-block";
    case Monitor::QueryJobs:
        return "query-jobs";
    case Monitor::SaveState:
        return "snapshot-save";
    case Monitor::LoadState:
        return "snapshot-load";
    case Monitor::DeleteState:
        return "snapshot-delete";
    case Monitor::CancelJob:
        return "job-cancel";
    case Monitor::DismissJob:
        return "job-dismiss";
    case Monitor::QueryDrives:
        return "query-block";
    case Monitor::OpenTray:
        return "blockdev-open-tray";
    case Monitor::Eject:
        return "eject";
    case Monitor::ChangeMedium:
        return "blockdev-change-medium";
    }
    return "unknown";
}

void Turn::emit(Event event) {
    event.worker = worker_.id;
    event.worker_name = worker_.name;
    if (event.time.is_none()) event.time = now_.wall;
    auto bytes = schema::encode_event(event);
    const auto before = hash_;
    hash_ = digest(view(bytes), before);
    spool_.events.push_back(
        SpoolEvent{.sequence = ++last_sequence_, .hash_before = before, .bytes = std::move(bytes)});
}

void Turn::begin(Intent intent) {
    spool_.begun.push_back(std::move(intent));
}

void Turn::end(ActionId action) {
    spool_.ended.push_back(action);
}

void Turn::then(Deed deed) {
    const bool reaches_vm = std::holds_alternative<MonitorCommand>(deed) ||
                            std::holds_alternative<SignalProcess>(deed) ||
                            std::holds_alternative<RunOwnerCommand>(deed) ||
                            std::holds_alternative<AskGuest>(deed);
    if (!hurries_ || !reaches_vm) return spool_.then.push_back(std::move(deed));
    std::visit([&](auto& each) { effects_.emplace_back(std::move(each)); }, deed);
}

void Turn::remember(HostMemory memory) {
    spool_.memory = std::move(memory);
}

void Turn::now_do(Effect effect) {
    effects_.push_back(std::move(effect));
}

void Turn::arm(TimerKey key, Instant at) {
    effects_.push_back(ArmTimer{key, at});
}

void Turn::log(LogLine::Level level, std::string text) {
    effects_.push_back(LogLine{level, std::move(text)});
}

Effects Turn::finish() {
    const bool writes = !spool_.events.empty() || !spool_.begun.empty() || !spool_.ended.empty() ||
                        spool_.memory.has_value();
    // A deed may rest on an earlier unit that is not durable yet: it goes through the spool too.
    if (writes || !spool_.then.empty()) {
        spool_.last_sequence = last_sequence_;
        effects_.push_back(std::move(spool_));
    }
    return std::move(effects_);
}

} // namespace ctys::agent
