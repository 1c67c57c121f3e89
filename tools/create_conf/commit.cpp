#include "tools/create_conf/commit.h"

#include "mesh/core/text.h"
#include "tools/qemu_call/file_error.h"
#include "tools/qemu_call/install_target.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::conf {

namespace {

volatile std::sig_atomic_t interruption = 0;

void note_interruption(int /*signal*/) {
    interruption = 1;
}

// Holds signals back while the directory is neither as it was nor as it will be.
class HeldSignals {
public:
    HeldSignals() {
        sigset_t all;
        ::sigfillset(&all);
        ::sigprocmask(SIG_BLOCK, &all, &before_);
    }
    ~HeldSignals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;

private:
    sigset_t before_{};
};

Status write_new_file(const std::string& path, std::string_view bytes, bool executable) {
    const int file =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, executable ? 0777 : 0666);
    if (file < 0) return call::file_error("make", path);
    Status done;
    while (done && !bytes.empty()) {
        const auto count = ::write(file, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0)
            done = call::file_error("write", path);
        else
            bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    if (done && ::fsync(file) != 0) done = call::file_error("write", path);
    ::close(file);
    return done;
}

// Never over something that came since it was looked for.
Status rename_to_new(const std::string& from, const std::string& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
    if (errno == EEXIST)
        return fail(ErrorCode::Conflict, fmt::format("{} came while it was made", printable(to)));
    // File systems of other machines know no such rename.
    if (errno == EINVAL && ::access(to.c_str(), F_OK) != 0 &&
        ::rename(from.c_str(), to.c_str()) == 0)
        return {};
    return call::file_error("make", to);
}

class Work {
public:
    Work(const FilePlan& plan, const std::string& folder) : plan_(plan), folder_(folder) {}

    ~Work() {
        for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) {
            ::rename(step->first.c_str(), step->second.c_str());
        }
        std::error_code ignored;
        if (!staging_.empty()) std::filesystem::remove_all(staging_, ignored);
        if (!staged_image_.empty()) ::unlink(staged_image_.c_str());
        if (made_folder_ && !done_) ::rmdir(folder_.c_str());
    }
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

    Status run(bool make_folder) {
        if (auto made = stage(make_folder); !made) return made;
        if (was_interrupted()) return interrupted();
        const HeldSignals held;
        if (auto swapped = swap(); !swapped) return swapped;
        sync_folder();
        undo_.clear();
        done_ = true;
        return {};
    }

private:
    Status stage(bool make_folder) {
        made_folder_ = make_folder && ::mkdir(folder_.c_str(), 0777) == 0;
        if (make_folder && !made_folder_ && errno != EEXIST)
            return call::file_error("make", folder_);
        auto pattern = folder_ + "/.ctys-new-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr)
            return call::file_error("make a file in", folder_);
        staging_ = pattern;
        for (const auto& file : plan_.files) {
            if (auto made = write_new_file(staged(file.name), file.bytes, file.executable); !made)
                return made;
        }
        for (const auto& old : plan_.retired) {
            if (!old.text) continue;
            if (auto made = write_new_file(staged(old.kept_as), *old.text, false); !made)
                return made;
        }
        return plan_.image ? stage_image() : Status{};
    }

    Status stage_image() {
        auto target = *plan_.image;
        if (!plan_.image_kept_as.empty()) {
            if (auto unused = call::check_unused(target.file); !unused) return unused;
        }
        if (was_interrupted()) return interrupted();
        // Beside the place it is made for: that may be another file system.
        const auto name = staging_.substr(staging_.rfind('/') + 1);
        staged_image_ = target.file.substr(0, target.file.rfind('/') + 1) + name + ".img";
        target.file = staged_image_;
        auto made = call::prepare_target(target, qemu::Preparation::Create, std::nullopt);
        if (was_interrupted()) return interrupted();
        return made;
    }

    Status swap() {
        for (const auto& old : plan_.retired) {
            const auto path = in_folder(old.name);
            const auto kept = in_folder(old.kept_as);
            if (!old.text) {
                if (auto moved = move(path, kept); !moved) return moved;
                continue;
            }
            // The text with its mark takes the place; the original stays until all is done.
            if (auto moved = move(path, staged("before-" + old.name)); !moved) return moved;
            if (auto moved = move(staged(old.kept_as), kept); !moved) return moved;
        }
        if (!plan_.image_kept_as.empty()) {
            if (auto moved = move(plan_.image->file, plan_.image_kept_as); !moved) return moved;
        }
        if (plan_.image) {
            if (auto moved = move(staged_image_, plan_.image->file); !moved) return moved;
        }
        for (const auto& file : plan_.files) {
            if (auto moved = move(staged(file.name), in_folder(file.name)); !moved) return moved;
        }
        return {};
    }

    Status move(const std::string& from, const std::string& to) {
        if (auto moved = rename_to_new(from, to); !moved) return moved;
        undo_.emplace_back(to, from);
        return {};
    }

    void sync_folder() const {
        const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0) return;
        ::fsync(folder);
        ::close(folder);
    }

    // Under a name that no scan takes for a configuration.
    std::string staged(const std::string& name) const { return staging_ + "/" + name + ".part"; }
    std::string in_folder(const std::string& name) const { return folder_ + "/" + name; }

    const FilePlan& plan_;
    const std::string& folder_;
    std::string staging_;
    std::string staged_image_;
    bool made_folder_ = false;
    bool done_ = false;
    std::vector<std::pair<std::string, std::string>> undo_; ///< back from, to
};

} // namespace

void keep_interruptions() {
    struct sigaction action {};
    action.sa_handler = note_interruption; // a read that waits for an answer ends, too
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before {};
        ::sigaction(signal, nullptr, &before);
        // nohup and the like have decided already.
        if (before.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);
    }
    std::signal(SIGPIPE, SIG_IGN);
}

bool was_interrupted() {
    return interruption != 0;
}

tl::unexpected<Error> interrupted() {
    return fail(ErrorCode::Interrupted, "interrupted; nothing was made");
}

Status carry_out(const FilePlan& plan, const std::string& folder, bool make_folder) {
    return Work{plan, folder}.run(make_folder);
}

} // namespace ctys::conf
