#include "mesh/setup/directories.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::setup {

namespace {

std::string variable(const char* name) {
    const char* value = ::secure_getenv(name);
    return value == nullptr ? "" : value;
}

bool is_absolute(const std::string& path) {
    return path.starts_with('/');
}

std::string join(const std::string& directory, std::string_view name) {
    return fmt::format("{}{}{}", directory, directory.ends_with('/') ? "" : "/", name);
}

std::string default_state(const DirectoryRequest& request) {
    if (request.user == 0) return "/var/lib/ctys";
    if (request.home_is_remote) return fmt::format("/var/tmp/ctys-{}", request.user);
    if (is_absolute(request.xdg_state_home)) return join(request.xdg_state_home, "ctys");
    if (is_absolute(request.home)) return join(request.home, ".local/state/ctys");
    return "";
}

std::string default_runtime(const DirectoryRequest& request) {
    if (request.user == 0) return "/run/ctys";
    if (is_absolute(request.xdg_runtime_dir)) return join(request.xdg_runtime_dir, "ctys");
    return fmt::format("/run/user/{}/ctys", request.user);
}

Result<std::string> choose(std::string_view flag_name,
                           const std::string& flag,
                           std::string_view variable_name,
                           const std::string& variable,
                           std::string otherwise) {
    const bool by_flag = !flag.empty();
    const auto& given = by_flag ? flag : variable;
    if (!given.empty() && !is_absolute(given)) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} is {}, which is not an absolute path",
                                by_flag ? flag_name : variable_name,
                                given));
    }
    if (given.empty() && otherwise.empty()) {
        return fail(ErrorCode::Usage, fmt::format("HOME is not set: give {}", flag_name));
    }
    auto chosen = given.empty() ? std::move(otherwise) : given;
    return std::filesystem::path(chosen).lexically_normal().string();
}

Status storage_error(std::string_view doing, const std::string& path, int code) {
    return fail(ErrorCode::Storage, fmt::format("{} {}: {}", doing, path, std::strerror(code)));
}

/// A parent is trusted when only root and this user can change what is in it.
Status check_parent(const std::string& path, const struct stat& facts) {
    if (facts.st_uid != 0 && facts.st_uid != ::geteuid()) {
        return fail(ErrorCode::Refused,
                    fmt::format("{} belongs to user {}, who could replace what is below it",
                                path,
                                facts.st_uid));
    }
    if (S_ISLNK(facts.st_mode)) return {};
    if (!S_ISDIR(facts.st_mode)) {
        return fail(ErrorCode::Storage, fmt::format("{} is not a directory", path));
    }
    const bool open_to_others = (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (open_to_others && (facts.st_mode & S_ISVTX) == 0) {
        return fail(
            ErrorCode::Refused,
            fmt::format("{} is writable by others, who could replace what is below it", path));
    }
    return {};
}

Status make_parent(const std::string& path) {
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) {
        if (errno != ENOENT) return storage_error("look at", path, errno);
        if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
            return storage_error("create", path, errno);
        }
        if (::lstat(path.c_str(), &facts) != 0) return storage_error("look at", path, errno);
    }
    return check_parent(path, facts);
}

} // namespace

DirectoryRequest directory_request(std::string state_flag, std::string runtime_flag) {
    return {.state_flag = std::move(state_flag),
            .runtime_flag = std::move(runtime_flag),
            .state_variable = variable("CTYS_STATE_DIR"),
            .runtime_variable = variable("CTYS_RUNTIME_DIR"),
            .home = variable("HOME"),
            .xdg_state_home = variable("XDG_STATE_HOME"),
            .xdg_runtime_dir = variable("XDG_RUNTIME_DIR"),
            .user = ::geteuid()};
}

Result<Directories> choose_directories(const DirectoryRequest& request) {
    auto state = choose("--state-dir",
                        request.state_flag,
                        "CTYS_STATE_DIR",
                        request.state_variable,
                        default_state(request));
    if (!state) return tl::unexpected(state.error());
    auto runtime = choose("--runtime-dir",
                          request.runtime_flag,
                          "CTYS_RUNTIME_DIR",
                          request.runtime_variable,
                          default_runtime(request));
    if (!runtime) return tl::unexpected(runtime.error());
    return Directories{*state, *runtime};
}

Status prepare_directory(const std::string& path, const DirectoryAccess& access) {
    if (!is_absolute(path)) {
        return fail(ErrorCode::Usage, fmt::format("{} is not an absolute path", path));
    }
    for (auto slash = path.find('/', 1); slash != std::string::npos && slash + 1 < path.size();
         slash = path.find('/', slash + 1)) {
        if (auto parent = make_parent(path.substr(0, slash)); !parent) return parent;
    }
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        return storage_error("create", path, errno);
    }
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) return storage_error("look at", path, errno);
    if (S_ISLNK(facts.st_mode)) {
        return fail(ErrorCode::Refused,
                    fmt::format("{} is a symbolic link: name the directory itself", path));
    }
    if (!S_ISDIR(facts.st_mode)) {
        return fail(ErrorCode::Storage, fmt::format("{} is not a directory", path));
    }
    if (facts.st_uid != ::geteuid()) {
        return fail(ErrorCode::Refused,
                    fmt::format("{} belongs to user {}, this program runs as user {}",
                                path,
                                facts.st_uid,
                                ::geteuid()));
    }
    const auto keep_owner = static_cast<uid_t>(-1);
    if (access.group && ::lchown(path.c_str(), keep_owner, *access.group) != 0) {
        return storage_error("change the group of", path, errno);
    }
    mode_t mode = 0700;
    if (access.group || (access.keep_group && (facts.st_mode & S_IXGRP) != 0)) mode |= S_IXGRP;
    // Who may pass need not be able to list: the group of a shared folder could always do both.
    if (access.group || (access.keep_group && (facts.st_mode & S_IRGRP) != 0)) mode |= S_IRGRP;
    if (access.passable || (access.keep_group && (facts.st_mode & S_IXOTH) != 0)) {
        mode |= S_IXGRP | S_IXOTH;
    }
    if (::chmod(path.c_str(), mode) != 0) {
        return storage_error("change the mode of", path, errno);
    }
    return {};
}

Status check_socket_path(const std::string& path) {
    if (path.size() <= max_socket_path) return {};
    return fail(
        ErrorCode::Usage,
        fmt::format("the socket path {} is {} bytes too long: choose a shorter --runtime-dir",
                    path,
                    path.size() - max_socket_path));
}

} // namespace ctys::setup
