#include "mesh/store/file_error.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace ctys::store {

tl::unexpected<Error> file_error(std::string_view doing, const std::string& path) {
    return fail(ErrorCode::Storage, fmt::format("{} {}: {}", doing, path, std::strerror(errno)));
}

} // namespace ctys::store
