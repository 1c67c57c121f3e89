#include "tools/verbs/local_scan.h"

#include "mesh/bus/context.h"
#include "mesh/core/text.h"
#include "mesh/loop/child_process.h"
#include "mesh/setup/process.h"
#include "tools/client/agent_sockets.h"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <set>

namespace ctys::tools {

namespace {

using Json = nlohmann::json;

constexpr Duration agent_patience = std::chrono::seconds{3}; // it answers from memory
constexpr Duration scan_patience = std::chrono::seconds{30};
constexpr std::size_t scan_bytes = 64UL * 1024 * 1024;

std::string text_at(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

template <typename Number>
Number number_at(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_unsigned()) return 0;
    const auto value = found->get<std::uint64_t>();
    return value <= std::numeric_limits<Number>::max() ? static_cast<Number>(value) : Number{0};
}

WallTime time_at(const Json& object, const char* key) {
    return WallTime::parse(text_at(object, key)).value_or(WallTime{});
}

Owner owner_from(std::string_view text) {
    for (const auto owner :
         {Owner::Ctys, Owner::ByHand, Owner::Libvirt, Owner::Proxmox, Owner::Incus}) {
        if (to_string(owner) == text) return owner;
    }
    return Owner::Unknown;
}

} // namespace

Result<VmRow> parse_vm_row(std::string_view json) {
    const auto object = Json::parse(json, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) {
        return fail(ErrorCode::Malformed,
                    fmt::format("not a JSON object: {}", printable(json, 80)));
    }
    VmRow row;
    row.vm = VmId::parse(text_at(object, "uuid")).value_or(VmId{});
    row.label = text_at(object, "label");
    row.type = text_at(object, "type");
    row.worker_name = text_at(object, "worker");
    row.state = vm_state_from_text(text_at(object, "state")).value_or(VmState::Unknown);
    row.reason = text_at(object, "reason");
    row.managed = object.value("managed", Json{}) == Json(true);
    row.owner = owner_from(text_at(object, "owner"));
    row.since = time_at(object, "since");
    row.started = time_at(object, "started");
    row.accelerator = text_at(object, "accelerator");
    row.pid = number_at<std::uint32_t>(object, "pid");
    row.paths = number_at<std::uint32_t>(object, "paths");
    row.note = text_at(object, "note");
    row.mac = text_at(object, "mac");
    row.ip = text_at(object, "tcp");
    row.display = text_at(object, "display");
    row.cport = number_at<std::uint32_t>(object, "cport");
    row.console = text_at(object, "sport");
    row.user = text_at(object, "user");
    row.uid = number_at<std::uint32_t>(object, "uid");
    row.gid = number_at<std::uint32_t>(object, "gid");
    row.config = text_at(object, "id");
    row.executable = text_at(object, "execpath");
    row.version = text_at(object, "hyperrelrun");
    row.arch = text_at(object, "arch");
    row.memory_mb = number_at<std::uint64_t>(object, "memory_mb");
    row.vcpus = number_at<std::uint32_t>(object, "vcpus");
    return row;
}

namespace {

/// What the agents of this machine know, one row per process. Nothing where none answers: agents
/// may be away, of another user, or still looking around.
std::optional<std::vector<VmRow>> ask_agents(Session& session) {
    const auto directories = session.directories();
    if (!directories) return std::nullopt;
    bus::Context context;
    std::optional<std::vector<VmRow>> all;
    std::map<std::uint32_t, std::size_t> known; // by pid
    std::set<VmId> vms;
    for (const auto& endpoint : agent_sockets(directories->runtime)) {
        auto connection = Connection::open(context, session.loop(), endpoint, {}, agent_patience);
        if (!connection) continue;
        std::vector<VmRow> rows;
        const auto take = [&](std::vector<Row>&& part) {
            for (auto& row : part) {
                if (auto* vm = std::get_if<VmRow>(&row)) rows.push_back(std::move(*vm));
            }
        };
        if (!(*connection)->ask({.table = Table::Vms}, take)) continue;
        if (!all) all.emplace();
        for (auto& row : rows) {
            // Every agent sees every process; the one that started it knows it best.
            const bool is_new_vm = vms.insert(row.vm).second;
            if (row.pid == 0 && !is_new_vm) continue;
            const auto twin = row.pid == 0 ? known.end() : known.find(row.pid);
            if (twin == known.end()) {
                if (row.pid != 0) known.emplace(row.pid, all->size());
                all->push_back(std::move(row));
            } else if (row.managed && !(*all)[twin->second].managed) {
                (*all)[twin->second] = std::move(row);
            }
        }
    }
    return all;
}

} // namespace

Result<std::vector<VmRow>> scan_locally(Session& session) {
    if (auto rows = ask_agents(session)) return std::move(*rows);
    loop::ChildSpec spec;
    spec.argv = {setup::program_beside("ctys-agent"), "--discover", "-o", "jsonl"};
    if (!session.globals().state_dir.empty())
        spec.argv.insert(spec.argv.end(), {"--state-dir", session.globals().state_dir});
    if (!session.globals().runtime_dir.empty())
        spec.argv.insert(spec.argv.end(), {"--runtime-dir", session.globals().runtime_dir});
    spec.output = loop::ToMemory{.limit = scan_bytes};
    spec.errors = loop::ToMemory{};
    spec.deadline = session.globals().timeout.value_or(scan_patience);
    std::optional<loop::ChildResult> result;
    auto child = loop::ChildProcess::start(
        session.loop(), spec, [&](const loop::ChildResult& ended) { result = ended; });
    if (!child) return tl::unexpected(child.error());
    static_cast<void>(session.loop().run_until([&] { return result.has_value(); },
                                               *spec.deadline + std::chrono::seconds{1}));
    if (!result || result->timed_out) {
        return fail(ErrorCode::TimedOut,
                    fmt::format("the scan took longer than {}", to_short_text(*spec.deadline)),
                    "ctys list --local --timeout 5m");
    }
    if (result->term_signal != 0 || result->exit_status != 0) {
        return fail(
            ErrorCode::Failed,
            fmt::format("ctys-agent --discover ended with {} {}",
                        result->term_signal != 0 ? "signal" : "status",
                        result->term_signal != 0 ? result->term_signal : result->exit_status),
            {},
            {printable(trim(result->errors), 1000)});
    }
    std::vector<VmRow> rows;
    for (const auto line : split(result->output, '\n')) {
        if (trim(line).empty()) continue;
        auto row = parse_vm_row(line);
        if (!row) return wrap("ctys-agent --discover", row.error());
        rows.push_back(std::move(*row));
    }
    return rows;
}

} // namespace ctys::tools
