#include "tools/qemu_call/file_error.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace ctys::call {

tl::unexpected<Error> file_error(std::string_view what, const std::string& path) {
    return fail(ErrorCode::Failed,
                fmt::format("cannot {} {}: {}", what, printable(path), std::strerror(errno)));
}

} // namespace ctys::call
