#pragma once

#include "mesh/core/time.h"
#include "mesh/core/worker.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::agent {

/// The guest that shows whether an accelerator runs guests: 512 bytes that the firmware boots. It
/// counts two millions down, which an accelerator that interprets instead of running them makes
/// slow, and tells its device for the end of QEMU a number.
[[nodiscard]] std::string probe_guest_image();
/// QEMU's exit status when that guest has come up.
constexpr int probe_guest_status = (0x21 << 1) | 1;

/// QEMU that runs the guest in the file `image`.
[[nodiscard]] std::vector<std::string> probe_guest_call(const std::string& program,
                                                        std::string_view accelerator,
                                                        const std::string& image);

/// How one run of it has ended.
struct GuestOutcome {
    enum class Kind : std::uint8_t {
        Up,
        Ended,   ///< QEMU ended without it
        TimedOut ///< killed at its limit
    };
    Kind kind = Kind::Ended;
    Duration took{};   ///< until then
    Duration limit{};  ///< it had
    std::string words; ///< of Ended: QEMU's own

    bool operator==(const GuestOutcome&) const = default;
};

/// What a guest under KVM gets, given what it took under emulation: KVM that is slower than twice
/// that and half a second more runs no real guest in bearable time.
[[nodiscard]] Duration kvm_limit(Duration under_tcg);

[[nodiscard]] Accelerator judge_tcg(const GuestOutcome& outcome);
/// `under_tcg` is of the same emulator, before.
[[nodiscard]] Accelerator judge_kvm(const GuestOutcome& under_tcg, const GuestOutcome& under_kvm);

/// True where they differ in nothing but the times that each survey measures anew.
[[nodiscard]] bool say_the_same(const Accelerator& known, const Accelerator& found);

/// What can be told of /dev/kvm without a guest.
struct KvmDevice {
    bool exists = false;
    bool may_be_opened = false;
    std::string user; ///< who may not, for the command that mends it
};
/// Why no guest has to be tried; empty: one has to.
[[nodiscard]] std::string why_no_kvm(const KvmDevice& device);

/// True for emulators whose guests this kind of machine runs itself, so that KVM may be tried.
[[nodiscard]] bool is_native(std::string_view guest_arch, std::string_view machine_arch);

/// True for the command line of a QEMU that a survey has started: it is no VM.
[[nodiscard]] bool is_of_survey(const std::vector<std::string>& argv);
/// The words that make it one.
[[nodiscard]] std::vector<std::string> survey_mark();

} // namespace ctys::agent
