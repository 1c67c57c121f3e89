#include "tools/legacy/hosts.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ctys::tools::legacy {

namespace {

using Workers = std::vector<const WorkerRecord*>;

template <typename Predicate>
Workers those(const Workers& workers, Predicate fits) {
    Workers found;
    std::copy_if(workers.begin(), workers.end(), std::back_inserter(found), [&](const auto* w) {
        return fits(*w);
    });
    return found;
}

Result<const WorkerRecord*> one_of(const Workers& found, std::string_view host) {
    if (found.size() == 1) return found.front();
    std::vector<std::string> candidates;
    candidates.reserve(found.size());
    for (const auto* worker : found) {
        candidates.push_back(
            fmt::format("{} on {}, id {}", worker->name, worker->host, worker->id));
    }
    return fail(ErrorCode::Ambiguous,
                fmt::format("{} workers are meant by {}", found.size(), printable(host, 80)),
                "ctys workers",
                std::move(candidates));
}

std::string_view without_domain(std::string_view host) {
    return host.substr(0, host.find('.'));
}

// What looks like an address has no domain to leave out.
bool is_address(std::string_view host) {
    return host.find(':') != std::string_view::npos ||
           host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool is_same_but_for_domain(std::string_view one, std::string_view other) {
    const bool both =
        one.find('.') != std::string_view::npos && other.find('.') != std::string_view::npos;
    return !both && !is_address(one) && without_domain(one) == without_domain(other);
}

bool is_own(std::string_view host) {
    constexpr std::array<std::string_view, 3> names = {"localhost", "127.0.0.1", "::1"};
    return std::find(names.begin(), names.end(), host) != names.end();
}

Result<const WorkerRecord*> require_own(const Workers& workers, const OwnMachine& own) {
    const auto here =
        those(workers, [&](const auto& w) { return !own.boot.is_none() && w.boot == own.boot; });
    if (here.empty())
        return fail(ErrorCode::NotFound,
                    "localhost: no worker of this machine is known to the broker",
                    "ctys workers");
    if (here.size() == 1) return here.front();
    // Containers of one machine share its boot id, and a host may have several agents.
    const auto named = those(here, [&](const auto& w) { return w.host == own.host; });
    if (named.size() == 1) return named.front();
    const auto called =
        those(named, [&](const auto& w) { return w.name == without_domain(own.host); });
    return one_of(called.size() == 1 ? called : here, "localhost");
}

} // namespace

Result<const WorkerRecord*> require_host(const std::vector<WorkerRecord>& workers,
                                         std::string_view host,
                                         const OwnMachine& own) {
    Workers all;
    for (const auto& worker : workers)
        all.push_back(&worker);
    if (is_own(host)) return require_own(all, own);
    auto found = those(all, [&](const auto& w) { return w.id.to_string() == host; });
    if (found.empty()) found = those(all, [&](const auto& w) { return w.name == host; });
    if (found.empty()) found = those(all, [&](const auto& w) { return w.host == host; });
    if (found.empty())
        found = those(all, [&](const auto& w) { return is_same_but_for_domain(host, w.host); });
    if (!found.empty()) return one_of(found, host);
    return fail(ErrorCode::NotFound,
                fmt::format("no worker is called {}", printable(host, 80)),
                "ctys workers");
}

std::string handle_of(const WorkerRecord& worker, const std::vector<WorkerRecord>& workers) {
    const auto alike = std::count_if(
        workers.begin(), workers.end(), [&](const auto& w) { return w.name == worker.name; });
    return alike == 1 ? worker.name : worker.id.to_string();
}

} // namespace ctys::tools::legacy
