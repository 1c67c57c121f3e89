// Fuzzes what a survey reads: answers of emulators, what they print, /proc/cpuinfo, its own cache,
// and the note about KVM.
#include "agent/survey/cpu_text.h"
#include "agent/survey/survey_cache.h"
#include "mesh/core/assert.h"
#include "mesh/core/text.h"
#include "mesh/qemu/kvm_note.h"

#include <cstddef>
#include <cstdint>
#include <string>

using namespace ctys;
using namespace ctys::agent;

namespace {

void check_names(const std::vector<std::string>& names) {
    CTYS_ASSERT(names.size() <= 1024);
    for (const auto& name : names) {
        CTYS_ASSERT(!name.empty() && name.size() <= 200 && name.find(' ') == std::string::npos);
        CTYS_ASSERT(printable(name, 200) == name);
    }
}

void check_description(const Description& description) {
    check_names(description.accelerators);
    check_names(description.machines);
    check_names(description.cpus);
    check_names(description.options);
    const auto emulator = summary(description);
    for (const auto* text : {&emulator.machines, &emulator.cpus, &emulator.accelerators})
        CTYS_ASSERT(text->size() <= 2560 && printable(*text, 2560) == *text);
    CTYS_ASSERT(emulator.path.size() <= 512 && emulator.problem.size() <= 256);
    CTYS_ASSERT(description_from(to_value(description)).has_value());
#ifdef CTYS_PLANTED_DEFECT
    // A reader that trusts a failure to come with a version: the harness must find it.
    CTYS_ASSERT(description.problem.empty() || !description.version.empty());
#endif
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    if (const auto value = qmp::Value::parse(text)) {
        Description description{.path = "/usr/bin/qemu-system-x86_64"};
        for (const auto& question : emulator_questions())
            absorb(description, question.command, *value);
        check_description(description);
        if (const auto* told = value->find("emulator")) {
            if (const auto read = description_from(*told)) check_description(*read);
        }
    }
    const auto kept = SurveyCache::parse(text).to_text();
    CTYS_ASSERT(SurveyCache::parse(kept).to_text() == kept);

    Description printed{.path = "/usr/bin/qemu-system-x86_64"};
    if (absorb_version_text(printed, text))
        CTYS_ASSERT(printable(printed.version + printed.package, 400) ==
                    printed.version + printed.package);

    const auto cpu = parse_cpuinfo(text);
    CTYS_ASSERT(cpu.flags.size() <= 2560 && printable(cpu.flags, 2560) == cpu.flags);

    if (const auto note = qemu::parse_kvm_note(text)) {
        const auto again = qemu::parse_kvm_note(qemu::to_text(*note));
        CTYS_ASSERT(again && *again == *note);
        CTYS_ASSERT(note->binaries.size() <= 64 && note->builds.size() <= 64);
        CTYS_ASSERT(note->tried.size() <= 64);
    }
    // A version is small, and comes back from its text.
    for (const auto version : {qemu::parse_version(text), qemu::parse_version_answer(text)}) {
        if (version) CTYS_ASSERT(qemu::parse_version(qemu::to_string(*version)) == version);
    }
    return 0;
}
