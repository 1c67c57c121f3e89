#include "mesh/core/text.h"
#include "tools/client/log_tail.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"

#include <algorithm>
#include <array>
#include <filesystem>

namespace ctys::tools {

namespace {

constexpr std::uint64_t default_lines = 40;

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
            // The files beside a foreign console are not ours to know.
            if (!instance.managed || instance.console.empty()) continue;
            append_files(session, out, std::filesystem::path(instance.console).parent_path());
        }
        const auto is_foreign = [](const InstanceRecord& instance) { return !instance.managed; };
        if (out.size() == 0 && !detail->instances.empty() &&
            std::all_of(detail->instances.begin(), detail->instances.end(), is_foreign)) {
            return fail(ErrorCode::NotFound,
                        fmt::format("ctys did not start it: its logs are where its owner ({}) "
                                    "keeps them",
                                    to_string(detail->row.owner)),
                        fmt::format("ctys events --since 1h --filter vm={}", detail->row.label));
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
    void append_files(Session& session,
                      fmt::memory_buffer& out,
                      const std::filesystem::path& folder) const {
        for (const auto& file : log_files) {
            const auto path = (folder / file.name).string();
            const auto text = log_tail(path, lines_);
            if (!text) {
                session.remark(
                    fmt::format("ctys: logs: {}{}",
                                text.error().message,
                                text.error().code == ErrorCode::Refused
                                    ? "; call ctys as root or as the account the VM runs as"
                                    : "; remove it to have a log there at the next start"));
                continue;
            }
            if (text->empty()) continue;
            fmt::format_to(std::back_inserter(out), "{} ({})\n{}", file.title, path, *text);
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
