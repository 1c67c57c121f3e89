#pragma once

#include "tools/create_conf/configuration_text.h"

#include <initializer_list>
#include <utility>

namespace ctys::testing {

using Pairs = std::initializer_list<std::pair<std::string, std::string>>;

/// A machine with KVM, where `given` is what the environment says and `label` the call.
[[nodiscard]] conf::Sources sources_of(const std::string& label, Pairs given);
/// The same, decided; the values have to fit.
[[nodiscard]] conf::Settings settings_of(const std::string& label, Pairs given);
[[nodiscard]] conf::Stamp sample_stamp();

/// QEMU's command line as the wrapper makes it of this configuration in /vm/<label>.
[[nodiscard]] std::string command_line_of(const std::string& configuration,
                                          const std::string& label);

} // namespace ctys::testing
