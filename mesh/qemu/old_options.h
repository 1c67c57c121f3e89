#pragma once

#include "mesh/core/error.h"
#include "mesh/qemu/qemu_version.h"

#include <span>
#include <string>
#include <vector>

namespace ctys::qemu {

struct TranslatedOptions {
    std::vector<std::string> words;
    std::vector<std::string> warnings; ///< one sentence for each old word, in their order
    /// `key=value` of a user network that none of the words is: for the VM's own.
    std::vector<std::string> user_properties;

    bool operator==(const TranslatedOptions&) const = default;
};

/// Whether the VM has a user network beside the words: NETWORK=user.
enum class OwnNetwork { None, User };

/// Option words as configurations of the original give them (VGADRIVER, TIMEOPT, ARGSADD; QEMU 0.9
/// to 0.15 and KVM's branch of it), and of later QEMUs, as words for a QEMU of this version. By one
/// table: what QEMU has given up is replaced, or dropped with a sentence that says what to write
/// instead; anything else, unknown words too, passes through untouched. What depends on the machine
/// does, too: -drive if=scsi where there is no such controller, -cpu names. -redir, -tftp and
/// -bootp become part of the first user network among the words, else of the VM's own. Meant for
/// what assemble() makes: no default devices, a sandbox.
/// Errors: Usage, naming the word, for an argument that the old QEMU would not have understood
/// either, and for an option of the table that comes last without its argument.
[[nodiscard]] Result<TranslatedOptions> translate_old_options(std::span<const std::string> words,
                                                              OwnNetwork own = OwnNetwork::None,
                                                              QemuVersion version = usual_version);

} // namespace ctys::qemu
