#pragma once

#include "mesh/core/worker.h"

#include <string>
#include <string_view>
#include <vector>

namespace ctys::agent {

/// Any of these programs will do, the first that is there.
struct WantedProgram {
    std::string_view name; ///< of the requisite
    std::vector<std::string_view> programs;
};
/// What the plugins of the original call.
[[nodiscard]] const std::vector<WantedProgram>& wanted_programs();

struct RequisitePlaces {
    std::vector<std::string> folders; ///< in which programs are looked for
    std::string user;
    std::string switch_folder;     ///< QEMUSOCK of the original; empty: its default
    std::string switch_management; ///< QEMUMGMT, the same
    std::string display;           ///< DISPLAY
};
/// Name of the account of this process, or its number.
[[nodiscard]] std::string user_name();

/// Of this process: PATH, /opt/vde/bin and the usual folders; QEMUSOCK, QEMUMGMT, DISPLAY.
[[nodiscard]] RequisitePlaces requisite_places();

/// Looks for them and changes nothing. A socket counts where a process takes its connection; the
/// connection is dropped at once.
[[nodiscard]] std::vector<Requisite> look_for_requisites(const RequisitePlaces& places);

} // namespace ctys::agent
