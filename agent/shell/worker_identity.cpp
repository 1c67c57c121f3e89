#include "agent/shell/worker_identity.h"

#include "mesh/core/text.h"
#include "mesh/setup/process.h"
#include "mesh/store/durable_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace ctys::agent {

namespace {

std::string read_text(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str().substr(0, 64UL * 1024);
}

Result<WorkerId>
kept_identity(const std::string& path, const std::string& machine, loop::IdSource& ids) {
    const auto text = read_text(path);
    const auto lines = split(text, '\n');
    if (lines.size() >= 2 && trim(lines[1]) == machine) {
        auto known = WorkerId::parse(trim(lines[0]));
        if (!known) return wrap(path, known.error());
        return *known;
    }
    const WorkerId fresh{ids.next_uuid()};
    if (auto written = store::write_durably(path, fmt::format("{}\n{}\n", fresh, machine));
        !written)
        return tl::unexpected(written.error());
    return fresh;
}

} // namespace

void describe_machine(WorkerRecord& worker) {
    utsname kernel{};
    if (::uname(&kernel) == 0) {
        worker.arch = kernel.machine;
        if (worker.host.empty()) worker.host = kernel.nodename;
    }
    worker.cpus = static_cast<std::uint32_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
    struct sysinfo memory {};
    if (::sysinfo(&memory) == 0)
        worker.memory_mb = static_cast<std::uint64_t>(memory.totalram) * memory.mem_unit >> 20U;
}

Result<WorkerRecord> identify_worker(const std::string& name,
                                     const std::string& state,
                                     loop::IdSource& ids,
                                     const std::string& vm_conf) {
    const auto facts = setup::read_machine_facts();
    if (!facts) return tl::unexpected(facts.error());
    WorkerRecord worker;
    worker.name = name;
    worker.boot = facts->boot;
    worker.nonce = NonceId{ids.next_uuid()};
    worker.machine_id = facts->machine ? facts->machine->to_string() : std::string{};
    worker.host = facts->host_name;
    worker.version = CTYS_VERSION;
    const auto dmi = facts->platform.value_or(Uuid{});
    const auto conf = setup::uuid_of_machine(vm_conf);
    if (!dmi.is_zero() && !conf.is_zero() && dmi != conf) {
        worker.platform_conflict = fmt::format("DMI says {}, {} says {}", dmi, vm_conf, conf);
    } else {
        worker.platform = dmi.is_zero() ? conf : dmi;
    }
    if (!worker.platform.is_zero()) {
        worker.id = WorkerId{Uuid::from_name(worker.platform, name)};
    } else {
        auto kept = kept_identity(state + "/worker", worker.machine_id, ids);
        if (!kept) return tl::unexpected(kept.error());
        worker.id = *kept;
    }
    describe_machine(worker);
    worker.accelerators.push_back({.name = "tcg", .usable = true, .why = {}});
    // That /dev/kvm opens says nothing (FIELD-GUIDE 5.5); until the survey's probe guest has run
    // it is not used.
    const bool has_kvm = ::access("/dev/kvm", F_OK) == 0;
    worker.accelerators.push_back({.name = "kvm",
                                   .usable = false,
                                   .why = has_kvm ? "not proven by a probe guest" : "no /dev/kvm"});
    return worker;
}

} // namespace ctys::agent
