// Happy path: QEMU is run once for each of CPU, MACHINE and NIC, and its words are looked at. Lists
// of names (`-cpu help`) do not serve: several targets take names that these leave out.
//
// Failure modes: it hangs, or cannot be run -> nothing is refused, and people are told.
#include "tools/qemu_call/emulator_check.h"

#include "mesh/core/text.h"
#include "mesh/qemu/survey_mark.h"
#include "tools/qemu_call/program_run.h"

#include <fmt/format.h>

namespace ctys::call {

namespace {

constexpr std::size_t most_shown = 120; // a CPU may have many features

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::string list_advice(const EmulatorQuestion& question, std::string_view option) {
    return fmt::format("; {} {} help lists them", printable(question.argv.front()), option);
}

// "can't apply global host-x86_64-cpu.x=1: Property 'host-x86_64-cpu.x' not found", or only the
// end of it.
std::string_view complaint_about_feature(std::string_view said) {
    constexpr std::string_view before = "can't apply global ";
    for (const auto line : split(said, '\n')) {
        const auto at = line.find(before);
        const auto end = at == std::string_view::npos ? at : line.find(": ", at);
        if (end != std::string_view::npos) return line.substr(end + 2);
        if (line.ends_with("' not found") && contains(line, "Property '"))
            return line.substr(line.find("Property '"));
    }
    return {};
}

std::string why_no_cpu(const EmulatorQuestion& question, std::string_view said) {
    const auto name = printable(question.value, most_shown);
    if (contains(said, "unable to find CPU model"))
        return fmt::format("QEMU knows no CPU {}{}", name, list_advice(question, "-cpu"));
    const auto complaint = complaint_about_feature(said);
    if (complaint.empty()) return {};
    return fmt::format("QEMU does not take {}: {}", name, printable(complaint, 200));
}

// Releases answer with a sentence, or as if they had been asked for the list.
std::string why_no_machine(const EmulatorQuestion& question, std::string_view said) {
    if (!contains(said, "unsupported machine type") && !said.starts_with("Supported machines are"))
        return {};
    return fmt::format("QEMU knows no board {}{}",
                       printable(question.value, most_shown),
                       list_advice(question, "-machine"));
}

std::string why_no_card(const EmulatorQuestion& question, std::string_view said, int status) {
    const auto name = printable(question.value, most_shown);
    const auto quoted = fmt::format("'{}'", question.value);
    if (contains(said, quoted + " not found") ||
        contains(said, quoted + " is not a valid device model name")) {
        return fmt::format(
            "QEMU knows no network card {}{}", name, list_advice(question, "-device"));
    }
    if (status != 0 || !contains(said, " options:") || contains(said, "netdev=")) return {};
    return fmt::format(
        "{} is a device of QEMU and no network card{}", name, list_advice(question, "-device"));
}

bool is_cpu_of_machine(const qemu::VmPlan& plan) {
    return plan.cpu.substr(0, plan.cpu.find(',')) == "host";
}

} // namespace

std::vector<EmulatorQuestion> questions_to_emulator(const qemu::VmPlan& plan) {
    std::vector<EmulatorQuestion> out;
    const auto add = [&](const char* key, const std::string& value, std::vector<std::string> argv) {
        argv.insert(argv.begin(), {plan.binary, "-name", std::string{qemu::survey_name}});
        out.push_back({key, value, std::move(argv)});
    };
    // Behind the CPU comes what no QEMU has, so that each ends.
    const auto add_cpu = [&](const std::string& board) {
        add("CPU",
            plan.cpu,
            {"-machine",
             board,
             "-accel",
             "tcg",
             "-nodefaults",
             "-no-user-config",
             "-display",
             "none",
             "-S",
             "-cpu",
             plan.cpu,
             "-device",
             "ctys-none"});
    };
    // Some targets have it only while they use KVM.
    if (!plan.cpu.empty() && !is_cpu_of_machine(plan)) {
        add_cpu("none"); // it is made in no time
        if (plan.cpu.find(',') != std::string::npos) {
            add_cpu(plan.machine.empty() ? std::string{qemu::default_machine(plan.arch)}
                                         : plan.machine);
        }
    }
    if (!plan.machine.empty()) add("MACHINE", plan.machine, {"-machine", plan.machine + ",help"});
    const bool has_card = plan.user_network || !plan.vde_switch.empty();
    if (has_card && !plan.nic_model.empty() && plan.nic_model != "board")
        add("NIC", plan.nic_model, {"-device", plan.nic_model + ",help"});
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
    if (is_cpu_of_machine(plan) && plan.accelerator == qemu::Accelerator::Tcg) {
        problems.push_back({"CPU",
                            "host is the CPU of the machine under KVM, and this VM would be "
                            "emulated; max has all that QEMU emulates"});
    }
    for (const auto& question : questions_to_emulator(plan)) {
        if (!problems.empty() && problems.back().key == question.key) continue;
        const auto end = run_program(question.argv, patience);
        if (!end) {
            notes.push_back(fmt::format("{}: QEMU was not asked whether it knows {}: {}",
                                        question.key,
                                        printable(question.value, most_shown),
                                        end.error().message));
            break;
        }
        if (auto why = why_refused(question, end->said, end->status); !why.empty())
            problems.push_back({question.key, std::move(why)});
    }
    return problems;
}

} // namespace ctys::call
