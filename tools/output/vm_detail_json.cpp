#include "tools/output/drive_rows.h"
#include "tools/output/event_line.h"
#include "tools/output/snapshot_rows.h"
#include "tools/output/vm_detail.h"
#include "tools/output/vm_rows.h"

namespace ctys::tools {

namespace {

void json_path(JsonWriter& out, const VmDetail& detail, std::size_t index) {
    const auto& path = detail.paths[index];
    out.begin_object();
    const bool is_named = index < detail.path_workers.size();
    out.member("worker", is_named ? detail.path_workers[index] : path.worker.to_string());
    out.member("worker_id", path.worker);
    out.member_or_null("worker_state",
                       index < detail.path_worker_states.size()
                           ? to_string(detail.path_worker_states[index])
                           : std::string_view{});
    out.member("config", path.config);
    out.member("wrapper", path.wrapper);
    out.member("pool_root", path.pool_root);
    out.member("pool", path.storage.pool);
    out.member("below", path.storage.below);
    out.member("filesystem", path.storage.filesystem);
    out.member("config_digest", fmt::format("{:016x}", path.config_digest));
    out.member("health", to_string(path.health));
    out.member("health_reason", path.health_reason);
    out.member("vmstate", path.vmstate);
    out.member("runnable", path.runnable);
    out.member("why_not", path.why_not);
    out.member("first_seen", path.first_seen);
    out.member("last_seen", path.last_seen);
    out.end_object();
}

void json_instance(JsonWriter& out, const InstanceRecord& instance) {
    out.begin_object();
    out.member("worker_id", instance.worker);
    out.member("pid", instance.key.pid);
    out.member("boot", instance.key.boot);
    out.member("state", to_string(instance.state));
    out.member("reason", instance.reason);
    out.member("managed", instance.managed);
    out.member("owner", to_string(instance.owner));
    out.member("since", instance.since);
    out.member("started", instance.started);
    out.member("user", instance.user);
    out.member("executable", instance.executable);
    out.member("version", instance.version);
    out.member("accelerator", instance.accelerator);
    out.member("machine", instance.machine);
    out.member("image", instance.image);
    out.member("console", instance.console);
    out.member("display", instance.display);
    out.member("note", instance.note);
    out.member("can_ask", instance.can_ask);
    out.member("guest_agent", instance.guest_agent);
    out.key("drives");
    out.begin_array();
    for (const auto& drive : instance.drives) {
        out.begin_object();
        append_drive_members(out, drive);
        out.end_object();
    }
    out.end_array();
    out.key("snapshots");
    out.begin_array();
    for (const auto& snapshot : instance.snapshots) {
        out.begin_object();
        append_snapshot_members(out, snapshot);
        out.end_object();
    }
    out.end_array();
    out.key("ended");
    if (!instance.ended) {
        out.null();
    } else {
        out.begin_object();
        out.member("at", instance.ended->at);
        out.member("by", to_string(instance.ended->by));
        out.member("evidence", to_string(instance.ended->evidence));
        out.member("exit_code", instance.ended->exit_code);
        out.member("signal", instance.ended->signal);
        out.member("detail", instance.ended->detail);
        out.end_object();
    }
    out.end_object();
}

void json_names(JsonWriter& out, std::string_view key, const std::vector<std::string>& names) {
    out.key(key);
    out.begin_array();
    for (const auto& name : names)
        out.value(std::string_view{name});
    out.end_array();
}

void json_stack(JsonWriter& out, const VmSurroundings& surroundings) {
    out.key("stack");
    out.begin_object();
    json_names(out, "carried_by", surroundings.carriers);
    json_names(out, "carries", surroundings.carries);
    out.end_object();
}

} // namespace

void append_detail_json(JsonWriter& out,
                        const VmDetail& detail,
                        const VmSurroundings& surroundings) {
    out.begin_object();
    append_vm_members(out, detail.row);
    out.member("foreign", detail.vm.foreign);
    out.member("uuid_derived", detail.vm.uuid_derived);
    out.member("copy_of", detail.vm.copy_of);
    out.key("grace_s");
    detail.vm.grace ? out.value(*detail.vm.grace) : out.null();
    out.member("on_stop", to_string(detail.vm.on_stop));
    out.member("on_boot", to_string(detail.vm.on_boot));
    json_names(out, "start_after", detail.vm.start_after);
    out.key("path_list");
    out.begin_array();
    for (std::size_t i = 0; i < detail.paths.size(); ++i)
        json_path(out, detail, i);
    out.end_array();
    out.key("instances");
    out.begin_array();
    for (const auto& instance : detail.instances)
        json_instance(out, instance);
    out.end_array();
    out.key("settings");
    out.begin_array();
    for (const auto& setting : detail.vm.settings) {
        out.begin_object();
        out.member("key", setting.key);
        out.member("value", setting.value);
        out.member("line", setting.line);
        out.member_or_null("file", setting.file);
        out.end_object();
    }
    out.end_array();
    out.key("lease");
    if (!detail.lease) {
        out.null();
    } else {
        out.begin_object();
        out.member("worker", detail.lease_worker);
        out.member("worker_id", detail.lease->worker);
        out.member("token", detail.lease->token);
        out.member("phase", detail.lease->phase == Lease::Phase::Running ? "running" : "reserved");
        out.end_object();
    }
    json_stack(out, surroundings);
    out.key("events");
    out.begin_array();
    for (const auto& event : surroundings.events)
        append_event_json(out, event);
    out.end_array();
    out.end_object();
}

} // namespace ctys::tools
