#include "mesh/setup/log.h"

#include <catch2/catch.hpp>

#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ctys::setup;

namespace {

/// A pipe whose written end is given to a logger.
class LogPipe {
public:
    LogPipe() { REQUIRE(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) == 0); }
    ~LogPipe() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    LogPipe(const LogPipe&) = delete;
    LogPipe& operator=(const LogPipe&) = delete;

    [[nodiscard]] int input() const { return ends_[1]; }
    [[nodiscard]] std::string read() const {
        std::string text(16'384, '\0');
        const auto size = ::read(ends_[0], text.data(), text.size());
        text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return text;
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

} // namespace

TEST_CASE("a plain line has time, level and text", "[setup]") {
    const LogPipe pipe;
    Logger log(LogLevel::Info, LogFormat::Plain, pipe.input());

    log.warning("worker {} is {}", "lab02", "lost");

    const auto line = pipe.read();
    REQUIRE(line.size() > 28);
    CHECK(line.substr(4, 1) == "-");
    CHECK(line.substr(26) == "Z warning: worker lab02 is lost\n");
}

TEST_CASE("under journald a line begins with its priority", "[setup]") {
    const LogPipe pipe;
    Logger log(LogLevel::Debug, LogFormat::Journal, pipe.input());

    log.error("e");
    log.warning("w");
    log.notice("n");
    log.info("i");
    log.debug("d");

    CHECK(pipe.read() == "<3>e\n<4>w\n<5>n\n<6>i\n<7>d\n");
}

TEST_CASE("messages below the threshold are not written", "[setup]") {
    const LogPipe pipe;
    Logger log(LogLevel::Notice, LogFormat::Journal, pipe.input());

    log.info("i");
    log.notice("n");

    CHECK(pipe.read() == "<5>n\n");
    CHECK(log.accepts(LogLevel::Error));
    CHECK_FALSE(log.accepts(LogLevel::Info));
}

TEST_CASE("hostile text cannot forge a second line, nor fill the log", "[setup]") {
    const LogPipe pipe;
    Logger log(LogLevel::Info, LogFormat::Journal, pipe.input());

    log.info("{}", "a\n<0>forged\x1b[2J\xff {}");
    log.info("{}", std::string(10'000, 'x'));

    const auto text = pipe.read();
    CHECK(text.substr(0, text.find('\n')) == "<6>a?<0>forged?[2J? {}");
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
    CHECK(text.size() < 4'100);
}

TEST_CASE("the journal is recognised by device and inode", "[setup]") {
    const LogPipe pipe;
    struct stat facts {};
    REQUIRE(::fstat(pipe.input(), &facts) == 0);
    const auto own = fmt::format("{}:{}", facts.st_dev, facts.st_ino);

    CHECK(detect_log_format(pipe.input(), own.c_str()) == LogFormat::Journal);
    CHECK(detect_log_format(pipe.input(), "1:2") == LogFormat::Plain);
    CHECK(detect_log_format(pipe.input(), nullptr) == LogFormat::Plain);
    CHECK(detect_log_format(-1, own.c_str()) == LogFormat::Plain);
}

TEST_CASE("levels have names that are read back", "[setup]") {
    const auto level = GENERATE(
        LogLevel::Error, LogLevel::Warning, LogLevel::Notice, LogLevel::Info, LogLevel::Debug);
    CHECK(log_level_from(to_string(level)) == level);
    CHECK_FALSE(log_level_from("loud"));
}
