#include "tools/output/error_report.h"

#include "mesh/core/text.h"
#include "tools/output/json_writer.h"

#include <iterator>

namespace ctys::tools {

namespace {

// Long enough for a candidate list, short enough that hostile words do not fill a screen.
constexpr std::size_t longest_fact = 1000;

std::string_view fact_of(const Error& error) {
    return error.message.empty() ? traits(error.code).sentence : std::string_view{error.message};
}

} // namespace

void render_error(fmt::memory_buffer& out,
                  std::string_view subject,
                  const Error& error,
                  std::string_view program) {
    fmt::format_to(std::back_inserter(out),
                   "{}: {}{}{}\n",
                   program,
                   printable(subject, longest_fact),
                   subject.empty() ? "" : ": ",
                   printable(fact_of(error), longest_fact));
    for (const auto& fact : error.evidence)
        fmt::format_to(std::back_inserter(out), "      {}\n", printable(fact, longest_fact));
    if (!error.try_next.empty()) {
        fmt::format_to(
            std::back_inserter(out), "      try: {}\n", printable(error.try_next, longest_fact));
    }
}

void append_error_json(fmt::memory_buffer& out, std::string_view subject, const Error& error) {
    JsonWriter json(out);
    json.begin_object();
    json.member("code", to_string(error.code));
    json.member("status", traits(error.code).exit_status);
    json.member("message",
                subject.empty() ? std::string{fact_of(error)}
                                : fmt::format("{}: {}", subject, fact_of(error)));
    json.key("evidence");
    json.begin_array();
    for (const auto& fact : error.evidence)
        json.value(std::string_view{fact});
    json.end_array();
    json.member("try", error.try_next);
    json.end_object();
    out.push_back('\n');
}

} // namespace ctys::tools
