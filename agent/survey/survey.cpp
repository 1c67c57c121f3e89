// Happy path: files are found, those of the cache are not asked again, the others one after the
// other; then the probe guest runs under TCG and, where /dev/kvm may be opened, under KVM.
//
// Failure modes: each emulator and each guest has a limit of its own, the whole has a budget; a
// cache that cannot be read or written costs time and nothing else.

#include "agent/survey/survey.h"

#include "agent/survey/cpu_text.h"
#include "agent/survey/requisites.h"
#include "mesh/core/digest.h"
#include "mesh/core/text.h"
#include "mesh/setup/emulator_folders.h"
#include "mesh/store/durable_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <dirent.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::agent {

namespace {

constexpr std::size_t most_emulators = 64; // as the wire has it
constexpr std::size_t most_text = 8UL * 1024 * 1024;
constexpr Duration tcg_limit = std::chrono::seconds{10};
/// A build that cannot run guests is no reason to give up another one; three are.
constexpr std::size_t most_trials = 3;

std::string text_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::string text;
    std::string part(64UL * 1024, '\0');
    while (
        text.size() < most_text &&
        (file.read(part.data(), static_cast<std::streamsize>(part.size())) || file.gcount() > 0)) {
        text.append(part.data(), static_cast<std::size_t>(file.gcount()));
    }
    return text;
}

FileKey key_of(const std::string& path, const struct stat& facts) {
    constexpr std::int64_t ns_per_s = 1'000'000'000;
    return {.path = path,
            .device = facts.st_dev,
            .inode = facts.st_ino,
            .size = static_cast<std::uint64_t>(facts.st_size),
            .changed_ns = facts.st_mtim.tv_sec * ns_per_s + facts.st_mtim.tv_nsec};
}

