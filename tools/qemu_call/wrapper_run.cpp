// Happy path: a wrapper of this version is executed as it stands.
//
// Failure modes: one that is there and cannot be read is refused, as nobody knows what it does;
// somebody else's that is to be checked first refuses, or hangs and is killed: its status and
// words; the original's own wrapper needs a framework that is not here, so this version's runs in
// its place, under its name; one that somebody has edited does what nobody here knows, and is
// refused with the lines; nothing of either is executed.

#include "tools/qemu_call/wrapper_run.h"

#include "mesh/core/text.h"
#include "mesh/loop/unique_fd.h"
#include "mesh/setup/process.h"
#include "tools/qemu_call/program_run.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::call {

namespace {

constexpr const char* wrapper_of_this_version =
#include "wrapper_text.inc"
    ;

constexpr const char* library_of_this_version =
#include "library_text.inc"
    ;

constexpr std::size_t most_edits_told = 5;

// Beside these programs; of another version it would not do. Empty where it is not.
std::string installed_library() {
    auto path = setup::program_folder() + "/../share/ctys-mesh/ctys-wrapper-lib.sh";
    return ::access(path.c_str(), R_OK) == 0 ? path : std::string{};
}

Error unreadable(const std::string& path, int why) {
    return {.code = why == EACCES || why == EPERM ? ErrorCode::Refused : ErrorCode::Failed,
            .message = fmt::format("cannot read the wrapper {} as uid {}: {}",
                                   printable(path),
                                   ::geteuid(),
                                   std::strerror(why))};
}

int refuse_wrapper(const Error& error) {
    fmt::print(stderr, "ctys-qemu-call: {}\n", error.message);
    for (const auto& line : error.evidence) {
        fmt::print(stderr, "      {}\n", line);
    }
    if (!error.try_next.empty()) fmt::print(stderr, "      try: {}\n", error.try_next);
    return traits(error.code).exit_status;
}

int become_bash(std::vector<std::string> argv) {
    std::vector<char*> pointers;
    for (auto& argument : argv) {
        pointers.push_back(argument.data());
    }
    pointers.push_back(nullptr);
    std::fflush(nullptr);
    ::execv("/bin/bash", pointers.data());
    return refuse_wrapper(
        {.message = fmt::format("cannot execute /bin/bash: {}", std::strerror(errno))});
}

bool exists_at(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

} // namespace

std::string_view wrapper_text() {
    return wrapper_of_this_version;
}

Result<WrapperPair> wrapper_pair(const std::string& path) {
    const auto stem = path.substr(0, path.rfind('.'));
    const bool named = !stem.empty() && !stem.ends_with('/');
    if (named && path.ends_with(".sh")) return WrapperPair{path, stem + ".ctys"};
    if (named && (path.ends_with(".ctys") || path.ends_with(".conf")))
        return WrapperPair{stem + ".sh", path};
    return fail(
        ErrorCode::Usage,
        fmt::format("{} is neither a configuration (.ctys) nor a wrapper (.sh)", printable(path)));
}

Result<std::optional<std::string>> read_wrapper(const std::string& path) {
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
        return tl::unexpected(unreadable(path, errno));
    }
    // Not to wait for the other end of a pipe.
    const loop::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.is_open() || ::fstat(file.value(), &facts) != 0)
        return tl::unexpected(unreadable(path, errno));
    if (!S_ISREG(facts.st_mode)) {
        return fail(ErrorCode::Failed,
                    fmt::format("the wrapper {} is not a regular file", printable(path)));
    }
    std::string out(qemu::max_wrapper_bytes + 1, '\0');
    std::size_t size = 0;
    while (size < out.size()) {
        const auto got = ::read(file.value(), out.data() + size, out.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(unreadable(path, errno));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    out.resize(size);
    return size > qemu::max_wrapper_bytes ? std::string{} : out;
}

Status check_stock(const WrapperPair& pair, const qemu::WrapperKind& kind) {
    if (kind.edits.empty()) return {};
    Error out{.code = ErrorCode::Conflict,
              .message = fmt::format("{} is a wrapper of the original that was edited, and is not "
                                     "run; what differs:",
                                     printable(pair.wrapper)),
              .try_next = fmt::format("ctys-createConfVM --adopt {}", pair.configuration)};
    for (const auto& edit : kind.edits) {
        if (out.evidence.size() == most_edits_told) {
            out.evidence.push_back(fmt::format("and {} more", kind.edits.size() - most_edits_told));
            break;
        }
        out.evidence.push_back(edit.line == 0 ? fmt::format("{} is gone", edit.text)
                                              : fmt::format("line {}: {}", edit.line, edit.text));
    }
    return tl::unexpected(std::move(out));
}

namespace {

/// How a wrapper of somebody else answers --check; 0 where it may run.
int check_wrapper(std::vector<std::string> argv) {
    argv.front() = "/bin/bash";
    std::erase(argv, "--confirm-start");
    argv.emplace_back("--check");
    const auto ended = run_program(std::move(argv), check_limit);
    if (!ended && ended.error().code == ErrorCode::TimedOut) {
        return refuse_wrapper({.message = fmt::format("its --check gives no answer within {} s",
                                                      check_limit.count())});
    }
    if (!ended) return refuse_wrapper(ended.error());
    if (ended->status != 0) fmt::print(stderr, "{}", ended->said);
    return ended->status;
}

} // namespace

int run_wrapper(const std::string& path, std::span<const std::string> given) {
    std::vector<std::string> options{given.begin(), given.end()};
    const bool check_first = std::erase(options, "--check-first") > 0;
    auto pair = wrapper_pair(path);
    if (!pair) return refuse_wrapper(pair.error());
    const auto read = read_wrapper(pair->wrapper);
    // To start the configuration alone would leave out what the wrapper does.
    if (!read) return refuse_wrapper(read.error());
    const auto& text = *read;
    const auto kind = qemu::judge_wrapper(text.value_or(""));
    std::vector<std::string> argv{"bash"};
    if (text && !kind.of_original) {
        argv.push_back(pair->wrapper);
    } else {
        const auto& configuration = pair->configuration;
        const auto older = configuration.substr(0, configuration.rfind('.')) + ".conf";
        if (!exists_at(configuration) && exists_at(older)) pair->configuration = older;
        if (!exists_at(pair->configuration)) {
            return refuse_wrapper({.code = ErrorCode::NotFound,
                                   .message = fmt::format("the configuration {} does not exist",
                                                          printable(pair->configuration))});
        }
        if (auto fine = check_stock(*pair, kind); !fine) return refuse_wrapper(fine.error());
        if (text) {
            fmt::print(stderr,
                       "ctys-qemu-call: {} is the original's own wrapper and is not run: {} "
                       "starts its VM alone\n",
                       printable(pair->wrapper),
                       printable(pair->configuration));
        }
        argv.insert(argv.end(), {"-c", std::string{wrapper_text()}, pair->wrapper});
    }
    argv.insert(argv.end(), options.begin(), options.end());
    const bool is_of_this_version = argv[1] == "-c" || text == wrapper_text();
    const auto own = setup::program_folder() + "/ctys-qemu-call";
    ::setenv("CTYS_QEMU_CALL", own.c_str(), 0);
    // The wrapper need not ask for it, which would be a process more at every start.
    if (const auto file = installed_library(); !file.empty())
        ::setenv("CTYS_WRAPPER_LIB", file.c_str(), 1);
    if (check_first && !is_of_this_version) {
        if (const int status = check_wrapper(argv); status != 0) return status;
    }
    return become_bash(std::move(argv));
}

std::string_view library_text() {
    return library_of_this_version;
}

} // namespace ctys::call
