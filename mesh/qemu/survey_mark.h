#pragma once

#include <string_view>

namespace ctys::qemu {

/// Value of -name of a QEMU that is asked something and is no VM: agents leave it out.
inline constexpr std::string_view survey_name = "guest=ctys-survey,process=ctys-survey";

} // namespace ctys::qemu
