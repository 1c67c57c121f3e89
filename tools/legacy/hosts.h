#pragma once

#include "mesh/core/error.h"
#include "mesh/core/worker.h"

#include <string>
#include <string_view>
#include <vector>

namespace ctys::tools::legacy {

/// The machine this tool is called on.
struct OwnMachine {
    BootId boot;      ///< none: not known
    std::string host; ///< as the kernel calls it
};

/// The worker a HOST of the original names; pure. By its id or name, else by its host, else by its
/// host where one of the two has a domain and the other has not. `localhost` and its addresses are
/// the worker on the own machine; of several there, the one with the own host name, or called so
/// up to its first dot. Never null. Errors: NotFound, Ambiguous (listing the candidates).
[[nodiscard]] Result<const WorkerRecord*> require_host(const std::vector<WorkerRecord>& workers,
                                                       std::string_view host,
                                                       const OwnMachine& own);

/// What names it to the broker: its name, or its id where several have that name.
[[nodiscard]] std::string handle_of(const WorkerRecord& worker,
                                    const std::vector<WorkerRecord>& workers);

} // namespace ctys::tools::legacy
