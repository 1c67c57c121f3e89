#pragma once

#include "mesh/core/id.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::setup {

/// What this machine says about itself.
struct MachineFacts {
    BootId boot;                  ///< new with every start of the kernel
    std::optional<Uuid> machine;  ///< /etc/machine-id
    std::optional<Uuid> platform; ///< DMI product UUID; none where it identifies nothing or
                                  ///< may not be read (only root may)
    std::string host_name;
};

/// Reads them below `root` ("" for this machine; a directory in tests); the host name is asked of
/// the kernel. Errors: Failed (no boot id: there is no /proc).
[[nodiscard]] Result<MachineFacts> read_machine_facts(const std::string& root = {});

/// `#@#UUID = "..."` of a machine's own configuration (CTYS-REFERENCE 4.5), which anybody may read;
/// zero where it says nothing that identifies.
[[nodiscard]] Uuid uuid_of_machine(const std::string& vm_conf = "/etc/ctys.d/vm.conf");

/// Raises the soft limit of open files to 65,536, or to the hard limit where that is lower; never
/// lowers it. Returns the limit now in force. Errors: Failed.
[[nodiscard]] Result<std::uint64_t> raise_descriptor_limit();

/// The folder of the running program, without a slash at its end; empty where /proc does not tell.
[[nodiscard]] std::string program_folder();
/// Path of a program of ours: beside the running one, else its name, to be looked up in PATH.
[[nodiscard]] std::string program_beside(std::string_view name);

struct LeakyDescriptor {
    int descriptor = -1;
    std::string target; ///< what /proc/self/fd says it is
};

/// Open descriptors above 2 that a child would inherit, lowest first. Every one is a defect.
[[nodiscard]] std::vector<LeakyDescriptor> leaky_descriptors();

} // namespace ctys::setup
