#include "mesh/setup/log.h"

#include "mesh/core/text.h"
#include "mesh/core/time.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <array>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::setup {

namespace {

constexpr std::size_t max_message_bytes = 4000;

constexpr std::array level_names = {
    std::pair{LogLevel::Error, std::string_view("error")},
    std::pair{LogLevel::Warning, std::string_view("warning")},
    std::pair{LogLevel::Notice, std::string_view("notice")},
    std::pair{LogLevel::Info, std::string_view("info")},
    std::pair{LogLevel::Debug, std::string_view("debug")},
};

// spdlog knows no "notice": its "info" is taken for that, and "debug" and "trace" for the rest.
spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
    case LogLevel::Error:
        return spdlog::level::err;
    case LogLevel::Warning:
        return spdlog::level::warn;
    case LogLevel::Notice:
        return spdlog::level::info;
    case LogLevel::Info:
        return spdlog::level::debug;
    case LogLevel::Debug:
        return spdlog::level::trace;
    }
    return spdlog::level::err;
}

LogLevel from_spdlog(spdlog::level::level_enum level) {
    switch (level) {
    case spdlog::level::trace:
        return LogLevel::Debug;
    case spdlog::level::debug:
        return LogLevel::Info;
    case spdlog::level::info:
        return LogLevel::Notice;
    case spdlog::level::warn:
        return LogLevel::Warning;
    default:
        return LogLevel::Error;
    }
}

class LineSink : public spdlog::sinks::base_sink<std::mutex> {
public:
    LineSink(LogFormat format, int descriptor) : format_(format), descriptor_(descriptor) {}

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const auto level = from_spdlog(message.level);
        const auto text =
            printable({message.payload.data(), message.payload.size()}, max_message_bytes);
        std::string line;
        if (format_ == LogFormat::Journal) {
            line = fmt::format("<{}>{}\n", static_cast<unsigned>(level), text);
        } else {
            const auto us = std::chrono::duration_cast<std::chrono::microseconds>(
                message.time.time_since_epoch());
            line = fmt::format(
                "{} {}: {}\n", WallTime{us.count()}.to_rfc3339(), to_string(level), text);
        }
        // There is nobody left to tell that the log cannot be written.
        [[maybe_unused]] const auto written = ::write(descriptor_, line.data(), line.size());
    }
    void flush_() override {}

private:
    LogFormat format_;
    int descriptor_;
};

} // namespace

std::string_view to_string(LogLevel level) {
    for (const auto& [known, name] : level_names) {
        if (known == level) return name;
    }
    return "error";
}

std::optional<LogLevel> log_level_from(std::string_view text) {
    for (const auto& [level, name] : level_names) {
        if (name == text) return level;
    }
    return std::nullopt;
}

LogFormat detect_log_format(int descriptor, const char* journal_stream) {
    struct stat facts {};
    if (journal_stream == nullptr || ::fstat(descriptor, &facts) != 0) return LogFormat::Plain;
    const auto own = fmt::format("{}:{}", facts.st_dev, facts.st_ino);
    return own == journal_stream ? LogFormat::Journal : LogFormat::Plain;
}

struct Logger::Sink {
    spdlog::logger logger;
};

Logger::Logger(LogLevel threshold, LogFormat format, int descriptor)
    : sink_(new Sink{spdlog::logger("ctys", std::make_shared<LineSink>(format, descriptor))}) {
    sink_->logger.set_level(to_spdlog(threshold));
}

Logger::~Logger() = default;

bool Logger::accepts(LogLevel level) const {
    return sink_->logger.should_log(to_spdlog(level));
}

void Logger::write(LogLevel level, std::string_view text) {
    sink_->logger.log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
}

} // namespace ctys::setup
