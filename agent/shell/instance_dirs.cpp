#include "agent/shell/instance_dirs.h"

#include "mesh/core/text.h"
#include "schema/codec.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::agent {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_wrapper_words = 400;
constexpr std::size_t most_tail = 16UL * 1024;
constexpr off_t most_record = off_t{1024} * 1024;

/// Last part of an open file.
std::string tail_of(int file, off_t size, std::size_t limit) {
    const auto wanted = std::min(static_cast<std::size_t>(std::max<off_t>(size, 0)), limit);
    std::string text(wanted, '\0');
    const auto count = ::pread(file, text.data(), wanted, size - static_cast<off_t>(wanted));
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
}

/// Last part of a file in a folder that belongs to the VM's user, who may put anything there:
/// no link is followed, nothing but a plain file of that user or of ours is read, and nothing
/// blocks. Empty when there is none. The folder is local by rule, so this cannot hang.
std::string tail_in(const std::string& directory, const char* name) {
    const loop::UniqueFd folder{
        ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    struct stat of_folder {};
    if (!folder.is_open() || ::fstat(folder.value(), &of_folder) != 0) return {};
    const loop::UniqueFd file{
        ::openat(folder.value(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    struct stat found {};
    if (!file.is_open() || ::fstat(file.value(), &found) != 0) return {};
    const bool is_theirs = found.st_uid == of_folder.st_uid || found.st_uid == ::geteuid();
    if (!S_ISREG(found.st_mode) || found.st_nlink != 1 || !is_theirs) return {};
    return tail_of(file.value(), found.st_size, most_tail);
}

/// "/run/i/1/exit" is looked for as "exit" in its folder.
std::string tail_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return tail_in(path.substr(0, slash), path.c_str() + slash + 1);
}

/// Beside the folder, not in it: what is said there must be the agent's word.
std::string record_of(const std::string& directory) {
    return directory + ".record";
}

Error system_error(std::string_view doing, const std::string& path) {
    return Error{.code = ErrorCode::Storage,
                 .message = fmt::format("{} {}: {}", doing, path, std::strerror(errno))};
}

// A wrapper that refuses may say several things.
std::string one_line(std::string_view text) {
    text = trim(text);
    if (text.size() > most_wrapper_words) text.remove_prefix(text.size() - most_wrapper_words);
    std::string out;
    for (const auto line : split(text, '\n')) {
        if (!out.empty()) out += "; ";
        out += printable(trim(line));
    }
    return out;
}

} // namespace

Result<InstanceDirs> InstanceDirs::open(const std::string& runtime) {
    const auto base = runtime + "/i";
    // VMs of other users must be able to pass through, not to look around.
    if (::mkdir(base.c_str(), 0711) != 0 && errno != EEXIST)
        return tl::unexpected(system_error("make", base));
    return InstanceDirs{base};
}

std::string InstanceDirs::path_of(ActionId action) const {
    return fmt::format("{}/{:016x}", base_, action.value);
}

bool InstanceDirs::contains(std::string_view directory) const {
    return directory.size() > base_.size() && directory.starts_with(base_) &&
           directory[base_.size()] == '/';
}

Result<loop::UniqueFd> InstanceDirs::make(ActionId action, uid_t uid, gid_t gid) const {
    const auto path = path_of(action);
    if (::mkdir(path.c_str(), 0700) != 0) return tl::unexpected(system_error("make", path));
    // Before the folder is handed over: until then nobody can put a link in its place.
    const auto log = path + "/wrapper.log";
    loop::UniqueFd file{
        ::open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!file.is_open()) return tl::unexpected(system_error("make", log));
    if (uid != ::geteuid() && ::lchown(path.c_str(), uid, gid) != 0)
        return tl::unexpected(system_error("hand over", path));
    return file;
}

std::optional<uid_t> InstanceDirs::owner_of(const std::string& directory) {
    struct stat found {};
    if (::lstat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) return std::nullopt;
    return found.st_uid;
}

void InstanceDirs::remove(const std::string& directory) const {
    if (!contains(directory)) return;
    std::error_code ignored; // what stays is removed by the next life of the agent
    fs::remove_all(directory, ignored);
    fs::remove(record_of(directory), ignored);
}

std::vector<std::string> InstanceDirs::list() const {
    std::vector<std::string> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(base_, ignored)) {
        std::error_code gone;
        if (fs::is_directory(entry.symlink_status(gone))) found.push_back(entry.path().string());
    }
    return found;
}

Result<qemu::InstanceFacts> InstanceDirs::read_facts(const std::string& directory) {
    const auto text = tail_of(qemu::instance_files(directory).facts);
    if (text.empty()) return fail(ErrorCode::NotFound, "QEMU has not been started there");
    return qemu::parse_instance_file(text);
}

std::optional<qemu::ExitFile> InstanceDirs::read_exit(const std::string& directory) {
    const auto text = tail_of(qemu::instance_files(directory).exit);
    if (text.empty()) return std::nullopt;
    auto parsed = qemu::parse_exit_file(text);
    return parsed ? std::optional{*parsed} : std::nullopt;
}

void InstanceDirs::add_evidence(const std::string& directory, qemu::ExitFacts& facts) {
    const auto files = qemu::instance_files(directory);
    facts.managed = true;
    if (const auto exit = read_exit(directory)) facts.shim = exit->status;
    facts.trace_cause = qemu::last_trace_cause(tail_of(files.trace_log));
    facts.stderr_tail = tail_of(files.stderr_log);
}

std::string InstanceDirs::last_words(const std::string& directory) {
    auto words = qemu::last_words(tail_of(qemu::instance_files(directory).stderr_log));
    return words.empty() ? one_line(tail_of(directory + "/wrapper.log")) : words;
}

Status InstanceDirs::keep(const std::string& directory, const InstanceRecord& record) {
    const auto bytes = schema::encode(record);
    const auto path = record_of(directory);
    const auto fresh = path + ".new";
    {
        std::ofstream file{fresh, std::ios::binary | std::ios::trunc};
        file.write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
        if (!file.flush()) return tl::unexpected(system_error("write", fresh));
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0)
        return tl::unexpected(system_error("replace", path));
    return {};
}

std::optional<InstanceRecord> InstanceDirs::kept(const std::string& directory, uid_t also) {
    const auto path = record_of(directory);
    const loop::UniqueFd file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    struct stat found {};
    if (!file.is_open() || ::fstat(file.value(), &found) != 0) return std::nullopt;
    const bool is_an_agents =
        found.st_uid == 0 || found.st_uid == ::geteuid() || found.st_uid == also;
    if (!S_ISREG(found.st_mode) || !is_an_agents || found.st_size > most_record)
        return std::nullopt;
    const auto text = tail_of(file.value(), found.st_size, static_cast<std::size_t>(most_record));
    auto record = schema::decode_instance(std::as_bytes(std::span{text.data(), text.size()}));
    return record ? std::optional{std::move(*record)} : std::nullopt;
}

} // namespace ctys::agent
