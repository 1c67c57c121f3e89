#include "mesh/store/durable_file.h"

#include "mesh/store/descriptor.h"
#include "mesh/store/file_error.h"

#include <fmt/format.h>

#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace ctys::store {

namespace {

Status write_file(const std::string& path, std::string_view text) {
    const Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.fd() < 0) return file_error("create", path);
    const auto written = ::write(file.fd(), text.data(), text.size());
    if (written < 0) return file_error("write", path);
    if (static_cast<std::size_t>(written) != text.size()) {
        return fail(ErrorCode::Storage, fmt::format("write {}: the disk is full", path));
    }
    if (::fsync(file.fd()) != 0) return file_error("sync", path);
    return {};
}

} // namespace

Status write_durably(const std::string& path, std::string_view text) {
    const auto fresh = fmt::format("{}.new", path);
    if (auto written = write_file(fresh, text); !written) return written;
    if (::rename(fresh.c_str(), path.c_str()) != 0) return file_error("replace", path);
    const auto slash = path.rfind('/');
    const auto parent = slash == std::string::npos ? std::string(".") : path.substr(0, slash + 1);
    const Descriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.fd() < 0 || ::fsync(directory.fd()) != 0) return file_error("sync", parent);
    return {};
}

} // namespace ctys::store
