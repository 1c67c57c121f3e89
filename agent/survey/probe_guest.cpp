#include "agent/survey/probe_guest.h"

#include "mesh/core/text.h"
#include "mesh/qemu/survey_mark.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ctys::agent {

namespace {

constexpr std::size_t sector_bytes = 512;

std::string without_numbers(std::string text) {
    std::erase_if(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
    return text;
}

} // namespace

std::string probe_guest_image() {
    constexpr auto code = std::to_array<unsigned char>({
        0xFA,                               // cli
        0x66, 0xB9, 0x80, 0x84, 0x1E, 0x00, // mov ecx, 2000000
        0x66, 0x49,                         // again: dec ecx
        0x75, 0xFC,                         // jnz again
        0xBA, 0xF4, 0x00,                   // mov dx, 0xf4
        0xB0, 0x21,                         // mov al, 0x21
        0xEE,                               // out dx, al
        0xF4,                               // end: hlt
        0xEB, 0xFD,                         // jmp end
    });
    std::string sector(sector_bytes, '\0');
    std::copy(code.begin(), code.end(), sector.begin());
    sector[sector_bytes - 2] = '\x55';
    sector[sector_bytes - 1] = '\xAA';
    return sector;
}

std::vector<std::string> survey_mark() {
    return {"-name", std::string{qemu::survey_name}};
}

bool is_of_survey(const std::vector<std::string>& argv) {
    const auto name = std::find(argv.begin(), argv.end(), "-name");
    return name != argv.end() && name + 1 != argv.end() && *(name + 1) == qemu::survey_name;
}

std::vector<std::string> probe_guest_call(const std::string& program,
                                          std::string_view accelerator,
                                          const std::string& image) {
    std::vector<std::string> argv{program};
    for (auto& word : survey_mark())
        argv.push_back(std::move(word));
    for (auto word : {std::string{"-machine"},
                      fmt::format("pc,accel={}", accelerator),
                      std::string{"-m"},
                      std::string{"16"},
                      std::string{"-nodefaults"},
                      std::string{"-no-user-config"},
                      std::string{"-no-reboot"},
                      std::string{"-display"},
                      std::string{"none"},
                      std::string{"-device"},
                      std::string{"isa-debug-exit,iobase=0xf4,iosize=0x4"},
                      std::string{"-drive"},
                      fmt::format("file={},format=raw,if=ide", image)}) {
        argv.push_back(std::move(word));
    }
    return argv;
}

Duration kvm_limit(Duration under_tcg) {
    using namespace std::chrono;
    constexpr Duration least = seconds{1}; // a busy machine is no broken one
    constexpr Duration most = seconds{10};
    return std::clamp<Duration>(2 * under_tcg + milliseconds{500}, least, most);
}

Accelerator judge_tcg(const GuestOutcome& outcome) {
    switch (outcome.kind) {
    case GuestOutcome::Kind::Up:
        return {.name = "tcg",
                .usable = true,
                .why = fmt::format("a probe guest came up in {}", to_short_text(outcome.took))};
    case GuestOutcome::Kind::TimedOut:
        return {.name = "tcg",
                .usable = false,
                .why = fmt::format("a probe guest did not come up within {}",
                                   to_short_text(outcome.limit))};
    case GuestOutcome::Kind::Ended:
        break;
    }
    return {.name = "tcg",
            .usable = false,
            .why = fmt::format("QEMU ended before a probe guest came up: {}",
                               printable(outcome.words, 150))};
}

Accelerator judge_kvm(const GuestOutcome& under_tcg, const GuestOutcome& under_kvm) {
    Accelerator kvm{.name = "kvm", .usable = false, .why = {}};
    const bool compares = under_tcg.kind == GuestOutcome::Kind::Up;
    const auto beside =
        compares ? fmt::format(" (under tcg {})", to_short_text(under_tcg.took)) : std::string{};
    switch (under_kvm.kind) {
    case GuestOutcome::Kind::Up:
        kvm.usable = true;
        kvm.why =
            fmt::format("a probe guest came up in {}{}", to_short_text(under_kvm.took), beside);
        return kvm;
    case GuestOutcome::Kind::TimedOut:
        kvm.why = fmt::format("/dev/kvm opens but does not run guests: a probe guest did not come "
                              "up within {}{}",
                              to_short_text(under_kvm.limit),
                              beside);
        return kvm;
    case GuestOutcome::Kind::Ended:
        break;
    }
    kvm.why =
        fmt::format("QEMU ended before a probe guest came up: {}", printable(under_kvm.words, 150));
    return kvm;
}

bool say_the_same(const Accelerator& known, const Accelerator& found) {
    return known.name == found.name && known.usable == found.usable &&
           without_numbers(known.why) == without_numbers(found.why);
}

std::string why_no_kvm(const KvmDevice& device) {
    if (!device.exists) return "no /dev/kvm";
    if (device.may_be_opened) return {};
    return fmt::format("user {0} may not open /dev/kvm: usermod -aG kvm {0}",
                       printable(device.user, 60));
}

bool is_native(std::string_view guest_arch, std::string_view machine_arch) {
    if (machine_arch == "x86_64") return guest_arch == "x86_64" || guest_arch == "i386";
    const bool is_x86_32 = machine_arch.size() == 4 && machine_arch.ends_with("86");
    return is_x86_32 && guest_arch == "i386";
}

} // namespace ctys::agent
