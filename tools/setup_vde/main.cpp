// ctys-setupVDE: makes and takes down the network of a user's VMs.
#include "mesh/core/text.h"
#include "tools/output/error_report.h"
#include "tools/setup_vde/commands.h"
#include "tools/setup_vde/elsewhere.h"
#include "tools/setup_vde/last_client.h"
#include "tools/setup_vde/network_plan.h"
#include "tools/setup_vde/report.h"

#include <cstdio>
#include <exception>
#include <syslog.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::vde;

namespace {

Status print(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0)
        return {};
    return fail(ErrorCode::Failed, "the output cannot be written");
}

void print_notes(const Plan& plan) {
    for (const auto& note : plan.notes) {
        std::fprintf(stderr, "ctys-setupVDE: %s\n", printable(note, 400).c_str());
    }
}

void trace(const Request& request, const Plan& plan, const Observed& machine) {
    if (request.traces) std::fputs(plan_text(plan, machine).c_str(), stderr);
}

Status do_plan(const Plan& plan, Machine& performer) {
    auto done = perform(plan, performer);
    if (done) return {};
    auto& [error, left] = done.error();
    error.evidence = std::move(left);
    if (error.evidence.empty()) error.evidence.emplace_back("what was done before is undone");
    return tl::unexpected(std::move(error));
}

Status create(loop::EventLoop& loop, const Request& request, Observed& machine) {
    const auto plan = decide_create(request, machine);
    if (!plan) return tl::unexpected(plan.error());
    if (request.only_shows) return print(plan_text(*plan, machine));
    trace(request, *plan, machine);
    {
        Machine performer{loop, machine.paths, machine.account};
        if (auto done = do_plan(*plan, performer); !done) return done;
    }
    if (!request.terse) print_notes(*plan);
    if (request.with_last) {
        const auto pid = stay_behind(loop, request, machine, Stay::FirstAndLast);
        if (!pid) return tl::unexpected(pid.error());
        if (!request.terse) {
            std::fprintf(
                stderr, "ctys-setupVDE: it goes with the last VM on it (pid %d waits)\n", *pid);
        }
    }
    if (request.terse) return {};
    auto now = observe(loop, request);
    return now ? print(created_text(*now)) : Status{tl::unexpected(now.error())};
}

Status cancel(loop::EventLoop& loop, const Request& request, const Observed& machine) {
    const auto clients = machine.vde.clients();
    if (request.with_last && (machine.is_root || request.only_shows) && !clients.empty()) {
        if (request.only_shows) {
            const Plan lacks{.steps = {},
                             .notes = {},
                             .missing = missing_rights(request, machine, "taken away")};
            return print(fmt::format("# when the last has left:\n{}\n{}",
                                     fmt::join(clients, "\n"),
                                     plan_text(lacks, machine)));
        }
        const auto pid = stay_behind(loop, request, machine, Stay::Last);
        if (!pid) return tl::unexpected(pid.error());
        return print(fmt::format("switch of {}: goes with the last of {} on it (pid {} waits)\n",
                                 machine.account.name,
                                 clients.size(),
                                 *pid));
    }
    const auto plan = decide_cancel(request, machine);
    if (!plan) return tl::unexpected(plan.error());
    if (request.only_shows) return print(plan_text(*plan, machine));
    trace(request, *plan, machine);
    Machine performer{loop, machine.paths, machine.account};
    if (auto done = do_plan(*plan, performer); !done) return done;
    if (request.terse) return {};
    print_notes(*plan);
    if (plan->steps.empty()) return {};
    return print(fmt::format("switch of {}: gone\n", machine.account.name));
}

Status show(const Request& request, const Observed& machine) {
    auto works = check_works(machine);
    const bool answers = machine.vde.state == SwitchState::Answers;
    if (request.action == Action::Check) {
        if (!works || request.terse) return works;
        return print(fmt::format("switch of {}: works, {} attached\n",
                                 machine.account.name,
                                 machine.vde.clients().size()));
    }
    if (request.action == Action::Ports) {
        if (!answers) return works;
        return print(ports_text(machine, tools::View{.header = request.header}));
    }
    if (machine.vde.state == SwitchState::Absent) return works;
    return print(info_text(machine));
}

