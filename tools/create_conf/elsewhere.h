#pragma once

#include "mesh/core/error.h"
#include "tools/create_conf/settings.h"

#include <string>
#include <vector>

namespace ctys::conf {

/// A call of this program, to be done on another machine.
struct CallElsewhere {
    std::string host;               ///< [user@]host, as ssh takes it
    std::vector<std::string> words; ///< options, as they were typed
    Values variables;               ///< of the environment here
    bool asks = false;              ///< a dialogue at this terminal
};

/// The words behind the program's name, but for the host where it is no option's value; -L and -R
/// before it go with it. Pure.
[[nodiscard]] std::vector<std::string> words_without(const std::string& host,
                                                     std::vector<std::string> words);

/// The words of ssh. A dialogue gets a terminal, and may be asked for a password; without one
/// nothing is asked. Pure.
[[nodiscard]] std::vector<std::string> words_of_ssh(const CallElsewhere& call);

/// Does it there; all that is said there is said here as it comes. The exit status is that of the
/// program there. Errors: Unreachable (ssh has said why), Unsupported (ssh or the program is not
/// installed), Failed.
[[nodiscard]] Result<int> make_elsewhere(const CallElsewhere& call);

} // namespace ctys::conf
