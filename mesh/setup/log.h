#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace ctys::setup {

/// The values are syslog priorities.
enum class LogLevel : std::uint8_t { Error = 3, Warning = 4, Notice = 5, Info = 6, Debug = 7 };

[[nodiscard]] std::string_view to_string(LogLevel level);
[[nodiscard]] std::optional<LogLevel> log_level_from(std::string_view text);

enum class LogFormat : std::uint8_t {
    Plain,   ///< "2026-03-01T14:02:06.114000Z warning: text", for people
    Journal, ///< "<4>text": journald adds the time itself
};

/// Journal when `descriptor` is what $JOURNAL_STREAM (device:inode) names, else Plain.
[[nodiscard]] LogFormat detect_log_format(int descriptor, const char* journal_stream);

/// Writes one line per message, in one write(2), to a descriptor it does not own. Control
/// characters and malformed UTF-8 become "?", a message ends after 4,000 bytes: hostile text can
/// neither forge a line nor flood one. May be used from any thread. Passed by reference; there is
/// no default one.
class Logger {
public:
    Logger(LogLevel threshold, LogFormat format, int descriptor);
    ~Logger();
    Logger(const Logger&) = delete;
    Logger& operator=(const Logger&) = delete;

    [[nodiscard]] bool accepts(LogLevel level) const;
    void write(LogLevel level, std::string_view text);

    template <typename... Args>
    void error(fmt::format_string<Args...> text, Args&&... args) {
        write_formatted(LogLevel::Error, text, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void warning(fmt::format_string<Args...> text, Args&&... args) {
        write_formatted(LogLevel::Warning, text, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void notice(fmt::format_string<Args...> text, Args&&... args) {
        write_formatted(LogLevel::Notice, text, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void info(fmt::format_string<Args...> text, Args&&... args) {
        write_formatted(LogLevel::Info, text, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void debug(fmt::format_string<Args...> text, Args&&... args) {
        write_formatted(LogLevel::Debug, text, std::forward<Args>(args)...);
    }

private:
    template <typename... Args>
    void write_formatted(LogLevel level, fmt::format_string<Args...> text, Args&&... args) {
        if (accepts(level)) write(level, fmt::format(text, std::forward<Args>(args)...));
    }

    struct Sink;
    std::unique_ptr<Sink> sink_;
};

} // namespace ctys::setup