std::vector<std::string> emulator_names(const std::string& folder) {
    std::vector<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> opened{::opendir(folder.c_str()), ::closedir};
    if (!opened) return names;
    while (const auto* entry = ::readdir(opened.get())) {
        if (setup::is_emulator_name(entry->d_name)) names.emplace_back(entry->d_name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string why_untrusted_one(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return {};
    if (facts.st_uid != 0)
        return fmt::format("belongs to user {}: root does not run it to ask it", facts.st_uid);
    // In a sticky folder nobody replaces what is another's.
    const bool is_kept = S_ISDIR(facts.st_mode) && (facts.st_mode & S_ISVTX) != 0;
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !is_kept)
        return "may be written by others: root does not run it to ask it";
    return {};
}

/// A survey by root runs what only root can have put there: the file, and each folder on the way to
/// it and to what it is a link to, since whoever may write there puts another one in its place.
std::string why_untrusted(const std::string& path) {
    if (::geteuid() != 0) return {};
    std::error_code none;
    for (auto each : {path, std::filesystem::weakly_canonical(path, none).string()}) {
        if (auto why = why_untrusted_one(each); !why.empty()) return why;
        for (auto slash = each.rfind('/'); slash != std::string::npos && slash > 0;
             slash = each.rfind('/')) {
            each.resize(slash);
            if (auto why = why_untrusted_one(each); !why.empty())
                return fmt::format("{} {}", printable(each, 200), why);
        }
    }
    return {};
}

KvmDevice look_at(const std::string& device) {
    return {.exists = ::access(device.c_str(), F_OK) == 0,
            .may_be_opened = ::access(device.c_str(), R_OK | W_OK) == 0,
            .user = user_name()};
}

/// One survey.
class Survey {
public:
    Survey(loop::EventLoop& loop, const SurveyRequest& request)
        : loop_(loop), request_(request), begun_(loop.now()) {
        if (!request.cache.empty()) kept_text_ = text_of(request.cache);
        if (!request.fresh) cache_ = SurveyCache::parse(kept_text_);
    }

    Surveyed run() {
        keys_ = find_emulators(request_.folders);
        // What may hang on a folder comes first, so that nothing of ours runs meanwhile.
        const auto cpu = parse_cpuinfo(text_of("/proc/cpuinfo"));
        out_.cpu_model = cpu.model;
        out_.cpu_flags = cpu.flags;
        out_.requisites = look_for_requisites(requisite_places());
        for (const auto& key : keys_)
            out_.emulators.push_back(describe(key));
        try_accelerators();
        keep();
        return std::move(out_);
    }

private:
    [[nodiscard]] bool is_over() const {
        return request_.terms.is_cancelled() ||
               loop_.now().instant - begun_.instant > request_.budget;
    }

    Description describe(const FileKey& key) {
        // Also what is known already, since a guest may be tried with it.
        if (auto why = why_untrusted(key.path); !why.empty())
            return {.path = key.path, .problem = std::move(why)};
        if (auto known = cache_.find(key, begun_.wall)) return *known;
        if (is_over()) {
            return {.path = key.path, .problem = "not asked: the time of the survey was over"};
        }
        auto description = ask_emulator(loop_, key.path, request_.terms);
        if (!request_.terms.is_cancelled()) cache_.keep(key, description, begun_.wall);
        return description;
    }

    /// Those of this machine's own kind, KVM builds first.
    [[nodiscard]] std::vector<const Description*> native() const {
        std::vector<const Description*> found;
        for (const auto& each : out_.emulators) {
            if (each.problem.empty() && is_native(each.arch, request_.arch) &&
                std::find(each.machines.begin(), each.machines.end(), "pc") != each.machines.end())
                found.push_back(&each);
        }
        std::stable_partition(found.begin(), found.end(), has_kvm);
        if (found.size() > most_trials) found.resize(most_trials);
        return found;
    }

    static bool has(const Description* each, std::string_view accelerator) {
        const auto& names = each->accelerators;
        return std::find(names.begin(), names.end(), accelerator) != names.end();
    }
    static bool has_kvm(const Description* each) { return has(each, "kvm"); }

    void try_accelerators() {
        const bool any = std::any_of(out_.emulators.begin(),
                                     out_.emulators.end(),
                                     [](const auto& each) { return each.problem.empty(); });
        out_.tcg = {.name = "tcg",
                    .usable = any,
                    .why = any ? std::string{} : "no qemu-system-* that can be used"};
        out_.kvm = {
            .name = "kvm", .usable = false, .why = why_no_kvm(look_at(request_.kvm_device))};
        // TCG runs wherever QEMU does; its guest is there to be compared with.
        if (!out_.kvm.why.empty()) return;
        const auto candidates = native();
        if (candidates.empty() || !has_kvm(candidates.front())) {
            out_.kvm.why = fmt::format("no qemu-system-* here runs {} guests by KVM",
                                       printable(request_.arch, 32));
            return;
        }
        const auto all = circumstances(candidates);
        if (const auto known = cache_.find_trials(all, begun_.wall)) {
            out_.tcg = known->tcg;
            out_.kvm = known->kvm;
            out_.kvm_up = known->up;
            out_.kvm_failed = known->failed;
            return;
        }
        for (const auto* each : candidates) {
            if (!has_kvm(each) || is_over()) break;
            // One that hangs is the fault of the machine, one that ends may be that of the build.
            if (try_one(*each) != GuestOutcome::Kind::Ended) break;
        }
        if (!request_.terms.is_cancelled())
            cache_.keep_trials(
                all, {out_.tcg, out_.kvm, out_.kvm_up, out_.kvm_failed}, begun_.wall);
    }

    GuestOutcome::Kind try_one(const Description& emulator) {
        const auto run = [&](std::string_view accelerator, Duration limit) {
            return run_probe_guest(loop_, emulator.path, accelerator, limit, request_.terms);
        };
        // A build for KVM alone is measured by what came up before.
        if (has(&emulator, "tcg") && under_tcg_.kind != GuestOutcome::Kind::Up) {
            under_tcg_ = run("tcg", tcg_limit);
            out_.tcg = judge_tcg(under_tcg_);
        }
        const auto limit =
            under_tcg_.kind == GuestOutcome::Kind::Up ? kvm_limit(under_tcg_.took) : tcg_limit;
        const auto under_kvm = run("kvm", limit);
        out_.kvm = judge_kvm(under_tcg_, under_kvm);
        auto& tried = out_.kvm.usable ? out_.kvm_up : out_.kvm_failed;
        tried.push_back(emulator.path);
        return under_kvm.kind;
    }

    /// All that a trial depends on: this boot, the device, this user, the programs.
    [[nodiscard]] std::string circumstances(const std::vector<const Description*>& all) const {
        struct stat facts {};
        static_cast<void>(::stat(request_.kvm_device.c_str(), &facts));
        auto text = fmt::format("{} {} {} {} {} {}",
                                request_.boot,
                                request_.kvm_device,
                                facts.st_rdev,
                                facts.st_ino,
                                facts.st_mode,
                                ::geteuid());
        for (const auto* each : all) {
            for (const auto& key : keys_) {
                if (key.path != each->path) continue;
                text += fmt::format(" {} {} {} {}", key.path, key.inode, key.size, key.changed_ns);
            }
        }
        return fmt::format("{:016x}", digest(text));
    }

    void keep() {
        if (request_.cache.empty() || request_.terms.is_cancelled()) return;
        const auto text = cache_.to_text();
        if (text == kept_text_) return;
        // Without it the next survey asks again.
        static_cast<void>(store::write_durably(request_.cache, text));
    }

    loop::EventLoop& loop_;
    const SurveyRequest& request_;
    Now begun_;
    std::string kept_text_;
    SurveyCache cache_;
    std::vector<FileKey> keys_;
    GuestOutcome under_tcg_;
    Surveyed out_;
};

KvmTrial trial_of(const Surveyed& surveyed, const std::string& path) {
    const auto is_in = [&](const std::vector<std::string>& paths) {
        return std::find(paths.begin(), paths.end(), path) != paths.end();
    };
    if (is_in(surveyed.kvm_up)) return KvmTrial::Up;
    return is_in(surveyed.kvm_failed) ? KvmTrial::Failed : KvmTrial::None;
}

qmp::Value flags_value(std::string_view flags) {
    auto list = qmp::Value::list();
    for (const auto flag : split(flags, ' ')) {
        if (!flag.empty()) list.append(flag);
    }
    return list;
}

} // namespace

std::vector<FileKey> find_emulators(const std::vector<std::string>& folders) {
    std::vector<FileKey> out;
    for (const auto& folder : folders) {
        for (const auto& name : emulator_names(folder)) {
            const auto path = folder + "/" + name;
            struct stat facts {};
            if (out.size() >= most_emulators) return out;
            if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
            if (::access(path.c_str(), X_OK) != 0) continue;
            const auto key = key_of(path, facts);
            const bool is_known = std::any_of(out.begin(), out.end(), [&](const FileKey& known) {
                return known.device == key.device && known.inode == key.inode;
            });
            if (!is_known) out.push_back(key);
        }
    }
    return out;
}

Surveyed survey_machine(loop::EventLoop& loop, const SurveyRequest& request) {
    return Survey{loop, request}.run();
}

void tell(WorkerRecord& worker, const Surveyed& surveyed) {
    worker.accelerators = {surveyed.tcg, surveyed.kvm};
    worker.binaries.clear();
    worker.equipment = {.cpu_model = surveyed.cpu_model,
                        .cpu_flags = surveyed.cpu_flags,
                        .emulators = {},
                        .requisites = surveyed.requisites};
    for (const auto& each : surveyed.emulators) {
        if (each.problem.empty()) worker.binaries.push_back(each.path);
        worker.equipment.emulators.push_back(summary(each));
        worker.equipment.emulators.back().kvm_trial = trial_of(surveyed, each.path);
    }
}

std::string to_json_lines(const Surveyed& surveyed, const WorkerRecord& worker) {
    using qmp::Value;
    std::string out;
    const auto add = [&](const char* kind, Value value) {
        value.set("kind", kind);
        out += value.to_json() + '\n';
    };
    add("machine",
        Value::object({{"host", worker.host},
                       {"arch", worker.arch},
                       {"cpus", std::int64_t{worker.cpus}},
                       {"memory_mb", static_cast<std::int64_t>(worker.memory_mb)},
                       {"cpu_model", surveyed.cpu_model},
                       {"cpu_flags", flags_value(surveyed.cpu_flags)}}));
    for (const auto* each : {&surveyed.tcg, &surveyed.kvm}) {
        add("accelerator",
            Value::object({{"name", each->name}, {"usable", each->usable}, {"why", each->why}}));
    }
    for (const auto& each : surveyed.emulators) {
        auto value = to_value(each);
        value.set("kvm_trial", to_string(trial_of(surveyed, each.path)));
        add("emulator", std::move(value));
    }
    for (const auto& each : surveyed.requisites) {
        add("requisite",
            Value::object({{"name", each.name}, {"met", each.met}, {"fact", each.fact}}));
    }
    return out;
}

} // namespace ctys::agent
