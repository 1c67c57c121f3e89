#pragma once

#include "agent/qmp/value.h"
#include "mesh/core/worker.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::agent {

/// What one qemu-system-* says of itself, at full length.
struct Description {
    std::string path;
    std::string arch;
    std::string version;
    std::string package;
    std::vector<std::string> accelerators; ///< compiled in: "kvm", "tcg"
    std::vector<std::string> machines;
    std::vector<std::string> cpus;
    std::vector<std::string> options; ///< of its command line, as far as it describes them
    std::string problem;              ///< why it cannot be used; empty: it can

    bool operator==(const Description&) const = default;
};

struct EmulatorQuestion {
    std::string_view command;
    qmp::Value arguments;
};
/// What is asked of an emulator without a machine, all at once.
[[nodiscard]] std::span<const EmulatorQuestion> emulator_questions();

/// Takes the answer to one of them in. Names are made printable; those beyond 512 of a kind, and
/// what is no name, are left out.
void absorb(Description& description, std::string_view command, const qmp::Value& answer);

/// The version in what `-version` prints, for those that speak no QMP: "QEMU PC emulator version
/// 0.12.2 (qemu-kvm-0.12.2), ...". Leaves everything else alone; false where there is none.
[[nodiscard]] bool absorb_version_text(Description& description, std::string_view text);

/// The short form, which travels and is kept.
[[nodiscard]] Emulator summary(const Description& description);

/// Between blanks, at most `limit` bytes; what is left out is told by "...".
[[nodiscard]] std::string joined(const std::vector<std::string>& names, std::size_t limit);

/// For caches and scripts. Errors: Malformed.
[[nodiscard]] qmp::Value to_value(const Description& description);
[[nodiscard]] Result<Description> description_from(const qmp::Value& value);

} // namespace ctys::agent
