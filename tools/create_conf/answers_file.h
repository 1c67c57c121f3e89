#pragma once

#include "tools/create_conf/settings.h"

namespace ctys::conf {

/// A file that is made; `name` is below the VM's directory.
struct NewFile {
    std::string name;
    std::string bytes;
    bool executable = false;

    bool operator==(const NewFile&) const = default;
};

/// The answers that an installer of the distribution reads, and a small disk that carries them
/// where the installer looks for one by its label: kickstart on OEMDRV, NoCloud's two files on
/// CIDATA. All of them give the guest a serial console: nobody sees another one. Empty for
/// distributions without any, and where KICKSTART is none.
[[nodiscard]] std::vector<NewFile> answers_files(const Settings& settings);

/// How the installer is told to use them; empty where there are none.
[[nodiscard]] std::vector<std::string> how_to_install(const Settings& settings);

} // namespace ctys::conf