Status change(loop::EventLoop& loop, const Request& request) {
    // What is looked at must still hold when it is acted upon.
    Result<OneAtATime> turn = fail(ErrorCode::Failed, "");
    if (::geteuid() == 0 && !request.only_shows) {
        turn = OneAtATime::acquire(loop);
        if (!turn) return tl::unexpected(turn.error());
    }
    auto machine = observe(loop, request);
    if (!machine) return tl::unexpected(machine.error());
    return request.action == Action::Create ? create(loop, request, *machine)
                                            : cancel(loop, request, *machine);
}

// The process that --last has left behind: nobody reads what it says but the log.
Status stay(loop::EventLoop& loop, const Request& request) {
    auto awaited = request.stay;
    while (true) {
        const auto machine = observe(loop, request);
        if (!machine) return tl::unexpected(machine.error());
        {
            const Machine performer{loop, machine->paths, machine->account};
            if (!await_last_client(loop, performer, *machine, awaited)) return {};
        }
        auto done = change(loop, request);
        if (done) return done;
        // A VM came while it was decided, somebody else is at work, or the machine is busy.
        const auto code = done.error().code;
        if (code != ErrorCode::Conflict && code != ErrorCode::TimedOut) return done;
        awaited = Stay::Last; // the first one has been there
    }
}

Status run(const Request& request) {
    loop::EventLoop loop;
    if (request.stay != Stay::No) return stay(loop, request);
    switch (request.action) {
    case Action::Create:
    case Action::Cancel:
        return change(loop, request);
    case Action::List:
    case Action::ListAll: {
        const auto switches = list_switches(loop);
        if (!switches) return tl::unexpected(switches.error());
        const bool sockets = request.action == Action::ListAll;
        return print(list_text(*switches, sockets, tools::View{.header = request.header}));
    }
    case Action::Check:
    case Action::Info:
    case Action::Ports:
        break;
    }
    const auto machine = observe(loop, request);
    return machine ? show(request, *machine) : Status{tl::unexpected(machine.error())};
}

int report(std::string_view subject, const Error& error) {
    fmt::memory_buffer out;
    tools::render_error(out, subject, error, "ctys-setupVDE");
    std::fwrite(out.data(), 1, out.size(), stderr);
    return traits(error.code).exit_status;
}

std::string subject_of(const Request& request) {
    std::string subject{to_string(request.action)};
    const bool of_all = request.action == Action::List || request.action == Action::ListAll;
    if (of_all || request.user.empty()) return subject;
    return fmt::format("{} for {}", subject, request.user);
}

int do_here(const Request& request) {
    const auto done = run(request);
    if (done) return 0;
    if (request.stay != Stay::No) {
        ::openlog("ctys-setupVDE", LOG_PID, LOG_DAEMON);
        ::syslog(LOG_ERR, "cancel for %s: %s", request.user.c_str(), done.error().message.c_str());
    }
    return report(subject_of(request), done.error());
}

int do_there(const std::string& machine, const Request& request) {
    loop::EventLoop loop;
    const auto status = run_elsewhere(loop, machine, request);
    if (status) return *status;
    return report(fmt::format("{} on {}", subject_of(request), machine), status.error());
}

// One after the other: what they say stays apart, and Ctrl-C spares the next ones.
int do_on_machines(const Request& request) {
    const bool titles = request.machines.size() > 1 && request.header && !request.terse;
    std::vector<int> statuses;
    for (const auto& machine : request.machines) {
        if (titles) {
            if (auto shown = print(machine + ":\n"); !shown) return report("", shown.error());
        }
        const bool here = machine == this_machine;
        statuses.push_back(here ? do_here(request) : do_there(machine, request));
        if (statuses.back() == traits(ErrorCode::Interrupted).exit_status) return statuses.back();
    }
    return status_of_all(statuses);
}

int serve(const std::vector<std::string>& arguments) {
    const auto parsed = parse_arguments(arguments);
    if (!parsed) return report("", parsed.error());
    if (const auto* page = std::get_if<Page>(&*parsed)) {
        const auto shown = print(page->text);
        return shown ? 0 : report("", shown.error());
    }
    complete_path();
    const auto& request = std::get<Request>(*parsed);
    return request.machines.empty() ? do_here(request) : do_on_machines(request);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return serve({argv + 1, argv + argc});
    } catch (const Fault& fault) {
        return report("", fault.error());
    } catch (const std::exception& failure) {
        return report("", {.message = failure.what()});
    }
}
