// What Agent does with a survey of its machine.

#include "agent/shell/agent.h"
#include "agent/survey/probe_guest.h"

#include <algorithm>
#include <unistd.h>

namespace ctys::agent {

Duration Agent::survey_patience() const {
    const bool may_tell = !options_.only_stops && surveyor_.is_enabled() &&
                          ::access("/dev/kvm", F_OK) == 0 &&
                          !is_kvm_noted(options_.mesh_runtime, options_.worker.boot);
    return may_tell ? Surveyor::limit : Duration{};
}

void Agent::on_surveyed(const WorkerRecord& found, WallTime begun) {
    auto worker = core_->worker();
    const auto& known = worker.accelerators;
    const bool is_new = worker.binaries != found.binaries || worker.equipment != found.equipment ||
                        !std::equal(known.begin(),
                                    known.end(),
                                    found.accelerators.begin(),
                                    found.accelerators.end(),
                                    say_the_same);
    if (auto noted = write_kvm_note(options_.mesh_runtime, found, begun); !noted)
        log_.warning("{}", noted.error().message);
    if (!is_new) return;
    for (const auto& each : found.accelerators) {
        log_.info("accelerator {}: {}{}{}",
                  each.name,
                  each.usable ? "usable" : "not usable",
                  each.why.empty() ? "" : ": ",
                  each.why);
    }
    worker.accelerators = found.accelerators;
    worker.binaries = found.binaries;
    worker.equipment = found.equipment;
    step(FactsChanged{std::move(worker)});
}

} // namespace ctys::agent
