#include "tools/create_conf/line_input.h"

#include "tools/create_conf/commit.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <unistd.h>

namespace ctys::conf {

Result<std::string> LineInput::next() {
    while (true) {
        const auto end = rest_.find('\n');
        if (end != std::string::npos) {
            auto line = rest_.substr(0, end);
            rest_.erase(0, end + 1);
            return line;
        }
        if (rest_.size() > max_line_bytes)
            return fail(ErrorCode::Usage, "an answer without an end");
        if (was_interrupted()) return interrupted();
        std::array<char, 4096> bytes{};
        const auto count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            return fail(ErrorCode::Usage,
                        "the answers ended before the questions; nothing was made",
                        "ctys-createConfVM --auto-all --label=NAME takes all defaults");
        }
        rest_.append(bytes.data(), static_cast<std::size_t>(count));
    }
}

Result<std::string> ask(LineInput& input, const std::string& question) {
    std::fwrite(question.data(), 1, question.size(), stdout);
    std::fflush(stdout);
    return input.next();
}

} // namespace ctys::conf
