#pragma once

#include "agent/survey/ask_emulator.h"
#include "agent/survey/survey_cache.h"

#include <string>
#include <vector>

namespace ctys::agent {

/// What a machine has to run VMs with, at full length.
struct Surveyed {
    std::vector<Description> emulators; ///< in the order of the folders, each file once
    Accelerator tcg;
    Accelerator kvm;
    std::vector<std::string> kvm_up;     ///< paths: with these a guest came up under KVM
    std::vector<std::string> kvm_failed; ///< and with these it did not; no other one was tried
    std::string cpu_model;
    std::string cpu_flags;
    std::vector<Requisite> requisites;
};

struct SurveyRequest {
    std::vector<std::string> folders; ///< where emulators are looked for
    std::string arch;                 ///< of this machine, as uname has it
    std::string boot;                 ///< its boot id
    std::string cache;                ///< path of the cache; empty: none
    bool fresh = false;               ///< believe nothing that was kept
    std::string kvm_device = "/dev/kvm";
    Duration budget = std::chrono::minutes{2}; ///< emulators that are met later are not asked
    AskTerms terms;
};

/// Looks at this machine and waits for what it starts; changes nothing but the cache. May hang
/// where a folder hangs: it is run in a process that can be killed.
[[nodiscard]] Surveyed survey_machine(loop::EventLoop& loop, const SurveyRequest& request);

/// The part of a worker's record that a survey tells.
void tell(WorkerRecord& worker, const Surveyed& surveyed);

/// One JSON object per line: machine, accelerators, emulators, requisites.
[[nodiscard]] std::string to_json_lines(const Surveyed& surveyed, const WorkerRecord& worker);

/// Executable files of such names in these folders. A file that is met again under another name is
/// left out, and all beyond 64.
[[nodiscard]] std::vector<FileKey> find_emulators(const std::vector<std::string>& folders);

} // namespace ctys::agent
