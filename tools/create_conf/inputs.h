#pragma once

#include "tools/create_conf/file_plan.h"

namespace ctys::conf {

/// Where files of a user and of the site are looked for.
struct InputPlaces {
    std::string home;          ///< empty: no files of a user
    std::string defaults_file; ///< --defaults-file; empty: those of the user, else of the machine
    bool load_defaults = true;
    std::string macmap; ///< empty: the usual one
    std::string ethers = "/etc/ethers";
    std::string hosts = "/etc/hosts";
};

/// A whole text file. Errors: NotFound, Failed; Malformed beyond max_configuration_bytes.
[[nodiscard]] Result<std::string> read_text(const std::string& path);

/// The variables of the table that the environment sets, but LABEL.
[[nodiscard]] Values environment_values();

/// A sentence for each variable of the original that the environment sets and no VM of QEMU has.
[[nodiscard]] std::vector<std::string> environment_notes();

/// Puts defaults files into `sources`; a note for each assignment only bash can tell. Errors:
/// NotFound for a file that was asked for, Malformed.
[[nodiscard]] Result<std::vector<std::string>> load_defaults(const InputPlaces& places,
                                                             Sources& sources);

[[nodiscard]] AddressBook read_addresses(const InputPlaces& places);
[[nodiscard]] HostFacts read_host_facts();

/// What is in the VM's directory, whether it is there or not. Errors: Failed.
[[nodiscard]] Result<Found> look_around(const std::string& folder,
                                        const std::vector<NewFile>& files,
                                        const std::vector<std::string>& others,
                                        const std::string& image);

/// A new 128 bit number of the kernel.
[[nodiscard]] Uuid random_uuid();

/// `20261130115012`, UTC.
[[nodiscard]] Stamp stamp_of_now(std::string version);

} // namespace ctys::conf
