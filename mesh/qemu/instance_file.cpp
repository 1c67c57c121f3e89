#include "mesh/qemu/instance_file.h"

#include "mesh/core/text.h"

#include <charconv>
#include <map>
#include <optional>

namespace ctys::qemu {

namespace {

constexpr std::size_t max_file_bytes = std::size_t{16} * 1024;

using Fields = std::map<std::string_view, std::string_view>;

// Lines of "key value"; the value goes to the end of the line and may be empty.
Result<Fields> read_fields(std::string_view what, std::string_view text) {
    if (auto fine = check_text(what, text, max_file_bytes); !fine) {
        return tl::unexpected(fine.error());
    }
    if (!text.ends_with('\n')) {
        return fail(ErrorCode::Malformed, fmt::format("{} is cut off", what));
    }
    Fields out;
    for (const auto line : split(text, '\n')) {
        const auto blank = line.find(' ');
        if (line.empty()) continue;
        if (blank == std::string_view::npos) {
            return fail(ErrorCode::Malformed, fmt::format("{}: not 'key value': {}", what, line));
        }
        out.emplace(line.substr(0, blank), line.substr(blank + 1));
    }
    return out;
}

template <typename Number>
std::optional<Number> number(const Fields& fields, std::string_view key) {
    const auto found = fields.find(key);
    if (found == fields.end()) return std::nullopt;
    const auto text = found->second;
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string one_line(std::string_view text) {
    return printable(text, 4096);
}

} // namespace

std::string to_text(const ExitFile& file) {
    const auto& status = file.status;
    return fmt::format("{} {}\nwall_us {}\nmonotonic_us {}\n",
                       status.signal != 0 ? "signal" : "code",
                       status.signal != 0 ? status.signal : status.code,
                       file.at.us,
                       file.monotonic_us);
}

Result<ExitFile> parse_exit_file(std::string_view text) {
    const auto fields = read_fields("an exit file", text);
    if (!fields) return tl::unexpected(fields.error());
    const auto code = number<int>(*fields, "code");
    const auto signal = number<int>(*fields, "signal");
    const auto wall = number<std::int64_t>(*fields, "wall_us");
    const auto monotonic = number<std::int64_t>(*fields, "monotonic_us");
    const bool code_fits = code && !signal && *code >= 0 && *code <= 255;
    const bool signal_fits = signal && !code && *signal >= 1 && *signal <= 64;
    if ((!code_fits && !signal_fits) || !wall || !monotonic) {
        return fail(ErrorCode::Malformed, "an exit file lacks its status or its time");
    }
    return ExitFile{.status = {.code = code.value_or(-1), .signal = signal.value_or(0)},
                    .at = {*wall},
                    .monotonic_us = *monotonic};
}

std::string to_text(const InstanceFacts& facts) {
    return fmt::format("label {}\nuuid {}\nconfig {}\nshim_pid {}\nqemu_pid {}\nstart_ticks {}\n"
                       "argv_digest {}\naction {}\ntoken {}\narch {}\nvcpus {}\nmemory_mb {}\n"
                       "resumes {}\n",
                       one_line(facts.label),
                       facts.uuid,
                       one_line(facts.config),
                       facts.shim_pid,
                       facts.qemu_pid,
                       facts.start_ticks,
                       facts.argv_digest,
                       facts.action,
                       facts.token,
                       one_line(facts.arch),
                       facts.vcpus,
                       facts.memory_mb,
                       facts.resumes ? 1 : 0);
}

Result<InstanceFacts> parse_instance_file(std::string_view text) {
    const auto fields = read_fields("an instance file", text);
    if (!fields) return tl::unexpected(fields.error());
    const auto field = [&](std::string_view key) {
        const auto found = fields->find(key);
        return found == fields->end() ? std::string_view{} : found->second;
    };
    const auto uuid = Uuid::parse(field("uuid"));
    const auto action = ActionId::parse(field("action"));
    const auto shim = number<std::uint32_t>(*fields, "shim_pid");
    const auto qemu = number<std::uint32_t>(*fields, "qemu_pid");
    const auto ticks = number<std::uint64_t>(*fields, "start_ticks");
    const auto digest = number<std::uint64_t>(*fields, "argv_digest");
    const auto token = number<std::uint64_t>(*fields, "token");
    if (!is_label(field("label")) || !uuid || !action || !shim || !qemu || !ticks || !digest ||
        !token) {
        return fail(ErrorCode::Malformed, "an instance file lacks a field or has a wrong one");
    }
    return InstanceFacts{.label = std::string{field("label")},
                         .uuid = *uuid,
                         .config = std::string{field("config")},
                         .shim_pid = *shim,
                         .qemu_pid = *qemu,
                         .start_ticks = *ticks,
                         .argv_digest = *digest,
                         .action = *action,
                         .token = *token,
                         .arch = printable(field("arch"), 32),
                         .vcpus = number<std::uint32_t>(*fields, "vcpus").value_or(0),
                         .memory_mb = number<std::uint64_t>(*fields, "memory_mb").value_or(0),
                         .resumes = field("resumes") == "1"};
}

} // namespace ctys::qemu
