#include "tools/qemu_call/kvm_choice.h"

#include "mesh/core/text.h"
#include "mesh/setup/directories.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace ctys::call {

namespace {

constexpr std::string_view emulation = "QEMU's own emulation (TCG) is used";
constexpr std::string_view way_out = "CTYS_KVM=usable insists on KVM";

/// Nothing where it is not there, or somebody else may have written it.
std::optional<std::string> trusted_text(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return std::nullopt;
    struct stat facts {};
    std::string text(qemu::max_kvm_note_bytes, '\0');
    const bool is_ours = ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) &&
                         (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
                         (facts.st_uid == 0 || facts.st_uid == ::geteuid());
    ssize_t size = -1;
    if (is_ours) {
        do {
            size = ::read(fd, text.data(), text.size());
        } while (size < 0 && errno == EINTR);
    }
    ::close(fd);
    if (size < 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(size));
    return text;
}

/// What ran guests then need not run them now.
bool is_of_another_boot(const qemu::KvmNote& note, BootId boot) {
    return !note.boot.is_none() && !boot.is_none() && note.boot != boot;
}

/// Of a build with which nobody has tried KVM, while another one runs guests by it; else nothing.
/// An older agent does not tell which ones it has tried.
std::string why_untried(const qemu::KvmNote& known, const std::string& binary) {
    const auto& tried = known.tried;
    if (tried.empty() || std::find(tried.begin(), tried.end(), binary) != tried.end()) return {};
    return fmt::format(
        "ACCELERATOR: KVM is used; no probe guest was tried with {}, one came up with "
        "{}",
        printable(binary),
        printable(tried.front()));
}

} // namespace

KvmChoice choose_kvm(KvmWish wish, const KvmFacts& facts) {
    if (wish == KvmWish::Emulation) return {};
    const bool is_asked = wish == KvmWish::Kvm;
    if (is_asked && facts.insists) return {.use = true, .note = {}};
    if (!facts.known || is_of_another_boot(*facts.known, facts.boot)) {
        if (!is_asked) return {};
        return {.use = false,
                .note = fmt::format("ACCELERATOR: KVM is not proven usable on this machine, {}; {}",
                                    emulation,
                                    way_out)};
    }
    const auto& known = *facts.known;
    const auto refuse = [&](std::string_view why) -> KvmChoice {
        return {.use = false,
                .note = fmt::format("ACCELERATOR: KVM cannot be used on this machine ({}), {}{}{}",
                                    why,
                                    emulation,
                                    is_asked ? "; " : "",
                                    is_asked ? way_out : "")};
    };
    if (!known.usable) return refuse(printable(known.why));
    const auto& able = known.binaries;
    const bool is_able = std::find(able.begin(), able.end(), facts.binary) != able.end();
    // The agent that has tried it may be another user.
    if (is_able && !facts.may_open) return refuse("this user may not open /dev/kvm");
    if (is_able) return {.use = true, .note = why_untried(known, facts.binary)};
    if (!is_asked) return {};
    return {.use = false,
            .note = fmt::format("ACCELERATOR: {} is not among the emulators that run guests by KVM "
                                "on this machine, {}; {}",
                                printable(facts.binary),
                                emulation,
                                way_out)};
}

std::optional<qemu::KvmNote> read_kvm_note() {
    std::vector<std::string> places;
    if (const char* given = std::getenv("CTYS_KVM_NOTE"); given != nullptr) {
        places.emplace_back(given);
    } else {
        if (const auto own = setup::choose_directories(setup::directory_request({}, {})))
            places.push_back(fmt::format("{}/{}", own->runtime, qemu::kvm_note_file));
        places.push_back(fmt::format("/run/ctys/{}", qemu::kvm_note_file));
    }
    for (const auto& place : places) {
        const auto text = trusted_text(place);
        if (!text) continue;
        if (auto note = qemu::parse_kvm_note(*text)) return *note;
    }
    return std::nullopt;
}

} // namespace ctys::call
