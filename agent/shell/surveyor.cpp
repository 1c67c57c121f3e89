// Happy path: the child prints an encoded record, which is decoded and handed on.
//
// Failure modes: it hangs on a folder -> killed at its deadline, logged, tried again; it fails or
// prints something else -> logged, what was known stays.

#include "agent/shell/surveyor.h"

#include "mesh/core/text.h"
#include "mesh/store/durable_file.h"
#include "schema/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <span>
#include <sys/stat.h>

namespace ctys::agent {

namespace {

constexpr Duration survey_period = std::chrono::minutes{10};
constexpr std::size_t most_survey = 4UL * 1024 * 1024;
/// The clock of a file system lags that of a program by a tick of the kernel, and coarse ones count
/// seconds.
constexpr std::int64_t clock_lag_s = 2;
constexpr std::int64_t us_per_s = 1'000'000;

std::string real_path(const std::string& path) {
    char* resolved = ::realpath(path.c_str(), nullptr);
    if (resolved == nullptr) return path;
    std::string out{resolved};
    std::free(resolved);
    return out;
}

// The time at which an inode changed cannot be set, as installers set that of the contents.
std::optional<qemu::FileStamp> untouched_since(const std::string& path, WallTime begun) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
    if (facts.st_ctim.tv_sec > begun.us / us_per_s - clock_lag_s) return std::nullopt;
    return qemu::stamp_of(facts);
}

} // namespace

Surveyor::Surveyor(loop::EventLoop& loop,
                   setup::Logger& log,
                   std::vector<std::string> call,
                   Events events)
    : loop_(loop), log_(log), call_(std::move(call)), events_(std::move(events)), again_(loop) {}

Surveyor::~Surveyor() {
    if (!child_) return;
    if (auto asked = child_->kill(SIGTERM); !asked) log_.debug("{}", asked.error().message);
}

void Surveyor::begin() {
    if (call_.empty()) return;
    again_.start_repeating(survey_period, [this] { start(); });
    start();
}

bool Surveyor::is_running(std::uint32_t pid) const {
    return child_ && static_cast<std::uint32_t>(child_->pid()) == pid;
}

void Surveyor::start() {
    if (child_) return;
    begun_ = loop_.now().wall;
    loop::ChildSpec spec{.argv = call_, .cwd = "/", .new_session = true};
    spec.output = loop::ToMemory{most_survey};
    spec.errors = loop::ToMemory{};
    spec.deadline = limit;
    spec.when_dropped = loop::WhenDropped::Leave;
    auto child = loop::ChildProcess::start(
        loop_, std::move(spec), [this](const loop::ChildResult& result) { on_done(result); });
    if (!child) {
        log_.warning("survey of this machine: {}", child.error().message);
        return events_.ended();
    }
    child_.emplace(std::move(*child));
}

void Surveyor::on_done(const loop::ChildResult& result) {
    take(result);
    // Here and not later: whoever owns this may drop it at any time.
    child_.reset();
    events_.ended();
}

void Surveyor::take(const loop::ChildResult& result) {
    if (result.timed_out) {
        return log_.warning("survey of this machine: not done within {}: what is known of its "
                            "emulators stays; a folder of PATH may hang",
                            to_short_text(limit));
    }
    if (result.term_signal != 0 || result.exit_status != 0) {
        return log_.warning("survey of this machine: ended with {} {}: {}",
                            result.term_signal != 0 ? "signal" : "status",
                            result.term_signal != 0 ? result.term_signal : result.exit_status,
                            printable(trim(result.errors)));
    }
    const auto record =
        schema::decode_worker(std::as_bytes(std::span{result.output.data(), result.output.size()}));
    if (!record) return log_.warning("survey of this machine: {}", record.error().message);
    events_.surveyed(*record, begun_);
}

qemu::KvmNote note_of(const WorkerRecord& worker, WallTime begun) {
    qemu::KvmNote note;
    note.boot = worker.boot;
    for (const auto& accelerator : worker.accelerators) {
        if (accelerator.name != "kvm") continue;
        note.usable = accelerator.usable;
        note.why = accelerator.why;
    }
    for (const auto& emulator : worker.equipment.emulators) {
        const bool may_use = note.usable && has_accelerator(emulator, "kvm") &&
                             emulator.problem.empty() && emulator.kvm_trial != KvmTrial::Failed;
        const auto path = real_path(emulator.path);
        if (may_use) note.binaries.push_back(path);
        if (may_use && emulator.kvm_trial == KvmTrial::Up) note.tried.push_back(path);
        const auto version = qemu::parse_version(emulator.version);
        if (!version) continue;
        if (const auto stamp = untouched_since(path, begun))
            note.builds.push_back({.path = path, .stamp = *stamp, .version = *version});
    }
    return note;
}

Status write_kvm_note(const std::string& runtime, const WorkerRecord& worker, WallTime begun) {
    const auto path = fmt::format("{}/{}", runtime, qemu::kvm_note_file);
    const auto text = qemu::to_text(note_of(worker, begun));
    if (auto written = store::write_durably(path, text); !written) return written;
    // VMs of other users are started by their wrappers, which read it.
    if (::chmod(path.c_str(), 0644) != 0)
        return fail(ErrorCode::Storage, path + " cannot be made readable");
    return {};
}

bool is_kvm_noted(const std::string& runtime, BootId boot) {
    std::ifstream file{fmt::format("{}/{}", runtime, qemu::kvm_note_file), std::ios::binary};
    std::string text(qemu::max_kvm_note_bytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    const auto note = qemu::parse_kvm_note(text);
    return note && !boot.is_none() && note->boot == boot;
}

} // namespace ctys::agent
