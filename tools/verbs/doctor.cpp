#include "mesh/core/text.h"
#include "tools/output/table.h"
#include "tools/verbs/checks.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"

#include <algorithm>

namespace ctys::tools {

namespace {

std::string_view word_of(Finding::Verdict verdict) {
    switch (verdict) {
    case Finding::Verdict::Ok:
        return "OK";
    case Finding::Verdict::Warn:
        return "WARN";
    case Finding::Verdict::Fail:
        return "FAIL";
    }
    return "FAIL";
}

Tone tone_of(Finding::Verdict verdict) {
    return verdict == Finding::Verdict::Ok     ? Tone::Good
           : verdict == Finding::Verdict::Warn ? Tone::Warn
                                               : Tone::Bad;
}

class Doctor final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "doctor"; }
    [[nodiscard]] std::string_view summary() const override {
        return "what is wrong on this machine, and what mends it";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys doctor\n"
               "Ends with 1 when something FAILs; a WARN leaves it at 0.\n";
    }
    void declare(Arguments& /*arguments*/) override {}

    [[nodiscard]] Status run(Session& session) override {
        const auto findings = examine(session);
        fmt::memory_buffer out;
        for (const auto& finding : findings)
            append(out, session, finding);
        if (auto printed = session.print(out); !printed) return printed;
        const auto failed = std::count_if(findings.begin(), findings.end(), [](const auto& f) {
            return f.verdict == Finding::Verdict::Fail;
        });
        if (failed == 0) return {};
        return fail(ErrorCode::Failed,
                    fmt::format("{} of {} checks fail", failed, findings.size()));
    }

private:
    static void append(fmt::memory_buffer& out, Session& session, const Finding& finding) {
        if (!is_for_people(session.format())) {
            JsonWriter json(out);
            json.begin_object();
            json.member("check", finding.what);
            json.member("verdict", word_of(finding.verdict));
            json.member("fact", finding.fact);
            json.member("mend", finding.mend);
            json.end_object();
            out.push_back('\n');
            return;
        }
        fmt::format_to(std::back_inserter(out),
                       "{}{}  {:<12} {}\n",
                       toned(word_of(finding.verdict), tone_of(finding.verdict), session.view()),
                       std::string(4 - word_of(finding.verdict).size(), ' '),
                       finding.what,
                       printable(finding.fact));
        if (!finding.mend.empty())
            fmt::format_to(std::back_inserter(out), "{:19}mend: {}\n", "", printable(finding.mend));
    }
};

} // namespace

std::unique_ptr<Subcommand> make_doctor() {
    return std::make_unique<Doctor>();
}

} // namespace ctys::tools
