#include "mesh/store/head_file.h"

#include "mesh/core/text.h"
#include "mesh/store/descriptor.h"
#include "mesh/store/durable_file.h"
#include "mesh/store/file_error.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <fcntl.h>

namespace ctys::store {

Status write_head(const std::string& path, const Cursor& head) {
    return write_durably(path, fmt::format("{}\n", head));
}

Result<std::optional<Cursor>> read_head(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd() < 0) {
        if (errno == ENOENT) return std::nullopt;
        return file_error("open", path);
    }
    std::array<char, 64> text{}; // two 64-bit numbers take 41 characters
    const auto size = ::read(file.fd(), text.data(), text.size());
    if (size < 0) return file_error("read", path);
    auto cursor = Cursor::parse(trim({text.data(), static_cast<std::size_t>(size)}));
    if (!cursor) return wrap(path, cursor.error());
    return *cursor;
}

} // namespace ctys::store
