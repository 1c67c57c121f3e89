#pragma once

#include "tools/qemu_call/request.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::call {

/// One run of a QEMU that starts no VM, and what it shows.
struct EmulatorQuestion {
    std::string key;   ///< of the configuration
    std::string value; ///< what is asked about
    std::vector<std::string> argv;
};

/// Which CPU, board and network card of the plan a QEMU can be asked about: none for what is QEMU's
/// own choice or part of the board. Features of a CPU are a question of their own. Pure.
[[nodiscard]] std::vector<EmulatorQuestion> questions_to_emulator(const qemu::VmPlan& plan);

/// Why the value cannot be used; empty where QEMU takes it, and where its words are not understood:
/// no VM that would start is refused. `status` is QEMU's exit status. Pure.
[[nodiscard]] std::string
why_refused(const EmulatorQuestion& question, std::string_view said, int status);

/// For a program that prints some lines.
constexpr std::chrono::seconds emulator_patience{5};

/// Asks the QEMU of the plan, an absolute path; each question takes about 40 ms, which is too much
/// for a start. One that gives no answer is asked no more, and `notes` receives a sentence.
[[nodiscard]] std::vector<Problem>
ask_emulator(const qemu::VmPlan& plan,
             std::vector<std::string>& notes,
             std::chrono::milliseconds patience = emulator_patience);

} // namespace ctys::call
