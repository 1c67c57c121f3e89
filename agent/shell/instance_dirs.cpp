#include "agent/shell/instance_dirs.h"

#include "mesh/core/text.h"
#include "schema/codec.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::agent {

namespace {

namespace fs = std::filesystem;

constexpr std::streamoff most_tail = 16 * 1024;

/// Last part of a file; empty when it cannot be read. The folder is local by rule, so this cannot
/// hang.
std::string tail_of(const std::string& path, std::streamoff limit = most_tail) {
    std::ifstream file{path, std::ios::binary | std::ios::ate};
    if (!file) return {};
    const auto size = static_cast<std::streamoff>(file.tellg());
    file.seekg(std::max<std::streamoff>(0, size - limit));
    std::string text(static_cast<std::size_t>(std::min(size, limit)), '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

Error system_error(std::string_view doing, const std::string& path) {
    return Error{.code = ErrorCode::Storage,
                 .message = fmt::format("{} {}: {}", doing, path, std::strerror(errno))};
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

Status InstanceDirs::make(ActionId action, uid_t uid, gid_t gid) const {
    const auto path = path_of(action);
    if (::mkdir(path.c_str(), 0700) != 0) return tl::unexpected(system_error("make", path));
    if (uid != ::geteuid() && ::chown(path.c_str(), uid, gid) != 0)
        return tl::unexpected(system_error("hand over", path));
    return {};
}

void InstanceDirs::remove(const std::string& directory) const {
    std::error_code ignored; // what stays is removed by the next life of the agent
    if (contains(directory)) fs::remove_all(directory, ignored);
}

std::vector<std::string> InstanceDirs::list() const {
    std::vector<std::string> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(base_, ignored)) {
        found.push_back(entry.path().string());
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
    return words.empty() ? qemu::last_words(tail_of(directory + "/wrapper.log")) : words;
}

Status InstanceDirs::keep(const std::string& directory, const InstanceRecord& record) {
    const auto bytes = schema::encode(record);
    const auto path = directory + "/record";
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

std::optional<InstanceRecord> InstanceDirs::kept(const std::string& directory) {
    const auto text = tail_of(directory + "/record", 1024 * 1024);
    auto record = schema::decode_instance(std::as_bytes(std::span{text.data(), text.size()}));
    return record ? std::optional{std::move(*record)} : std::nullopt;
}

} // namespace ctys::agent
