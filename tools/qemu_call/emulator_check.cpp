// Happy path: QEMU is run once for each of CPU, MACHINE and NIC, and its words are looked at. Lists
// of names (`-cpu help`) do not serve: several targets take names that these leave out.
//
// Failure modes: it hangs, or cannot be run -> nothing is refused, and people are told.
#include "tools/qemu_call/emulator_check.h"

#include "mesh/core/text.h"
#include "tools/qemu_call/program_run.h"

#include <fmt/format.h>

namespace ctys::call {

namespace {

// The board "none" is made in no time. Behind the CPU comes what no QEMU has, so that each ends.
constexpr auto device_of_none = "ctys-none";

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::string list_advice(const EmulatorQuestion& question, std::string_view option) {
    return fmt::format("; {} {} help lists them", printable(question.argv.front()), option);
}

std::string why_no_cpu(const EmulatorQuestion& question, std::string_view said) {
    if (!contains(said, "unable to find CPU model")) return {};
    return fmt::format(
        "QEMU knows no CPU {}{}", printable(question.value), list_advice(question, "-cpu"));
}

// Releases answer with a sentence, or as if they had been asked for the list.
std::string why_no_machine(const EmulatorQuestion& question, std::string_view said) {
    if (!contains(said, "unsupported machine type") && !said.starts_with("Supported machines are"))
        return {};
    return fmt::format(
        "QEMU knows no board {}{}", printable(question.value), list_advice(question, "-machine"));
}

std::string why_no_card(const EmulatorQuestion& question, std::string_view said, int status) {
    const auto name = printable(question.value);
    const auto quoted = fmt::format("'{}'", question.value);
    if (contains(said, quoted + " not found") ||
        contains(said, quoted + " is not a valid device model name"))
        return fmt::format(
            "QEMU knows no network card {}{}", name, list_advice(question, "-device"));
    if (status != 0 || !contains(said, " options:") || contains(said, "netdev=")) return {};
    return fmt::format(
        "{} is a device of QEMU and no network card{}", name, list_advice(question, "-device"));
}

} // namespace

std::vector<EmulatorQuestion> questions_to_emulator(const qemu::VmPlan& plan) {
    std::vector<EmulatorQuestion> out;
    if (!plan.cpu.empty()) {
        out.push_back({"CPU",
                       plan.cpu,
                       {plan.binary,
                        "-machine",
                        "none",
                        "-nodefaults",
                        "-display",
                        "none",
                        "-cpu",
                        plan.cpu,
                        "-device",
                        device_of_none}});
    }
    if (!plan.machine.empty())
        out.push_back({"MACHINE", plan.machine, {plan.binary, "-machine", plan.machine + ",help"}});
    const bool has_card = plan.user_network || !plan.vde_switch.empty();
    if (has_card && !plan.nic_model.empty() && plan.nic_model != "board")
        out.push_back({"NIC", plan.nic_model, {plan.binary, "-device", plan.nic_model + ",help"}});
    return out;
}

std::string why_refused(const EmulatorQuestion& question, std::string_view said, int status) {
    if (question.key == "CPU") return why_no_cpu(question, said);
    if (question.key == "MACHINE") return why_no_machine(question, said);
    return why_no_card(question, said, status);
}

std::vector<Problem> ask_emulator(const qemu::VmPlan& plan,
                                  std::vector<std::string>& notes,
                                  std::chrono::milliseconds patience) {
    std::vector<Problem> problems;
    for (const auto& question : questions_to_emulator(plan)) {
        const auto end = run_program(question.argv, patience);
        if (!end) {
            notes.push_back(fmt::format("{}: QEMU was not asked whether it knows {}: {}",
                                        question.key,
                                        printable(question.value),
                                        end.error().message));
            break;
        }
        if (auto why = why_refused(question, end->said, end->status); !why.empty())
            problems.push_back({question.key, std::move(why)});
    }
    return problems;
}

} // namespace ctys::call
