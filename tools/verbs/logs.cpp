#include "mesh/core/text.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace ctys::tools {

namespace {

constexpr std::uint64_t default_lines = 40;
constexpr std::streamoff most_bytes = 64 * 1024; // of one file: a tail, not an archive

/// Files an instance directory may have; those that exist are shown.
struct LogFile {
    std::string_view name;
    std::string_view title;
};
constexpr std::array log_files = {LogFile{"stderr", "QEMU"},
                                  LogFile{"stderr.log", "QEMU"},
                                  LogFile{"qemu.log", "QEMU"},
                                  LogFile{"serial.log", "serial console"},
                                  LogFile{"console.log", "serial console"}};

std::string tail_of(const std::filesystem::path& path, std::uint64_t lines) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const auto size = static_cast<std::streamoff>(file.tellg());
    if (!file || size <= 0) return {};
    file.seekg(std::max<std::streamoff>(size - most_bytes, 0));
    std::string text(static_cast<std::size_t>(std::min(size, most_bytes)), '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    const auto all = split(text, '\n');
    const bool ends_line = !all.empty() && all.back().empty();
    const auto count = all.size() - (ends_line ? 1 : 0);
    std::string out;
    for (auto i = count - std::min<std::size_t>(count, lines); i < count; ++i) {
        // A guest prints what it likes: nothing of it may steer the terminal.
        auto line = all[i];
        if (line.ends_with('\r')) line.remove_suffix(1);
        out += "  " + printable(line, 2000) + "\n";
    }
    return out;
}

class Logs final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "logs"; }
    [[nodiscard]] std::string_view summary() const override {
        return "QEMU's own words and the tail of the serial console";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys logs web01\n  ctys logs web01 --lines 200\n"
               "Files are read on the machine the VM runs or ran on; what happened to it is told "
               "by\n"
               "ctys events --since 1h --filter vm=web01.\n";
    }
    [[nodiscard]] std::string subject() const override { return address_; }
    void declare(Arguments& arguments) override {
        arguments.positional("VM", address_, Arguments::Need::Required, "label or address");
        arguments.number("--lines", lines_, "of each file; else 40");
    }

    [[nodiscard]] Status run(Session& session) override {
        auto detail = session.vm_at(address_);
        if (!detail) return tl::unexpected(detail.error());
        fmt::memory_buffer out;
        for (const auto& instance : detail->instances) {
            if (instance.ended && !instance.ended->detail.empty()) {
                fmt::format_to(std::back_inserter(out),
                               "{}  ended by {}: {}\n",
                               clock_text(instance.ended->at, Grain::Second, session.view()),
                               to_string(instance.ended->by),
                               printable(instance.ended->detail));
            }
            if (instance.console.empty()) continue;
            append_files(out, std::filesystem::path(instance.console).parent_path());
        }
        if (out.size() == 0) {
            return fail(ErrorCode::NotFound,
                        detail->row.worker_name.empty()
                            ? std::string{"there are no logs of it on this machine"}
                            : fmt::format("there are no logs of it on this machine; it runs on {}",
                                          detail->row.worker_name),
                        fmt::format("ctys events --since 1h --filter vm={}", detail->row.label));
        }
        return session.print(out);
    }

private:
    void append_files(fmt::memory_buffer& out, const std::filesystem::path& folder) const {
        for (const auto& file : log_files) {
            const auto text = tail_of(folder / file.name, lines_);
            if (text.empty()) continue;
            fmt::format_to(std::back_inserter(out),
                           "{} ({})\n{}",
                           file.title,
                           (folder / file.name).string(),
                           text);
        }
    }

    std::string address_;
    std::uint64_t lines_ = default_lines;
};

} // namespace

std::unique_ptr<Subcommand> make_logs() {
    return std::make_unique<Logs>();
}

} // namespace ctys::tools
