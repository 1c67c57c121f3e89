#include "mesh/core/text.h"
#include "tools/client/terminal.h"
#include "tools/client/watcher.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"

#include <algorithm>

namespace ctys::tools {

namespace {

constexpr Duration default_patience = std::chrono::hours{24};
// A restarted broker may have skipped what changed in between: look again now and then.
constexpr Duration look_again = std::chrono::seconds{30};

class Wait final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "wait"; }
    [[nodiscard]] std::string_view summary() const override {
        return "until a VM runs, or has stopped";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys wait web01 --state running --timeout 1m\n"
               "  ctys wait web01 --state stopped && ctys start web01\n"
               "Ends with 124 when the time is over. Other states can be named as well.\n";
    }
    [[nodiscard]] std::string subject() const override { return address_; }
    void declare(Arguments& arguments) override {
        arguments.positional("VM", address_, Arguments::Need::Required, "label or address");
        arguments.text("--state", state_, "STATE", "running, stopped, ...; else running");
    }

    [[nodiscard]] Status run(Session& session) override {
        const auto wanted = vm_state_from_text(state_);
        if (!wanted) {
            return fail(ErrorCode::Usage,
                        fmt::format("--state {}: no such state", printable(state_, 40)),
                        "--state running, --state stopped");
        }
        auto connection = session.broker();
        if (!connection) return tl::unexpected(connection.error());
        auto detail = session.vm_at(address_);
        if (!detail) return tl::unexpected(detail.error());
        // From here on it is this VM, whatever its label becomes.
        const auto vm = "u:" + detail->row.vm.to_string();
        Watcher watcher(**connection,
                        {.filters = {{.field = "vm", .values = {detail->row.vm.to_string()}},
                                     {.field = "family", .values = {"vm"}}}});
        if (auto opened = watcher.open(); !opened) return opened;
        const auto begun = wall_now();
        const auto patience = session.globals().timeout.value_or(default_patience);
        while (true) {
            // Asked anew after every event: one event more costs less than a state kept twice.
            auto now = session.vm_at(vm);
            if (!now) return tl::unexpected(now.error());
            if (fits(now->row.state, *wanted)) {
                return session.globals().quiet
                           ? Status{}
                           : session.print(fmt::format(
                                 "{}  {}\n", printable(now->row.label), to_string(now->row.state)));
            }
            const auto left = patience - (wall_now() - begun);
            if (left <= Duration{}) {
                return fail(ErrorCode::TimedOut,
                            fmt::format("is {} after {}, not {}",
                                        to_string(now->row.state),
                                        to_short_text(wall_now() - begun),
                                        to_string(*wanted)));
            }
            auto next = watcher.next(std::min(left, look_again));
            if (!next) return tl::unexpected(next.error());
        }
    }

private:
    static bool fits(VmState state, VmState wanted) {
        return state == wanted || (wanted == VmState::Stopped && state == VmState::Gone);
    }

    std::string address_;
    std::string state_ = "running";
};

} // namespace

std::unique_ptr<Subcommand> make_wait() {
    return std::make_unique<Wait>();
}

} // namespace ctys::tools
