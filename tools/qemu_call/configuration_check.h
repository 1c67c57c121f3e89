#pragma once

#include "mesh/qemu/active_master.h"
#include "tools/qemu_call/request.h"

namespace ctys::call {

/// What the text of a configuration says against starting its VM: `#@#LABEL` is another label than
/// the one that its wrapper has found (S-249), or `beside` holds another active master (S-074).
/// Other keys that differ from their variables are notes. `file` is a name for people. Pure.
[[nodiscard]] std::vector<Problem> judge_configuration(const std::string& file,
                                                       const qemu::Configuration& configuration,
                                                       const std::string& label,
                                                       std::span<const qemu::Variant> beside,
                                                       std::vector<std::string>& notes);

/// The same for the file at an absolute path, with what lies in its folder. What cannot be read
/// says nothing: the wrapper has told of it.
[[nodiscard]] std::vector<Problem> check_configuration(const std::string& path,
                                                       const std::string& label,
                                                       std::vector<std::string>& notes);

} // namespace ctys::call
